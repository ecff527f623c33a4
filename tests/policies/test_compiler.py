"""What PostgreSQL compiles is what the rules say, for every reader and record of a world that can be listed.

Each example compares every (reader, record) pair with the second reading in `evaluator.py`; the readers and
records are all there are, so an example is a proof for its policies.
"""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from service.policies.document import PolicyDocument
from tests.policies.compiled import COUNTED, FACETS, HIT, NOTHING, OWN, VISIBLE, Decision, Gate, expected
from tests.policies.documents import (
    ALL_READERS,
    ALL_RECORDS,
    BLIND,
    DENIES,
    OWNERS,
    PERMITS,
    POLICIES,
    READERS,
    READING,
    RECORDS,
    RULES,
    ceiling,
    document,
    documents,
)
from tests.policies.evaluator import EVERYTHING, TLP, Labels, Reader, sight

Decisions = dict[tuple[Reader, Labels], Decision]
ALL_FACETS = (1 << len(FACETS)) - 1


def examples(count: int) -> settings:
    """The gate is emptied for each example; the examples are the same in every run."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),  # an example is a whole world: there is little to shrink
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


RICH = {
    "KZ": [
        {"effect": "deny", "audience": {"agencies": ["UZ-LAB"]}, "substance_groups": ["precursors"]},
        {
            "effect": "deny",
            "audience": {"roles": ["coordinator"]},
            "kinds": ["zero"],
            "handling_from": "TLP:AMBER",
        },
        {
            "effect": "permit",
            "audience": {"countries": ["UZ"]},
            "purposes": ["operational"],
            "kinds": ["seizure"],
            "substance_groups": ["heroin-opiates", "cannabis"],
            "handling_up_to": "TLP:AMBER",
            "facets": ["items"],
            "time": "instant",
            "place": "point",
        },
        {
            "effect": "permit",
            "audience": {},
            "handling_up_to": "TLP:GREEN",
            "facets": ["items", "transport"],
            "time": "month",
            "place": "admin1",
            "delay_days": 90,
        },
        {
            "effect": "permit",
            "audience": {"roles": ["laboratory"]},
            "purposes": ["forensic", "health"],
            "handling_up_to": "TLP:AMBER+STRICT",
            "facets": ["purity", "laboratory", "spectra"],
            "joins": True,
        },
        {
            "effect": "permit",
            "audience": {"roles": ["analyst"]},
            "handling_up_to": "TLP:RED",
            "facets": ["route"],
            "place": "cell",
            "delay_days": 30,
            "joins": True,
        },
    ],
    "UZ": [{"effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:AMBER", "time": "day"}],
}


def told(
    policies: dict[str, PolicyDocument],
    readers: list[Reader] = READERS,
    records: list[Labels] = RECORDS,
    ceilings: dict[str, PolicyDocument] | None = None,
) -> Decisions:
    """What the rules say, read by the evaluator."""
    return {
        (reader, record): expected(sight(reader, record, policies, ceilings), reader.country == record.owner)
        for reader in readers
        for record in records
    }


@pytest.fixture
def populated(gate: Gate) -> Gate:
    """All readers and records are there before any rule is."""
    gate.contexts(READERS)
    gate.scopes(RECORDS)
    return gate


def compiled(gate: Gate, policies: dict[str, PolicyDocument]) -> Decisions:
    gate.adopt(policies)
    return ours(gate.decisions())


def ours(decisions: Decisions, readers: list[Reader] = READERS) -> Decisions:
    """Without the contexts under which the test itself calls the gate."""
    listed = set(readers)
    return {key: value for key, value in decisions.items() if key[0] in listed}


def test_every_decision_of_a_rich_policy(gate: Gate) -> None:
    policies = documents(RICH)
    gate.contexts(ALL_READERS)
    gate.scopes(ALL_RECORDS)
    gate.adopt(policies)
    decisions = ours(gate.decisions(), ALL_READERS)
    assert len(decisions) == 80_640
    assert decisions == told(policies, ALL_READERS, ALL_RECORDS)
    assert len(set(decisions.values())) == 7, "every rule of the policy decides somewhere"


@examples(15)
@given(policies=POLICIES)
def test_every_decision_of_any_policy(populated: Gate, policies: dict[str, list[dict[str, Any]]]) -> None:
    read = documents(policies)
    decisions = compiled(populated, read)
    assert len(decisions) == 13_440
    assert decisions == told(read)


@examples(8)
@given(policies=POLICIES, below=RULES)
def test_every_decision_under_a_ceiling(
    populated: Gate, policies: dict[str, list[dict[str, Any]]], below: list[dict[str, Any]]
) -> None:
    read, capped = documents(policies), {"KZ-CUS": ceiling("KZ-CUS", below)}
    populated.cap(capped)
    assert compiled(populated, read) == told(read, ceilings=capped)


@examples(6)
@given(policies=POLICIES, before=POLICIES, seed=st.integers(0, 2**32))
@example(policies=RICH, before={owner: [] for owner in OWNERS}, seed=1)
def test_the_order_in_which_rules_readers_and_records_appear_makes_no_difference(
    gate: Gate, policies: dict[str, list[dict[str, Any]]], before: dict[str, list[dict[str, Any]]], seed: int
) -> None:
    read = documents(policies)
    known = told(read)
    shuffled = random.Random(seed)
    parts, readers = (shuffled.sample(listed, len(listed)) for listed in (RECORDS, READERS))

    gate.empty()
    gate.adopt(read)
    for part in (parts[:1], parts[1:5], parts[5:60], parts[30:]):
        gate.scopes(part)
    gate.contexts(readers)
    assert ours(gate.decisions()) == known, "rules, records, readers"

    gate.empty()
    gate.contexts(readers)
    gate.adopt(read)
    for part in (parts[:3], parts[2:40], parts[40:]):
        gate.scopes(part)
    assert ours(gate.decisions()) == known, "readers, rules, records"

    gate.empty()
    gate.adopt(documents(before))
    gate.scopes(parts[:7])
    gate.contexts(readers[:70])
    gate.scopes(parts[3:40])
    gate.adopt(read)
    gate.contexts(readers[50:])
    gate.scopes(parts)
    assert ours(gate.decisions()) == known, "rules replaced, readers and records mixed"


def facets(decision: Decision) -> int:
    return decision[0] & ALL_FACETS


def level(decision: Decision) -> int:
    """Rows 3, aggregates 2, hits 1."""
    return next((rank for bit, rank in ((VISIBLE, 3), (COUNTED, 2), (HIT, 1)) if decision[0] >> bit & 1), 0)


def shown(decision: Decision) -> bool:
    return bool(decision[0] >> VISIBLE & 1)


@examples(5)
@given(rules=RULES, more=PERMITS, place=st.integers(0, 7))
def test_a_joining_permit_takes_nothing_away_wherever_it_stands(
    populated: Gate, rules: list[dict[str, Any]], more: dict[str, Any], place: int
) -> None:
    takes_nothing_away(populated, rules, [*rules[:place], more | {"joins": True}, *rules[place:]])


@examples(5)
@given(rules=RULES, more=PERMITS)
def test_a_permit_that_ranks_behind_takes_nothing_away(
    populated: Gate, rules: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    takes_nothing_away(populated, rules, [*rules, more | {"joins": False, "handling_up_to": "TLP:CLEAR"}])


def takes_nothing_away(populated: Gate, rules: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    before = compiled(populated, {"KZ": document("KZ", rules)})
    after = compiled(populated, {"KZ": document("KZ", more)})
    for key, decision in before.items():
        assert facets(decision) & ~facets(after[key]) == 0
        if shown(decision):
            assert shown(after[key])
            assert after[key][1] == decision[1], "nobody waits longer"


@examples(5)
@given(rules=RULES, more=DENIES, place=st.integers(0, 7))
def test_a_deny_adds_nothing_wherever_it_stands(
    populated: Gate, rules: list[dict[str, Any]], more: dict[str, Any], place: int
) -> None:
    before = compiled(populated, {"KZ": document("KZ", rules)})
    after = compiled(populated, {"KZ": document("KZ", [*rules[:place], more, *rules[place:]])})
    for key, decision in after.items():
        assert decision in (before[key], NOTHING)


@examples(6)
@given(rules=RULES)
def test_a_stricter_mark_widens_nothing(populated: Gate, rules: list[dict[str, Any]]) -> None:
    decisions = compiled(populated, {"KZ": document("KZ", rules)})
    for (reader, record), decision in decisions.items():
        if record.handling != TLP[-1] and reader.country != record.owner:
            stricter = TLP[TLP.index(record.handling) + 1]
            marked = decisions[reader, replace(record, handling=stricter)]
            assert level(marked) <= level(decision)
            if level(marked) == level(decision):
                assert facets(marked) & ~facets(decision) == 0
                assert marked[1] == decision[1] or marked == NOTHING, "nobody waits less"


@examples(4)
@given(policies=POLICIES)
def test_the_owner_sees_all_its_own_and_an_overseer_nothing(
    populated: Gate, policies: dict[str, list[dict[str, Any]]]
) -> None:
    for (reader, record), decision in compiled(populated, documents(policies)).items():
        if not reader.roles - set(BLIND):
            assert decision == NOTHING, reader
        elif reader.country == record.owner:
            assert reader.roles & set(READING)
            assert decision == expected(sight(reader, record, {}), own=True)
            assert facets(decision) == ALL_FACETS == sum(1 << FACETS.index(facet) for facet in EVERYTHING)
            assert decision[0] >> OWN & 1
        else:
            assert not decision[0] >> OWN & 1


def test_without_a_policy_nothing_of_another_country_is_shown(populated: Gate) -> None:
    for (reader, record), decision in compiled(populated, {}).items():
        assert decision == NOTHING or reader.country == record.owner


@examples(5)
@given(rules=RULES, place=st.sampled_from(("", "curiosity")))
def test_an_unknown_or_missing_purpose_has_only_what_rules_without_purposes_give(
    populated: Gate, rules: list[dict[str, Any]], place: str
) -> None:
    free = [rule for rule in rules if rule["purposes"] is None]
    whole = compiled(populated, {"KZ": document("KZ", rules)})
    without = compiled(populated, {"KZ": document("KZ", free)})
    for (reader, record), decision in whole.items():
        if reader.purpose == place:
            assert decision == without[reader, record]


def test_rules_replaced_leave_nothing_behind(populated: Gate) -> None:
    compiled(populated, documents(RICH))
    assert compiled(populated, {}) == told({})


def versions(gate: Gate) -> dict[Reader, str]:
    rows = gate.run(
        "SELECT c.country, c.agency, c.roles, c.purpose, k.version FROM gate.context c JOIN gate.compiled k "
        "ON k.context_id = c.id"
    )
    return {Reader(country, agency, frozenset(roles), purpose): v for country, agency, roles, purpose, v in rows}


def test_the_version_that_a_reader_learns_changes_with_the_rules_that_may_touch_it_only(gate: Gate) -> None:
    about_tajikistan = {"effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:GREEN"}
    about_labs = {"effect": "deny", "audience": {"roles": ["laboratory"]}, "purposes": ["health"]}
    gate.contexts(READERS)
    gate.adopt({"KZ": document("KZ", [about_tajikistan])})
    before = versions(gate)
    gate.scopes(RECORDS)
    assert versions(gate) == before, "records do not change it"
    gate.adopt({"KZ": document("KZ", [about_labs, about_tajikistan])})
    changed = {reader for reader, version in versions(gate).items() if version != before[reader]}
    assert changed == {r for r in READERS if r.country != "KZ" and "laboratory" in r.roles and r.purpose == "health"}
