"""Every member of a rule decides something: two policies that differ in it alone give a reader different things."""

from typing import Any, NamedTuple

import pytest

from service.policies.document import Audience, Rule
from service.policies.obligations import OBLIGATIONS
from tests.policies.compiled import COUNTED, FACETS, HIT, NOTHING, VISIBLE, WINDOWED, Gate
from tests.policies.documents import document
from tests.policies.evaluator import Labels, Reader

READER = Reader("TJ", "TJ-CUS", frozenset({"analyst"}), "analysis")
RECORD = Labels("KZ", "seizure", frozenset({"cannabis"}), "TLP:GREEN", "KZ-CUS")
PERMIT: dict[str, Any] = {"effect": "permit", "audience": {}, "handling_up_to": "TLP:RED", "facets": ["items"]}
DENY: dict[str, Any] = {"effect": "deny", "audience": {}}
PAST, FUTURE = "2020-01-01T00:00:00Z", "2900-01-01T00:00:00Z"
MONTHS, DAYS = ("when.month",), ("when.month", "when.day")
AREAS = ("where.country", "where.admin1")
WAYS = {VISIBLE: "rows", COUNTED: "aggregates", HIT: "hits"}

# Whom and what a rule is about: what holds for the reader and the record, and what does not.
AUDIENCES: dict[str, tuple[Any, Any]] = {
    "countries": (["UZ", "TJ"], ["UZ"]),
    "groups": (["west", "members"], ["west"]),
    "agencies": (["TJ-CUS"], ["TJ-LAB"]),
    "roles": (["analyst", "laboratory"], ["laboratory"]),
}
CHOOSING: dict[str, tuple[Any, Any]] = {
    "purposes": (["health", "analysis"], ["health"]),
    "kinds": (["seizure"], ["zero"]),
    "substance_groups": (["cannabis"], ["heroin-opiates"]),
    "valid_from": (PAST, FUTURE),
    "valid_until": (FUTURE, PAST),
}
OF_PERMITS = {"handling_up_to": ("TLP:GREEN", "TLP:CLEAR")}
OF_DENIES = {"handling_from": ("TLP:GREEN", "TLP:AMBER")}


class Given(NamedTuple):
    """What the reader gets of the record."""

    gives: str = "rows"
    facets: frozenset[str] = frozenset({"items"})
    delay: int = 0
    owes: int = 0
    window: tuple[int, int] = (0, 0)


def facets(*more: str) -> Given:
    return Given(facets=frozenset({"items", *more}))


# What a permit gives: a value, and what it makes of it.
GIVING: dict[str, list[tuple[Any, Given]]] = {
    "gives": [("aggregates", Given("aggregates")), ("hits", Given("hits"))],
    "facets": [(["items", "narrative"], facets("narrative"))],
    "time": [("month", facets(*MONTHS)), ("day", facets(*DAYS)), ("instant", facets(*DAYS, "when.instant"))],
    "place": [
        ("country", facets("where.country")),
        ("admin1", facets(*AREAS)),
        ("cell", facets(*AREAS, "where.cell")),
        ("point", facets(*AREAS, "where.cell", "where.point")),
    ],
    "delay_days": [(30, Given(delay=30))],
    "obligations": [([name], Given(owes=1 << bit)) for bit, name in enumerate(OBLIGATIONS)],
    "events_from": [("1970-01", Given(window=(0, (1 << 31) - 1)))],
    "events_until": [("1970-01", Given(window=(-(1 << 31), 30)))],
}


def given(gate: Gate, *rules: dict[str, Any]) -> Given | None:
    """What the reader gets of the record under a policy of these rules."""
    gate.scopes([RECORD])
    gate.adopt({"KZ": document("KZ", list(rules))})
    gate.contexts([READER])
    mask, delay, owes, *window = decision = gate.decisions()[READER, RECORD]
    if decision == NOTHING:
        return None
    (gives,) = [name for bit, name in WAYS.items() if mask >> bit & 1]
    named = frozenset(name for bit, name in enumerate(FACETS) if mask >> bit & 1)
    return Given(gives, named, delay, owes, (window[0], window[1]) if mask >> WINDOWED & 1 else (0, 0))


def with_member(rule: dict[str, Any], member: str, value: Any) -> dict[str, Any]:
    return rule | ({"audience": {member: value}} if member in AUDIENCES else {member: value})


@pytest.mark.parametrize("member", [*AUDIENCES, *CHOOSING, *OF_PERMITS, *OF_DENIES])
def test_a_rule_is_about_whom_and_what_it_says(gate: Gate, member: str) -> None:
    """A permit gives where it holds, a deny takes away where it holds, and neither does anything elsewhere."""
    holds, fails = (AUDIENCES | CHOOSING | OF_PERMITS | OF_DENIES)[member]
    if member not in OF_DENIES:
        assert given(gate, with_member(PERMIT, member, holds)) == Given()
        assert given(gate, with_member(PERMIT, member, fails)) is None
    if member not in OF_PERMITS:
        assert given(gate, PERMIT, with_member(DENY, member, holds)) is None
        assert given(gate, PERMIT, with_member(DENY, member, fails)) == Given()


@pytest.mark.parametrize("member", GIVING)
def test_a_permit_gives_what_it_says(gate: Gate, member: str) -> None:
    for value, expected in GIVING[member]:
        assert given(gate, PERMIT | {member: value}) == expected, value
    assert given(gate, PERMIT) == Given()


def test_a_permit_that_joins_adds_to_another_and_gives_nothing_alone(gate: Gate) -> None:
    more = PERMIT | {"facets": ["narrative"]}
    assert given(gate, PERMIT, more | {"joins": True}) == facets("narrative")
    assert given(gate, PERMIT, more) == Given()
    assert given(gate, more | {"joins": True}) is None


def test_a_ceiling_gives_no_more_than_both(gate: Gate) -> None:
    policy = PERMIT | {"facets": ["items", "narrative"], "time": "day"}
    narrower = PERMIT | {"facets": ["items", "transport"], "time": "month", "delay_days": 9}
    for ceiling, expected in (
        (narrower, facets(*MONTHS)._replace(delay=9)),
        (PERMIT | {"audience": {"countries": ["UZ"]}}, None),
    ):
        gate.cap({"KZ-CUS": document("KZ", [ceiling])})
        assert given(gate, policy) == expected


def test_no_member_is_left_out() -> None:
    """A new member of the language is tried here."""
    told = {*CHOOSING, *OF_PERMITS, *OF_DENIES, *GIVING, "joins", "effect", "audience", "id"}
    assert (told, AUDIENCES.keys()) == (Rule.model_fields.keys(), Audience.model_fields.keys())
