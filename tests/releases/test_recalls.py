"""Recalls: who has read is told, who has not learns nothing; what recipients did; the flag on what the owner keeps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sarhad.records import retraction

from tests.clients.test_surface import command
from tests.releases.parties import ASKER, OWNER, Parties, sees
from tests.releases.refused import refused

REASON = "filed under the wrong case"


def recalled(parties: Parties, *ids: str, **more: Any) -> dict[str, Any]:
    return parties.officer.recall({"records": list(ids), "reason": REASON, **more})


def test_who_has_read_is_told_and_who_has_not_learns_nothing(parties: Parties, record: str) -> None:
    other, unread = parties.file(), parties.file()
    parties.asker.get(record)
    parties.asker.get(other)
    parties.exchange.client(f"{ASKER}-DCA").get(other)
    before = parties.third.inbox(), parties.exchange.client(f"{ASKER}-LAB").inbox()
    made = recalled(parties, record, other, unread)
    assert {one["agency"]: one["records"] for one in made["recipients"]} == {
        f"{ASKER}-CUS": sorted((record, other)),
        f"{ASKER}-DCA": [other],
    }
    theirs = parties.exchange.client(f"{ASKER}-DCA").recalls()["items"][0]
    assert (theirs["id"], theirs["records"], theirs["reason"], theirs["state"]) == (made["id"], [other], REASON, "open")
    assert "recipients" not in theirs
    for id_ in (record, other, unread):
        assert sees(parties.asker, id_) is None
    assert before == (parties.third.inbox(), parties.exchange.client(f"{ASKER}-LAB").inbox())
    for client in (parties.third, parties.exchange.client(f"{ASKER}-LAB")):
        assert made["id"] not in str(client.recalls())


def test_a_page_read_is_a_reading(parties: Parties, record: str) -> None:
    assert record in {item["id"] for item in parties.asker.search_all(owner=OWNER)}
    assert [one["agency"] for one in recalled(parties, record)["recipients"]] == [f"{ASKER}-CUS"]


def test_what_nobody_read_is_recalled_in_silence(parties: Parties, record: str) -> None:
    before = parties.asker.inbox(), parties.asker.recalls()
    made = recalled(parties, record)
    assert made["recipients"] == []
    assert (parties.asker.inbox(), parties.asker.recalls()) == before
    assert sees(parties.asker, record) is None


def test_recipients_say_what_they_did(parties: Parties, record: str, database: Callable[..., None]) -> None:
    customs, control = parties.asker, parties.exchange.client(f"{ASKER}-DCA")
    customs.get(record)
    control.get(record)
    made = recalled(parties, record)["id"]
    done = customs.acknowledge_recall(made, "kept", legal_reference="Code of criminal procedure, art. 124")
    assert (done["state"], done["done"]) == ("acknowledged", "kept")
    database("UPDATE core.recall_recipient SET deadline = now() - interval '1 day' WHERE recall_id = :id", id=made)
    states = {
        one["agency"]: one["state"]
        for recall in parties.officer.recalls(role="owner", state="overdue")["items"]
        if recall["id"] == made
        for one in recall["recipients"]
    }
    assert states == {f"{ASKER}-CUS": "acknowledged", f"{ASKER}-DCA": "overdue"}
    assert made in {item["id"] for item in control.recalls(state="overdue")["items"]}
    control.acknowledge_recall(made, "deleted")
    assert made in {item["id"] for item in parties.officer.recalls(role="owner", state="acknowledged")["items"]}
    notes = [note for note in parties.officer.inbox()["items"] if note["subject"] == f"/v1/recalls/{made}"]
    assert [(note["kind"], note["facts"]["done"]) for note in notes] == [
        ("recall-acknowledged", "deleted"),
        ("recall-acknowledged", "kept"),
    ]


def test_one_acknowledgement_of_a_recipient(parties: Parties, record: str, absent: str) -> None:
    parties.asker.get(record)
    made = recalled(parties, record)["id"]
    for said in ({"done": "kept"}, {"done": "lost"}, {"done": "deleted", "legal_reference": "art. 1"}):
        assert refused(lambda said=said: parties.asker.acknowledge_recall(made, **said)).kind == "invalid-request"
    parties.asker.acknowledge_recall(made, "deleted")
    assert refused(lambda: parties.asker.acknowledge_recall(made, "deleted")).kind == "recall-already-acknowledged"
    assert refused(lambda: parties.officer.acknowledge_recall(made, "deleted")).kind == "recipient-required"
    for outsider in (parties.third, parties.exchange.client(f"{ASKER}-LAB", "forensic")):
        theirs = refused(lambda outsider=outsider: outsider.acknowledge_recall(made, "deleted")).document
        assert theirs == refused(lambda outsider=outsider: outsider.acknowledge_recall(absent, "deleted")).document
        assert theirs["status"] == 404


def test_a_recalled_record_is_flagged_for_its_owner(parties: Parties, record: str) -> None:
    assert "recalled" not in parties.filer.get(record)
    recalled(parties, record)
    assert parties.filer.get(record)["recalled"] is True
    assert [item["recalled"] for item in parties.filer.search_all(owner=OWNER) if item["id"] == record] == [True]
    assert [version["recalled"] for version in parties.filer.versions(record)["items"]] == [True]
    assert parties.filer.sharing(record)["recalled"] is True
    parties.unshare(record)
    assert "recalled" not in parties.filer.get(record)
    assert sees(parties.asker, record) is not None


def test_records_are_chosen_by_a_query(parties: Parties) -> None:
    inside, outside = (parties.file(instant=f"2025-{month}-07T04:20:00+05:00") for month in ("05", "06"))
    wanted = {"query": {"from": "2025-05-01T00:00:00Z", "to": "2025-06-01T00:00:00Z", "agency": f"{OWNER}-CUS"}}
    made = parties.filer.recall({**wanted, "reason": REASON})
    assert made["records"] == [inside]
    assert sees(parties.asker, outside) is not None
    again = refused(lambda: parties.filer.recall({**wanted, "reason": REASON}))
    assert (again.status, again.kind) == (422, "nothing-to-recall")


def test_a_recall_is_of_own_records(parties: Parties, record: str, absent: str) -> None:
    theirs = refused(lambda: parties.third.recall({"records": [record], "reason": REASON})).document
    assert theirs == refused(lambda: parties.third.recall({"records": [absent], "reason": REASON})).document
    assert (theirs["status"], theirs["pointer"]) == (404, "/records/0")
    other = parties.exchange.client(f"{OWNER}-LAB")
    assert refused(lambda: other.recall({"records": [record], "reason": REASON})).kind == "not-the-filing-agency"
    problem = refused(lambda: recalled(parties, record, absent))
    assert (problem.status, problem.pointer) == (404, "/records/1")
    assert sees(parties.asker, record) is not None, "all of a recall or nothing"


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"records": []},
        {"query": {}},
        {"query": {"from": "2025-01-01T00:00:00Z"}, "records": ["a7d0c1f4-6f0e-4f7e-9d57-0b8f4f0f2f10"]},
        {"records": ["a7d0c1f4-6f0e-4f7e-9d57-0b8f4f0f2f10"] * 2},
        {"query": {"owner": "AZ"}},
    ],
)
def test_a_recall_of_nothing_is_refused(parties: Parties, wanted: dict[str, Any]) -> None:
    assert refused(lambda: parties.officer.recall({"reason": REASON, **wanted})).kind == "invalid-request"


def test_who_was_told_of_a_recall_is_told_that_it_is_lifted(parties: Parties, record: str) -> None:
    parties.asker.get(record)
    made = recalled(parties, record)["id"]
    before = parties.third.inbox()
    parties.unshare(record)
    notes = [note for note in parties.asker.inbox()["items"] if note["subject"] == f"/v1/recalls/{made}"]
    assert [(note["kind"], note["facts"].get("record")) for note in notes] == [
        ("recall-lifted", record),
        ("recall-received", None),
    ]
    assert parties.third.inbox() == before


def test_who_holds_copies_is_told_how_the_records_stand(
    parties: Parties, record: str, absent: str, tmp_path: Path
) -> None:
    """The flag on what left the exchange: recalled, retracted, corrected, or not shared any more, and never more."""
    changed, withdrawn = parties.file(), parties.file()
    hidden = parties.file(handling="TLP:RED")
    held = {record: 1, changed: 1, withdrawn: 1, hidden: 1, absent: 1}
    states = {item["id"]: item["state"] for item in parties.asker.standings(held)["items"]}
    assert states == {**dict.fromkeys((record, changed, withdrawn), "current"), hidden: "withheld", absent: "withheld"}
    parties.asker.get(record)
    made = recalled(parties, record)
    parties.correct(changed, narrative={"text": "Under the seats.", "language": "en"})
    original = parties.filer.get_record(withdrawn)
    parties.filer.submit(parties.exchange.sign(retraction(original, reason="filed twice", language="en")))
    before = {item["id"]: item for item in parties.asker.standings(held)["items"]}
    assert before[record] | {"at": None, "deadline": None} == {
        "id": record, "state": "recalled", "owner": OWNER, "recall": made["id"], "reason": REASON,
        "at": None, "deadline": None,
    }  # fmt: skip
    assert (before[changed]["state"], before[withdrawn]["state"]) == ("corrected", "retracted")
    assert {before[id_]["owner"] for id_ in (hidden, absent)} == {None}
    third = {item["id"]: item["state"] for item in parties.third.standings(held)["items"]}
    assert third[record] == third[absent] == "withheld"
    own = {item["id"]: item for item in parties.exchange.client(f"{OWNER}-CUS").standings(held)["items"]}
    assert (own[record]["recall"], own[hidden]["state"]) == (made["id"], "current")
    file = tmp_path / "export.csv"
    file.write_text(f"id,version,kg\n{record},1,2\n{changed},1,3\n")
    profile = replace(parties.exchange.region.profiles[f"{ASKER}-CUS"], service=parties.exchange.settings.origin)
    profile.save()
    told = command("recall", "check", str(file), "--as", str(profile.directory), "--purpose", "operational")
    assert f"{record}\trecalled\t{OWNER}\t{made['id']}\t{REASON}" in told.stdout, told.stderr
    rules = parties.officer.sharing(record)
    parties.officer.put_sharing(record, {"version": rules["version"], "keep": [], "add": []})
    assert parties.asker.standings({record: 1})["items"][0]["state"] == "current"
