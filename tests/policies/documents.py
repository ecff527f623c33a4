"""Policy documents at random, over a small world in which every reader and every record can be listed."""

from collections.abc import Iterable
from itertools import chain, combinations, product
from typing import Any

from hypothesis import strategies as st

from service.policies.document import PURPOSES, PolicyDocument
from service.policies.obligations import OBLIGATIONS
from tests.policies.evaluator import TLP, Labels, Reader

OWNERS = ("KZ", "UZ")
COUNTRIES = ("KZ", "UZ", "TJ")
AGENCIES = ("CUS", "LAB")
GROUPS = ("heroin-opiates", "cannabis", "precursors")
KINDS = ("seizure", "zero")
READING = ("reporter", "laboratory", "analyst", "policy_officer", "coordinator")
BLIND = ("auditor", "key_administrator", "operator")
ROLE_SETS = (
    *(frozenset({role}) for role in (*READING, *BLIND)),
    frozenset({"analyst", "auditor"}),
    frozenset({"reporter", "laboratory"}),
    frozenset(BLIND),
    frozenset(),
)
STATED = (*PURPOSES, "", "curiosity")
FREE_FACETS = (
    "reference",
    "reported",
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
)


def subsets(members: Iterable[str]) -> list[frozenset[str]]:
    listed = tuple(members)
    return [frozenset(c) for c in chain.from_iterable(combinations(listed, n) for n in range(len(listed) + 1))]


def readers(roles: Iterable[frozenset[str]], purposes: Iterable[str]) -> list[Reader]:
    return [
        Reader(country, f"{country}-{agency}", held, purpose)
        for country, agency, held, purpose in product(COUNTRIES, AGENCIES, roles, list(purposes))
    ]


def records(groups: Iterable[str]) -> list[Labels]:
    return [
        Labels(owner, kind, contained, handling, f"{owner}-CUS")
        for owner, kind, contained, handling in product(OWNERS, KINDS, subsets(groups), TLP)
    ]


ALL_READERS, ALL_RECORDS = readers(ROLE_SETS, STATED), records(GROUPS)
# what the rules drawn below can tell apart, and a little more
READERS = readers(ROLE_SETS[1:5] + ROLE_SETS[8:11], ("analysis", "operational", "", "curiosity"))
RECORDS = records(GROUPS[:2])


def named(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def some(*values: str) -> st.SearchStrategy[list[str] | None]:
    return st.none() | named(*values)


AUDIENCES = st.fixed_dictionaries(
    {},
    optional={
        "countries": named(*COUNTRIES),
        "groups": st.just(["members"]),
        "agencies": named(*(f"{c}-{a}" for c in COUNTRIES for a in AGENCIES)),
        "roles": named(*READING),
    },
)
# in force in the middle of 2026, or over, or yet to come
PERIODS = {
    "valid_from": st.sampled_from((None, None, "2026-01-01T00:00:00Z", "2999-01-01T00:00:00+05:00")),
    "valid_until": st.sampled_from((None, None, "2999-06-01T00:00:00Z")),
}
PERMITS = st.fixed_dictionaries(
    {
        "effect": st.just("permit"),
        "audience": AUDIENCES,
        "purposes": some("analysis", "operational", "health"),
        "kinds": some(*KINDS),
        "substance_groups": some(*GROUPS),
        "handling_up_to": st.sampled_from(TLP),
        "facets": st.lists(st.sampled_from(FREE_FACETS), max_size=4, unique=True),
        "time": st.sampled_from(("instant", "day", "month", "none")),
        "place": st.sampled_from(("point", "cell", "admin1", "country", "none")),
        "delay_days": st.sampled_from((0, 0, 30, 90, 3650)),
        "joins": st.booleans(),
        "gives": st.sampled_from(("rows", "rows", "rows", "aggregates", "hits")),
        "obligations": st.lists(st.sampled_from(OBLIGATIONS), max_size=2, unique=True),
        **PERIODS,
    },
    optional={
        "events_from": st.sampled_from(("2020-01", "2024-02")),
        "events_until": st.sampled_from(("2024-02", "2025-05", "2025-12")),
    },
)
DENIES = st.fixed_dictionaries(
    {
        "effect": st.just("deny"),
        "audience": AUDIENCES,
        "purposes": some("analysis", "operational", "health"),
        "kinds": some(*KINDS),
        "substance_groups": some(*GROUPS),
        "handling_from": st.none() | st.sampled_from(TLP),
        **PERIODS,
    }
)
RULES = st.lists(PERMITS | PERMITS | PERMITS | DENIES, max_size=7)
POLICIES = st.fixed_dictionaries(dict.fromkeys(OWNERS, RULES))


def document(owner: str, rules: list[dict[str, Any]]) -> PolicyDocument:
    """The rules as the document that the officer of `owner` would sign, read by the service."""
    numbered = [{"id": str(number), **rule} for number, rule in enumerate(rules)]
    return PolicyDocument.model_validate(
        {"policy": "sarhad-policy/1", "country": owner, "version": 1, "rules": numbered}
    )


def documents(rules: dict[str, list[dict[str, Any]]]) -> dict[str, PolicyDocument]:
    return {owner: document(owner, listed) for owner, listed in rules.items()}


def ceiling(agency: str, rules: list[dict[str, Any]]) -> PolicyDocument:
    numbered = [{"id": str(number), **rule} for number, rule in enumerate(rules)]
    return PolicyDocument.model_validate(
        {"policy": "sarhad-policy/1", "country": agency[:2], "agency": agency, "version": 1, "rules": numbered}
    )
