"""Policies read in words, compared in words, and exported to ODRL and back."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policies import odrl
from service.policies.differences import differences, members
from service.policies.document import Audience, PolicyDocument, Rule
from service.policies.life import LAPSE, Owner, states
from service.policies.phrases import MEMBERS, SENTENCES, VALUES
from service.policies.words import Speaker, shadows
from tests.policies.documents import RULES, document

GROUPS = {"cannabis": "Cannabis and cannabis products"}
ENGLISH, RUSSIAN = Speaker("en", GROUPS), Speaker("ru", {"cannabis": "Каннабис"})
SHARE: dict[str, Any] = {
    "id": "to-neighbours",
    "effect": "permit",
    "audience": {"countries": ["KG", "UZ"], "roles": ["analyst"]},
    "purposes": ["analysis"],
    "kinds": ["seizure"],
    "substance_groups": ["cannabis"],
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport"],
    "time": "month",
    "place": "admin1",
    "delay_days": 30,
}
DENY: dict[str, Any] = {"id": "no-red", "effect": "deny", "audience": {}, "handling_from": "TLP:RED"}


def policy(*rules: dict[str, Any], **head: Any) -> PolicyDocument:
    plain = {"policy": "sarhad-policy/1", "country": "KZ", "version": 3, "rules": list(rules)}
    return PolicyDocument.model_validate(plain | head)


def test_a_policy_is_said_in_sentences() -> None:
    said = ENGLISH.document(policy(SHARE, DENY))
    assert said["title"] == "Sharing policy of Kazakhstan, version 3"
    permit, deny = (rule["text"] for rule in said["rules"])
    assert permit == (
        "Readers of Kyrgyzstan and Uzbekistan, in the role of analyst may see seizure reports in which every substance "
        "is of: Cannabis and cannabis products, marked TLP:AMBER or lower, for analysis. Shown: substances and "
        "quantities, transport and concealment, the month and the region. Not before 30 days after the end of the "
        "month of the event."
    )
    assert deny == (
        "Every reader of another member country may not see records of every kind, marked TLP:RED or higher, "
        "for any stated purpose, whatever other rules permit."
    )
    assert "Nothing is shared with anybody." in ENGLISH.document(policy())["closing"]
    assert RUSSIAN.document(policy(SHARE))["rules"][0]["text"].startswith("Читателям стран: ")


def test_both_languages_say_the_same_things_and_every_member() -> None:
    for words in (MEMBERS, VALUES, SENTENCES):
        assert words["en"].keys() == words["ru"].keys()
    assert MEMBERS["en"].keys() == members(policy(SHARE).rules[0]).keys()
    assert {f"audience.{name}" for name in Audience.model_fields} <= MEMBERS["en"].keys()


@given(rules=RULES)
@settings(max_examples=100, deadline=None)
def test_any_policy_can_be_said_and_compared_with_itself(rules: list[dict[str, Any]]) -> None:
    read = document("KZ", rules)
    for speaker in (ENGLISH, RUSSIAN):
        said = speaker.document(read)
        assert len(said["rules"]) == len(rules)
        assert not any("{" in rule["text"] for rule in said["rules"])
    assert differences(read, read, ENGLISH) == []
    assert all(earlier != later for earlier, later in shadows(read))


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("audience.countries", {"audience": {"countries": ["KG"], "roles": ["analyst"]}}),
    ("audience.agencies", {"audience": {**SHARE["audience"], "agencies": ["KG-CUS"]}}),
    ("audience.roles", {"audience": {"countries": ["KG", "UZ"]}}),
    ("purposes", {"purposes": ["analysis", "health"]}),
    ("kinds", {"kinds": None}),
    ("substance_groups", {"substance_groups": None}),
    ("handling_up_to", {"handling_up_to": "TLP:GREEN"}),
    ("facets", {"facets": ["items"]}),
    ("time", {"time": "day"}),
    ("place", {"place": "none"}),
    ("delay_days", {"delay_days": 0}),
    ("joins", {"joins": True}),
    ("audience.groups", {"audience": {**SHARE["audience"], "groups": ["members"]}}),
    ("gives", {"gives": "aggregates"}),
    ("obligations", {"obligations": ["no_export"]}),
    ("events_from", {"events_from": "2024-03"}),
    ("events_until", {"events_until": "2024-03"}),
    ("valid_from", {"valid_from": "2026-01-01T00:00:00Z"}),
    ("valid_until", {"valid_until": "2027-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("member", "change"), CHANGES, ids=[member for member, _ in CHANGES])
def test_a_changed_member_is_said_and_nothing_else(member: str, change: dict[str, Any]) -> None:
    (told,) = differences(policy(SHARE, DENY), policy(SHARE | change, DENY), ENGLISH)
    assert (told["change"], told["rule"], told["member"]) == ("changed", "to-neighbours", member)
    assert told["was"] != told["now"]
    assert told["text"].startswith("Rule to-neighbours, ")


def test_added_removed_and_moved_rules_are_said() -> None:
    other = {**SHARE, "id": "other", "purposes": None}
    changes = differences(policy(SHARE, DENY, other), policy(other, SHARE, {**DENY, "id": "new"}), ENGLISH)
    assert [(told["change"], told["rule"]) for told in changes] == [
        ("added", "new"),
        ("moved", "other"),
        ("removed", "no-red"),
    ]
    assert "from place 3 to place 1" in changes[1]["text"]
    first = differences(None, policy(SHARE), ENGLISH)
    assert [told["change"] for told in first] == ["added"]
    later = differences(policy(SHARE), policy(SHARE, effective="2030-01-01T00:00:00Z"), ENGLISH)
    assert later[0]["text"] == "The policy takes effect 2030-01-01 00:00:00 UTC (before: at its approval)."


def test_the_order_within_a_member_means_nothing() -> None:
    swapped = {**SHARE, "facets": ["transport", "items"], "audience": {"countries": ["UZ", "KG"], "roles": ["analyst"]}}
    assert differences(policy(SHARE), policy(swapped), ENGLISH) == []


def test_a_rule_that_never_applies_is_pointed_out() -> None:
    wide = {**SHARE, "id": "wide", "audience": {}, "substance_groups": None, "purposes": None}
    assert shadows(policy(wide, SHARE)) == [("wide", "to-neighbours")]
    assert shadows(policy(SHARE, wide)) == []


@given(
    rules=RULES,
    agency=st.none() | st.just("KZ-CUS"),
    version=st.integers(1, 10**6),
    effective=st.none() | st.just("2031-02-03T04:05:06Z"),
)
@settings(max_examples=200, deadline=None)
def test_a_policy_survives_its_export_to_odrl(
    rules: list[dict[str, Any]], agency: str | None, version: int, effective: str | None
) -> None:
    plain = document("KZ", rules).model_dump(mode="json")
    read = PolicyDocument.model_validate(plain | {"agency": agency, "version": version, "effective": effective})
    exported = json.loads(json.dumps(odrl.exported(read)))
    assert odrl.imported(exported) == read


def test_the_export_is_odrl() -> None:
    exported = odrl.exported(policy(SHARE, DENY))
    assert exported["@context"][0] == "http://www.w3.org/ns/odrl.jsonld"
    assert (exported["@type"], exported["conflict"]) == ("Set", "prohibit")
    (permission,), (prohibition,) = exported["permission"], exported["prohibition"]
    for rule in (permission, prohibition):
        assert rule["target"]["@type"] == "AssetCollection"
        assert rule["assignee"]["@type"] == "PartyCollection"
        assert rule["action"][0]["rdf:value"] == {"@id": "odrl:read"}
    purpose = {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["analysis"]}
    assert purpose in permission["constraint"]
    assert set(odrl.PLACES) | {"effect"} == members(policy(SHARE).rules[0]).keys() & (
        {f"audience.{name}" for name in Audience.model_fields} | Rule.model_fields.keys()
    )


@dataclass
class Row:
    version: int
    proposed_at: Any
    decision: str | None = None
    effective_at: Any = None


def test_the_newest_approved_version_whose_instant_has_come_is_in_force() -> None:
    now, day = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)

    def approved(version: int, effective: Any) -> Row:
        return Row(version, now - 90 * day, "approved", effective)

    assert states([], now) == {}
    assert states([approved(1, now), approved(2, now + day)], now) == {1: "in-force", 2: "scheduled"}
    assert states([approved(1, now), approved(2, now + day)], now + day) == {1: "superseded", 2: "in-force"}
    overtaken = [approved(1, now), approved(2, now + 5 * day), approved(3, now + 2 * day)]
    assert states(overtaken, now) == {1: "in-force", 2: "superseded", 3: "scheduled"}
    assert states(overtaken, now + 9 * day) == {1: "superseded", 2: "superseded", 3: "in-force"}
    waiting = [Row(1, now), Row(2, now - LAPSE), Row(3, now, "rejected"), Row(4, now, "withdrawn")]
    assert states(waiting, now) == {1: "proposed", 2: "lapsed", 3: "rejected", 4: "withdrawn"}
    assert (str(Owner.of("KZ")), str(Owner.of("KZ-CUS")), Owner.of("KZ-CUS").layer) == ("KZ", "KZ-CUS", "agency:KZ-CUS")
