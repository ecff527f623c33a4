"""The rules of a policy read a second time, one reader and one record at a time, straight from the documents.

Independent of the compiler on purpose: no masks, no SQL, no shared code but the documents themselves.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.policies.document import PolicyDocument, Rule

TLP = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
EVERYTHING = frozenset(
    [
        "reference",
        "reported",
        "when.instant",
        "when.day",
        "when.month",
        "where.point",
        "where.cell",
        "where.admin1",
        "where.country",
        "items",
        "transport",
        "route",
        "persons",
        "marks",
        "case",
        "laboratory",
        "purity",
        "spectra",
        "narrative",
    ]
)
TIME = {
    "none": set(),
    "month": {"when.month"},
    "day": {"when.month", "when.day"},
    "instant": {"when.month", "when.day", "when.instant"},
}
PLACE = {
    "none": set(),
    "country": {"where.country"},
    "admin1": {"where.country", "where.admin1"},
    "cell": {"where.country", "where.admin1", "where.cell"},
    "point": {"where.country", "where.admin1", "where.cell", "where.point"},
}


@dataclass(frozen=True)
class Reader:
    country: str
    agency: str
    roles: frozenset[str]
    purpose: str


@dataclass(frozen=True)
class Labels:
    owner: str
    kind: str
    groups: frozenset[str]
    handling: str
    agency: str = ""


@dataclass(frozen=True)
class Sight:
    """What the reader sees of the record, after how many days, of events of which months, and owing what."""

    facets: frozenset[str]
    delay: int
    gives: str = "rows"
    owes: frozenset[str] = frozenset()
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Offer:
    """What one document gives: the sight that its base and the permits joined to it make."""

    base: Rule
    facets: frozenset[str]
    owes: frozenset[str]


MOST = ("rows", "aggregates", "hits")
ANY_TIME = datetime(2026, 6, 1, tzinfo=UTC)


def sight(
    reader: Reader,
    record: Labels,
    policies: dict[str, PolicyDocument],
    ceilings: dict[str, PolicyDocument] | None = None,
    now: datetime = ANY_TIME,
    outsiders: frozenset[str] = frozenset(),
) -> Sight | None:
    if not reader.roles & {"reporter", "laboratory", "analyst", "policy_officer", "coordinator"}:
        return None
    if reader.country == record.owner:
        return Sight(EVERYTHING, 0)
    if not reader.purpose:
        return None
    ceiling = (ceilings or {}).get(record.agency)
    layers = [policies.get(record.owner)] + ([ceiling] if ceiling else [])
    matching = [
        [
            rule
            for rule in (layer.rules if layer else ())
            if counts(rule, now) and matches(rule, reader, record, outsiders)
        ]
        for layer in layers
    ]
    if any(rule.effect == "deny" for rules in matching for rule in rules):
        return None
    for gives in MOST:
        offers = [offer(rules, gives) for rules in matching]
        if all(offers):
            return together([o for o in offers if o], gives)
    return None


def counts(rule: Rule, now: datetime) -> bool:
    return (rule.valid_from is None or rule.valid_from <= now) and (rule.valid_until is None or now < rule.valid_until)


def offer(rules: list[Rule], gives: str) -> Offer | None:
    """What the permits that give at least this make together."""
    enough = [rule for rule in rules if MOST.index(rule.gives) <= MOST.index(gives)]
    alone = [rule for rule in enough if not rule.joins]
    if not alone:
        return None
    base = max(alone, key=lambda rule: TLP.index(rule.handling_up_to))  # the first of the highest
    joined = [base] + [rule for rule in enough if rule.joins and fits(rule, base)]
    return Offer(
        base,
        frozenset().union(*(given_by(rule) for rule in joined)),
        frozenset(name for rule in joined for name in rule.obligations),
    )


def fits(rule: Rule, base: Rule) -> bool:
    early = rule.events_from is None or (base.events_from is not None and rule.events_from <= base.events_from)
    late = rule.events_until is None or (base.events_until is not None and rule.events_until >= base.events_until)
    return rule.delay_days <= base.delay_days and early and late


def together(offers: list[Offer], gives: str) -> Sight | None:
    since = max(o.base.events_from or "" for o in offers)
    until = min(o.base.events_until or "9999-12" for o in offers)
    if since > until:
        return None
    return Sight(
        frozenset.intersection(*(o.facets for o in offers)),
        max(o.base.delay_days for o in offers),
        gives,
        frozenset().union(*(o.owes for o in offers)),
        since,
        "" if until == "9999-12" else until,
    )


def matches(rule: Rule, reader: Reader, record: Labels, outsiders: frozenset[str] = frozenset()) -> bool:
    audience = rule.audience
    named_countries = set(audience.countries or ())
    if audience.countries is not None or audience.groups is not None:
        in_group = "members" in (audience.groups or ()) and reader.country not in outsiders
        if reader.country not in named_countries and not in_group:
            return False
    if audience.agencies is not None and reader.agency not in audience.agencies:
        return False
    if rule.effect == "permit" and reader.country in outsiders:
        if reader.country not in named_countries and reader.agency not in (audience.agencies or ()):
            return False
        if rule.valid_from is None or rule.valid_until is None:
            return False
        if rule.valid_until - rule.valid_from > timedelta(days=366):
            return False
    if audience.roles is not None and not reader.roles & set(audience.roles):
        return False
    if rule.purposes is not None and reader.purpose not in rule.purposes:
        return False
    if rule.kinds is not None and record.kind not in rule.kinds:
        return False
    named = None if rule.substance_groups is None else set(rule.substance_groups)
    rank = TLP.index(record.handling)
    if rule.effect == "permit":
        return (named is None or record.groups <= named) and rank <= TLP.index(rule.handling_up_to)
    return (named is None or bool(record.groups & named)) and rank >= TLP.index(rule.handling_from or "TLP:CLEAR")


def given_by(rule: Rule) -> set[str]:
    return set(rule.facets) | TIME[rule.time] | PLACE[rule.place]
