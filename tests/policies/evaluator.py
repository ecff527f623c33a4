"""The rules of a policy read a second time, one reader and one record at a time, straight from the documents.

Independent of the compiler on purpose: no masks, no SQL, no shared code but the documents themselves.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Sight:
    """What the reader sees of the record, and after how many days."""

    facets: frozenset[str]
    delay: int


def sight(reader: Reader, record: Labels, policies: dict[str, PolicyDocument]) -> Sight | None:
    if not reader.roles & {"reporter", "laboratory", "analyst", "policy_officer", "coordinator"}:
        return None
    if reader.country == record.owner:
        return Sight(EVERYTHING, 0)
    if not reader.purpose:
        return None
    document = policies.get(record.owner)
    if document is None:
        return None
    matching = [rule for rule in document.rules if matches(rule, reader, record)]
    if not matching or any(rule.effect == "deny" for rule in matching):
        return None
    base = next((rule for rule in matching if not rule.joins), matching[0])
    joined = [rule for rule in matching if rule is base or (rule.joins and rule.delay_days <= base.delay_days)]
    return Sight(frozenset().union(*(gives(rule) for rule in joined)), base.delay_days)


def matches(rule: Rule, reader: Reader, record: Labels) -> bool:
    audience = rule.audience
    if audience.countries is not None and reader.country not in audience.countries:
        return False
    if audience.agencies is not None and reader.agency not in audience.agencies:
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


def gives(rule: Rule) -> set[str]:
    return set(rule.facets) | TIME[rule.time] | PLACE[rule.place]
