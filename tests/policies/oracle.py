"""The whole rule model read a second time, from the rows that documents become: one reader, one scope, one moment.

Independent of the gate on purpose: it says in plain Python what `service/policies/document.py` says in words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

READING = {"reporter", "laboratory", "analyst", "policy_officer", "coordinator"}
LEVELS = {"hits": 1, "aggregates": 2, "rows": 3}
ALL = (1 << 19) - 1
Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    country: str
    agency: str
    roles: frozenset[str]
    purpose: str
    key: str = ""


@dataclass(frozen=True)
class Scope:
    owner: str
    agency: str
    kind: str
    groups: int
    handling: int
    record: str | None = None
    month_end: date | None = None


@dataclass(frozen=True)
class Sight:
    gives: str
    facets: int
    delay: int
    duties: int
    since: date | None
    until: date | None
    own: bool = False

    def mask(self) -> int:
        bits = self.facets
        if self.gives == "rows":
            bits |= 1 << 26 | self.own << 27
            bits |= next((1 << flag for facet, flag in ((2, 20), (3, 21), (4, 22)) if bits >> facet & 1), 1 << 23)
            bits |= next((1 << flag for facet, flag in ((5, 24), (6, 25)) if bits >> facet & 1), 0)
        else:
            bits |= 1 << (28 if self.gives == "aggregates" else 29)
        return bits | (self.since is not None or self.until is not None) << 30

    def shows(self, month_end: date, today: date) -> bool:
        """Whether a record whose month ended then is given today."""
        return (
            (self.delay == 0 or month_end + timedelta(self.delay) <= today)
            and (self.since is None or month_end >= self.since)
            and (self.until is None or month_end <= self.until)
        )


@dataclass
class Rules:
    """All that countries have decided: rows by owner and layer, rows by record, suspensions, who is who."""

    layers: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    records: dict[str, list[Row]] = field(default_factory=dict)
    stops: list[Row] = field(default_factory=list)
    members: frozenset[str] = frozenset()
    circles: dict[str, frozenset[str]] = field(default_factory=dict)

    def sight(self, reader: Reader, scope: Scope, moment: datetime) -> Sight | None:
        if not reader.roles & READING:
            return None
        if reader.country == scope.owner:
            return Sight("rows", ALL, 0, 0, None, None, own=True)
        if not reader.purpose or any(stopped(stop, reader, scope) for stop in self.stops):
            return None
        of_agency = f"agency:{scope.agency}"
        national, ceiling, granted = (
            [rule for rule in rules if self.matches(rule, reader, scope, moment)]
            for rules in (
                self.layers.get((scope.owner, "national"), []),
                self.layers.get((scope.owner, of_agency), []),
                self.records.get(scope.record or "", []),
            )
        )
        if not all(rule["permit"] for rule in (*national, *ceiling, *granted)):
            return None
        return combined(national, ceiling if (scope.owner, of_agency) in self.layers else None, granted, scope, moment)

    def matches(self, rule: Row, reader: Reader, scope: Scope, moment: datetime) -> bool:
        return in_force(rule, moment) and self.hears(rule, reader) and means(rule, scope)

    def hears(self, rule: Row, reader: Reader) -> bool:
        countries, groups = rule.get("countries"), rule.get("audience_groups")
        circles = self.circles.get(reader.country, frozenset())
        member = reader.country in self.members
        circles |= {"members"} if member else frozenset()
        anywhere = countries is None and groups is None
        if not (anywhere or reader.country in (countries or ()) or circles & set(groups or ())):
            return False
        if rule.get("agencies") is not None and reader.agency not in rule["agencies"]:
            return False
        if rule.get("roles") is not None and not reader.roles & READING & set(rule["roles"]):
            return False
        if rule.get("purposes") is not None and reader.purpose not in rule["purposes"]:
            return False
        if member or not rule["permit"]:
            return True
        named = reader.country in (countries or ()) or reader.agency in (rule.get("agencies") or ())
        begins, ends = rule.get("valid_from"), rule.get("valid_until")
        return named and begins is not None and ends is not None and ends - begins <= timedelta(366)


def stopped(stop: Row, reader: Reader, scope: Scope) -> bool:
    return (
        not stop["lifted"]
        and stop["owner"] == scope.owner
        and stop["of_agency"] in (None, scope.agency)
        and stop["towards_country"] in (None, reader.country)
        and stop["towards_agency"] in (None, reader.agency)
        and stop["towards_key"] in (None, reader.key)
    )


def in_force(rule: Row, moment: datetime) -> bool:
    begins, ends = rule.get("valid_from"), rule.get("valid_until")
    return (begins is None or begins <= moment) and (ends is None or moment < ends)


def means(rule: Row, scope: Scope) -> bool:
    if rule.get("kinds") is not None and scope.kind not in rule["kinds"]:
        return False
    groups = rule.get("groups")
    if rule["permit"]:
        return (groups is None or scope.groups & ~groups == 0) and scope.handling <= rule["handling"]
    return (groups is None or scope.groups & groups != 0) and scope.handling >= rule["handling"]


def combined(
    national: list[Row], ceiling: list[Row] | None, granted: list[Row], scope: Scope, moment: datetime
) -> Sight | None:
    """What matching permits give together; `ceiling` is None where the agency has none."""
    most = min(
        3 if granted else max((LEVELS[gives(rule)] for rule in national if not rule["joins"]), default=0),
        3 if ceiling is None else max((LEVELS[gives(rule)] for rule in ceiling if not rule["joins"]), default=0),
    )
    if most == 0:
        return None
    base, cap = based(national, most), based(ceiling, most) if ceiling is not None else None
    delays, since, until = [0], [], []
    today = moment.date()
    for side in filter(None, (base, cap)):
        delays.append(side.delay)
        since += [side.since] if side.since else []
        until += [side.until] if side.until else []
    facets, duties = (base.facets, base.duties) if base else (0, 0)
    if scope.month_end is not None:  # a single record: what is not over, is not given, and then nothing is left to wait
        if cap is not None and not cap.shows(scope.month_end, today):
            return None
        if base is None or not base.shows(scope.month_end, today):
            facets = duties = 0
            if not granted:
                return None
        delays, since, until = [0], [], []
    facets, duties = (
        union([facets, *(g["facets"] for g in granted)]),
        union([duties, *(of(g, "duties") for g in granted)]),
    )
    if cap is not None:
        facets, duties = facets & cap.facets, duties | cap.duties
    if since and until and max(since) > min(until):
        return None
    name = next(name for name, level in LEVELS.items() if level == most)
    return Sight(name, facets, max(delays), duties, max(since, default=None), min(until, default=None))


def based(rules: list[Row], most: int) -> Sight | None:
    """The base of those that give at least `most`, with what joins it."""
    enough = [rule for rule in rules if LEVELS[gives(rule)] >= most]
    alone = [rule for rule in enough if not rule["joins"]]
    if not alone:
        return None
    base = max(alone, key=lambda rule: rule["handling"])  # the first of the highest
    since, until = base.get("events_from"), base.get("events_until")
    joined = [base, *(rule for rule in enough if rule["joins"] and joins(rule, base, since, until))]
    return Sight(
        gives(base),
        union(r["facets"] for r in joined),
        of(base, "delay"),
        union(of(r, "duties") for r in joined),
        since,
        until,
    )


def joins(rule: Row, base: Row, since: date | None, until: date | None) -> bool:
    begins, ends = rule.get("events_from"), rule.get("events_until")
    return (
        of(rule, "delay") <= of(base, "delay")
        and (begins is None or (since is not None and begins <= since))
        and (ends is None or (until is not None and ends >= until))
    )


def gives(rule: Row) -> str:
    return str(rule.get("gives") or "rows")


def of(rule: Row, member: str) -> int:
    return int(rule.get(member) or 0)


def union(masks: Iterable[int] | Iterator[int]) -> int:
    bits = 0
    for mask in masks:
        bits |= mask
    return bits
