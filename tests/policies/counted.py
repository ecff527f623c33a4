"""A situation made by hand for what is only counted: each level, facet and gift of a rule with each way of being due.

Drawn at random, a delay or a window seldom meets a report of its own scope on the other side of it.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from tests.policies.figures import ITEMS, PERSONS
from tests.policies.oracle import ALL, Row, Rules, Scope
from tests.policies.random_gate import STATES, Report, Situation

TIMES = 0b111 << 2
FACETS = (ALL, ALL & ~ITEMS, ALL & ~PERSONS)


def counted() -> Situation:
    """One rule for each group of substances, and two reports: one on each side of what the rule cuts."""
    now = datetime.now(UTC).replace(microsecond=0)
    cuts = dict(_cuts(now.date()))
    gifts: list[Row] = [{"facets": facets & ~hidden} for hidden in (0, TIMES) for facets in FACETS]
    gifts.append({"facets": ALL, "gives": "aggregates"})
    rules, reports = [], []
    for number, (cut, gift) in enumerate((cut, gift) for cut in cuts for gift in gifts):
        rules.append({"permit": True, "joins": False, "handling": 4, "groups": 1 << number, **gift, **dict(cut)})
        scope = Scope("KZ", "KZ-CUS", "seizure", 1 << number, 2)
        for month_end in cuts[cut]:
            reports.append(Report(str(uuid.UUID(int=len(reports))), scope, month_end, 1))
    countable = reports[-2]  # of the last rule the one that is due
    for versions, kind, status in ((2, "seizure", "reported"), (1, "zero", "reported"), (1, "seizure", "retracted")):
        scope = Scope(**vars(countable.scope) | {"kind": kind})
        reports.append(Report(str(uuid.UUID(int=len(reports))), scope, countable.month_end, versions, status))
    made = Rules({("KZ", "national"): rules}, members=frozenset(c for c, s in STATES.items() if s == "member"))
    return Situation(now, made, reports, before={("KZ", "national"): []}, turns=[now + timedelta(1)] * 3)


def _cuts(today: date) -> Iterator[tuple[tuple[tuple[str, int | date], ...], tuple[date, ...]]]:
    """Members of a rule, and the ends of the months of two reports. A month that goes on waits for no delay."""
    day, window = timedelta(1), today - timedelta(100)
    yield (("delay", 0),), (today + 20 * day,)
    yield (("delay", 30),), (today - 29 * day, today - 30 * day)
    yield (("delay", 0), ("events_from", window)), (window - day, window)
    yield (("delay", 0), ("events_until", window)), (window, window + day)
