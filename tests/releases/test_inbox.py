"""The inbox of an agency: what it is told, what it has taken note of, and what came since."""

from typing import Any

from sarhad import Client

from tests.releases.parties import ASKER, OWNER, Parties
from tests.releases.refused import refused


def about(client: Client, id_: str, **asked: Any) -> list[str]:
    return [note["kind"] for note in client.inbox(**asked)["items"] if note["subject"].endswith(id_)]


def test_each_side_is_told_what_the_other_did(parties: Parties, record: str) -> None:
    id_ = parties.asker.ask_originator(record, ["narrative"], "same stamp")["id"]
    assert about(parties.officer, id_) == about(parties.filer, id_) == ["request-received"]
    assert about(parties.asker, id_) == []
    parties.officer.answer_request(id_, "full")
    assert about(parties.asker, id_) == ["request-answered"]
    assert about(parties.officer, id_, state="open") == [], "who has answered need not take note"
    assert about(parties.officer, id_, state="acknowledged") == ["request-received"]
    for outsider in (parties.third, parties.exchange.client(f"{ASKER}-DCA")):
        assert about(outsider, id_) == []


def test_a_notice_is_taken_note_of_once_and_by_its_addressee(parties: Parties, record: str, absent: str) -> None:
    id_ = parties.asker.ask_originator(record, ["narrative"], "same stamp")["id"]
    (note,) = [note for note in parties.officer.inbox(state="open")["items"] if note["subject"].endswith(id_)]
    assert note["acknowledged_at"] is None
    assert (note["from"], note["to"], note["facts"]["facets"]) == (ASKER, OWNER, ["narrative"])
    theirs = refused(lambda: parties.third.acknowledge_notice(note["id"])).document
    assert theirs == refused(lambda: parties.third.acknowledge_notice(absent)).document
    open_before = parties.officer.inbox()["open"]
    for _ in range(2):
        parties.filer.acknowledge_notice(note["id"])
    assert parties.officer.inbox()["open"] == open_before - 1
    assert about(parties.officer, id_, state="open") == []


def test_what_came_since_the_last_look(parties: Parties) -> None:
    parties.asker.ask_originator(parties.file(), ["narrative"], "an earlier stamp")
    since = parties.officer.inbox(limit=1)["since"]
    assert parties.officer.inbox(since=since)["items"] == []
    made = [parties.asker.ask_originator(parties.file(), ["narrative"], "same stamp")["id"] for _ in range(3)]
    subjects = [f"/v1/requests/{id_}" for id_ in made[::-1]]
    new = parties.officer.inbox(since=since)
    assert [note["subject"] for note in new["items"]] == subjects, "newest first"
    walked: list[str] = []
    cursor = None
    while cursor is not None or not walked:
        page = parties.officer.inbox(since=since, limit=1, cursor=cursor)
        walked += [note["subject"] for note in page["items"]]
        cursor = page["next"]
    assert walked == subjects
    assert parties.officer.inbox(since=new["since"])["items"] == []
    assert refused(lambda: parties.asker.inbox(since=since)).kind == "invalid-cursor"


def test_an_auditor_reads_logs_and_no_inbox(parties: Parties) -> None:
    auditor = parties.exchange.client(f"{OWNER}-DCA/auditor")
    for act in (auditor.inbox, auditor.requests, auditor.recalls):
        assert refused(act).kind == "role-required"


def test_an_inbox_is_asked_in_its_own_words(parties: Parties) -> None:
    for asked in ({"state": "read"}, {"limit": 0}, {"kind": "x; --"}, {"since": "AAAA"}, {"cursor": "AAAA"}):
        assert refused(lambda asked=asked: parties.officer.inbox(**asked)).status in (400, 422)
