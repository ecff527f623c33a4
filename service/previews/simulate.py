"""Who would newly see, or lose, which of the own records of a period, if a policy took the place of the one in force.

The gate judges every scope for every audience twice, as it is and as it would be, at one moment; the records of the
period are counted by scope, month and the facets that they have. Pure but for the two statements.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem
from service.records.registry import FACETS

ROWS, COUNTED, HITS = 1 << 26, 1 << 28, 1 << 29
EXAMPLES = 20
MOST_BUCKETS = 50_000
AT_ONCE = 25  # audiences judged in one statement: what a worker holds is bounded, however many there are

_VERDICTS = text("""
    SELECT a.n, m.scope_id, m.mask, m.delay, m.window_from, m.window_until
    FROM jsonb_to_recordset(CAST(:audiences AS jsonb)) 
      AS a(n int, country text, agency text, roles text[], purpose text)
    CROSS JOIN LATERAL gate.trial_masks(a.country, a.agency, a.roles, a.purpose, :layer, CAST(:rules AS jsonb), :at) m
""")


_HAS = " | ".join(f"((disclosures[{bit + 1}] IS NOT NULL)::int << {bit})" for bit in range(len(FACETS)))
_BUCKETS = text(f"""
    SELECT r.scope_id, r.month_end, r.facets, count(*) AS records,
      CAST((array_agg(r.record_id ORDER BY r.record_id))[1:CAST(:most AS int)] AS text[]) AS ids
    FROM (
      SELECT scope_id, month_end, record_id, {_HAS} AS facets FROM shared.own_report
      WHERE latest AND at_instant >= :since AND at_instant < :until
    ) r GROUP BY r.scope_id, r.month_end, r.facets LIMIT :cap
""")


class SimulationTooLarge(Problem):
    """The period holds more kinds of records than are weighed at once: choose a shorter one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Audience(NamedTuple):
    """A kind of reader. Without an agency: any agency that no rule names."""

    country: str
    agency: str
    roles: tuple[str, ...]
    purpose: str


class Verdict(NamedTuple):
    """What the gate gives of a scope: mask, days of delay, first and last day (since 1970) of the months it covers."""

    mask: int
    delay: int
    since: int | None
    until: int | None

    def on(self, month_end: date, today: date) -> int:
        """The mask for a record whose month ended then, 0 where nothing is given today."""
        day = (month_end - date(1970, 1, 1)).days
        if self.delay and day + self.delay > (today - date(1970, 1, 1)).days:
            return 0
        inside = (self.since is None or day >= self.since) and (self.until is None or day <= self.until)
        return self.mask if inside else 0


class Bucket(NamedTuple):
    """Own records of the period that no rule can tell apart."""

    scope_id: int
    month_end: date
    facets: int  # those that the records have
    records: int
    ids: list[str]


@dataclass
class Effect:
    """What changes for one audience: records, and facets of records that it sees before or after."""

    seen_before: int = 0
    seen_after: int = 0
    newly: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    newly_ids: list[str] = field(default_factory=list)
    lost_ids: list[str] = field(default_factory=list)

    def count(self, bucket: Bucket, before: int, after: int) -> None:
        self.seen_before += bucket.records if before & ROWS else 0
        self.seen_after += bucket.records if after & ROWS else 0
        for name, flag in (("records", ROWS), ("counted", COUNTED), ("hits", HITS)):
            self._tally(name, bucket.records, before & flag, after & flag)
        given_before = before & bucket.facets if before & ROWS else 0
        given_after = after & bucket.facets if after & ROWS else 0
        for bit, name in enumerate(FACETS):
            self._tally(name, bucket.records, given_before & 1 << bit, given_after & 1 << bit)
        if after & ROWS and not before & ROWS:
            self.newly_ids += bucket.ids[: EXAMPLES - len(self.newly_ids)]
        if before & ROWS and not after & ROWS:
            self.lost_ids += bucket.ids[: EXAMPLES - len(self.lost_ids)]

    def _tally(self, name: str, records: int, was: int, now: int) -> None:
        if now and not was:
            self.newly[name] += records
        if was and not now:
            self.lost[name] += records

    def told(self) -> dict[str, Any]:
        """{records: {before, after, newly, lost, examples…}, facets: {name: {newly, lost}}, counted?, hits?}."""
        changed = {name: {"newly": self.newly[name], "lost": self.lost[name]} for name in self.newly | self.lost}
        records = changed.pop("records", {"newly": 0, "lost": 0})
        examples = {"newly": sorted(self.newly_ids), "lost": sorted(self.lost_ids)}
        facets = {name: changed[name] for name in FACETS if name in changed}
        others: dict[str, Any] = {name: changed[name] for name in ("counted", "hits") if name in changed}
        seen = {"before": self.seen_before, "after": self.seen_after}
        return {"records": {**seen, **records, "examples": examples}, "facets": facets, **others}

    def __bool__(self) -> bool:
        return bool(self.newly or self.lost)


async def buckets(session: AsyncSession, since: date, until: date) -> list[Bucket]:
    """The caller's own records, latest versions, of events from `since` to before `until` (UTC).

    Raises SimulationTooLarge.
    """
    values = {"since": _midnight(since), "until": _midnight(until), "most": EXAMPLES, "cap": MOST_BUCKETS + 1}
    rows = (await session.execute(_BUCKETS, values)).all()
    if len(rows) > MOST_BUCKETS:
        detail = f"its records differ in more than {MOST_BUCKETS} ways of label, month and facets"
        raise SimulationTooLarge(detail, pointer="/from")
    return [Bucket(row.scope_id, row.month_end, row.facets, row.records, list(row.ids)) for row in rows]


async def verdicts(
    session: AsyncSession, audiences: list[Audience], at: datetime, layer: str, rules: list[dict[str, Any]] | None
) -> list[dict[int, Verdict]]:
    """What each audience gets of each own scope at a moment. The session is a writing one."""
    listed = [{"n": n, **audience._asdict()} for n, audience in enumerate(audiences)]
    tried = None if rules is None else orjson.dumps(rules).decode()
    values = {"audiences": orjson.dumps(listed).decode(), "layer": tried and layer, "rules": tried, "at": at}
    given: list[dict[int, Verdict]] = [{} for _ in audiences]
    for n, scope_id, *verdict in await session.execute(_VERDICTS, values):
        given[n][scope_id] = Verdict(*verdict)
    return given


def compare(
    records: Iterable[Bucket], before: Mapping[int, Verdict], after: Mapping[int, Verdict], today: date
) -> Effect:
    """What one audience gains and loses of these records."""
    effect, nothing = Effect(), Verdict(0, 0, None, None)
    for bucket in records:
        was, now = before.get(bucket.scope_id, nothing), after.get(bucket.scope_id, nothing)
        effect.count(bucket, was.on(bucket.month_end, today), now.on(bucket.month_end, today))
    return effect


Judged = tuple[Audience, Mapping[int, Verdict], Mapping[int, Verdict]]
"""An audience, and what it gets of each scope before and after."""


class Effects:
    """What changes for whom; audiences of one country and role with the same change together."""

    def __init__(self, records: list[Bucket], today: date) -> None:
        self._records, self._today = records, today
        self._known: dict[tuple[Any, ...], Effect] = {}
        self._same: dict[bytes, dict[str, Any]] = {}

    def add(self, audience: Audience, before: Mapping[int, Verdict], after: Mapping[int, Verdict]) -> None:
        key = tuple(sorted(before.items())), tuple(sorted(after.items()))
        effect = self._known.get(key) or compare(self._records, before, after, self._today)
        self._known[key] = effect
        if not effect:
            return
        told = effect.told()
        place = orjson.dumps([audience.country, audience.agency, audience.roles, told])
        entry = {"country": audience.country, "agency": audience.agency or None, "roles": list(audience.roles)}
        self._same.setdefault(place, {**entry, "purposes": [], **told})["purposes"].append(audience.purpose)

    def add_all(self, judged: Iterable[Judged]) -> None:
        for one in judged:
            self.add(*one)

    def told(self) -> list[dict[str, Any]]:
        return list(self._same.values())


async def simulated(
    session: AsyncSession,
    records: list[Bucket],
    audiences: list[Audience],
    *,
    at: datetime,
    layer: str,
    rules: list[dict[str, Any]] | None,
) -> list[dict[str, Any]]:
    """What the rules would change for every audience, in the place of those in force. The sums, which take long, are
    made beside the event loop.
    """
    found = Effects(records, at.date())
    for start in range(0, len(audiences), AT_ONCE):
        some = audiences[start : start + AT_ONCE]
        before = await verdicts(session, some, at, layer, None)
        after = await verdicts(session, some, at, layer, rules)
        await asyncio.to_thread(found.add_all, zip(some, before, after, strict=True))
    return found.told()


def named(changed: Iterable[Mapping[str, Any]]) -> Iterator[UUID]:
    """The records that stand as examples in what would change."""
    for effect in changed:
        for examples in effect["records"]["examples"].values():
            yield from map(UUID, examples)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
