"""Corrections and retractions: each version follows the one before it, once, and nothing is lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sarhad.records import correction, item, read, retraction, zero

from tests.exchange import heroin
from tests.seizures.wiring import Agency, line, refusal, statuses, stored, verdicts

HEAVIER = [{"line": 1, **item(None, "heroin", "12.5", "kg", status="CONF")}]


@pytest.fixture
def first(customs: Agency) -> str:
    """A record in its first version, filed."""
    record = customs.report()
    assert customs.post(record).status == 201
    return record


def id_of(record: str) -> str:
    return str(read(record).payload["jti"])


def corrected(customs: Agency, record: str, **facets: object) -> str:
    return customs.sign(correction(record, **(facets or {"items": HEAVIER})))


def withdrawn(customs: Agency, record: str) -> str:
    return customs.sign(retraction(record, reason="Entered twice.", language="en"))


def test_a_correction_replaces_what_readers_see_and_keeps_the_history(customs: Agency, first: str) -> None:
    second = corrected(customs, first)
    reply = customs.post(second, f"/v1/seizures/{id_of(first)}/versions")
    assert (reply.status, reply.json()["version"]) == (201, 2)
    shown = customs.get(f"/v1/seizures/{id_of(first)}").json()
    assert (shown["version"], shown["facets"]["items"][0]["reported"]["quantity"]) == (2, "12.5")
    assert [line["quantity"] for line in shown["derived"]["items"]] == ["12.5"]
    history = customs.get(f"/v1/seizures/{id_of(first)}/versions").json()["items"]
    assert [(entry["version"], entry["latest"]) for entry in history] == [(1, False), (2, True)]
    assert [entry["digest"] for entry in history] == [read(first).digest, read(second).digest]
    assert history[0]["facets"]["items"][0]["reported"]["quantity"] == "11.840"


def test_search_finds_the_latest_version_only(customs: Agency, first: str) -> None:
    customs.post(corrected(customs, first))
    found = customs.search(reference=read(first).facets["reference"])
    assert [(entry["id"], entry["version"]) for entry in found] == [(id_of(first), 2)]


def test_a_correction_may_be_repeated(customs: Agency, first: str) -> None:
    second = corrected(customs, first)
    receipts = {customs.post(second).json()["receipt"] for _ in range(3)}
    assert len(receipts) == 1
    customs.post(corrected(customs, second, narrative={"text": "Again.", "language": "en"}))
    late = customs.post(second)
    assert (late.status, {late.json()["receipt"]}) == (200, receipts)


def test_two_amendments_of_one_version_fork_and_the_second_is_refused(customs: Agency, first: str) -> None:
    assert customs.post(corrected(customs, first)).status == 201
    before = stored(customs.exchange.settings)
    fork = customs.post(corrected(customs, first, narrative={"text": "Other.", "language": "en"}))
    assert refusal(fork) == (409, "version-conflict", "/payload/ver")
    assert stored(customs.exchange.settings) == before


def test_amendments_that_race_give_one_history(customs: Agency, first: str) -> None:
    rivals = [corrected(customs, first, narrative={"text": f"Rival {n}.", "language": "en"}) for n in range(6)]
    before = stored(customs.exchange.settings)
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(customs.post, rivals))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 5
    after = stored(customs.exchange.settings)
    assert (after.reports, after.leaves) == (before.reports + 1, before.leaves + 1)
    history = customs.get(f"/v1/seizures/{id_of(first)}/versions").json()["items"]
    assert [(entry["version"], entry["latest"]) for entry in history] == [(1, False), (2, True)]


def test_a_version_names_the_hash_of_the_one_before(customs: Agency, first: str) -> None:
    wrong = replace(correction(first, items=HEAVIER), previous="A" * 43)
    reply = customs.post(customs.sign(wrong))
    assert refusal(reply) == (409, "version-conflict", "/payload/prev")
    assert reply.json()["expected"] == {"ver": 2, "prev": read(first).digest}
    skipping = replace(correction(first, items=HEAVIER), version=3)
    assert refusal(customs.post(customs.sign(skipping))) == (409, "version-conflict", "/payload/prev")


@pytest.mark.usefixtures("nothing_stored")
def test_a_version_of_nothing_is_refused(customs: Agency) -> None:
    never_filed = customs.report()
    reply = customs.post(corrected(customs, never_filed))
    assert refusal(reply) == (409, "version-conflict", "/payload/jti")


def test_another_countrys_record_cannot_be_amended(customs: Agency, neighbour: Agency, first: str) -> None:
    """The answer is the one for a record that does not exist."""
    before = stored(customs.exchange.settings)
    theirs = replace(correction(first, items=HEAVIER), agency="KG-CUS")
    reply = neighbour.post(neighbour.sign(theirs))
    assert refusal(reply) == (409, "version-conflict", "/payload/jti")
    assert reply.json()["detail"] == "there is no earlier version of this record of yours"
    assert stored(customs.exchange.settings) == before


def test_a_sister_agencys_record_cannot_be_amended(customs: Agency, first: str) -> None:
    laboratory = Agency(customs.exchange, "KZ-LAB")
    before = stored(customs.exchange.settings)
    theirs = replace(correction(first, items=HEAVIER), agency="KZ-LAB")
    assert refusal(laboratory.post(laboratory.sign(theirs))) == (409, "version-conflict", "/payload/jti")
    assert stored(customs.exchange.settings) == before


def test_a_retraction_ends_a_record_and_its_place_in_searches(customs: Agency, first: str) -> None:
    reference = read(first).facets["reference"]
    reply = customs.post(withdrawn(customs, first))
    assert (reply.status, reply.json()["version"], reply.json()["warnings"]) == (201, 2, [])
    assert customs.search(reference=reference) == []
    (found,) = customs.search(reference=reference, retracted="true")
    assert (found["id"], found["status"]) == (id_of(first), "retracted")
    shown = customs.get(f"/v1/seizures/{id_of(first)}").json()
    assert shown["facets"]["narrative"]["text"] == "Entered twice."
    assert "derived" not in shown


def test_a_retraction_of_a_placed_record_keeps_its_place(customs: Agency) -> None:
    """Its readers learn of the retraction where they knew the record."""
    placed = customs.report(where_point={"lat": "43.2389", "lon": "76.8897"}, where_admin1={"code": "KZ-75"})
    assert customs.post(placed).status == 201
    assert customs.post(withdrawn(customs, placed)).status == 201
    box = "76.8,43.2,76.9,43.3"
    found = customs.search(bbox=box, retracted="true", admin1="KZ-75", limit=500)
    assert id_of(placed) in {entry["id"] for entry in found}


def test_a_retraction_keeps_the_label_of_the_record(customs: Agency, first: str) -> None:
    """It reaches the readers of the record, so a stricter label on it would promise what is not kept."""
    stricter = replace(retraction(first, reason="Entered twice.", language="en"), handling="TLP:RED")
    assert refusal(customs.post(customs.sign(stricter))) == (409, "version-conflict", "/payload/handling")


def test_two_retractions_for_one_reason_are_no_duplicates(customs: Agency) -> None:
    records = [customs.report(narrative={"text": f"Load {time.time_ns()}.", "language": "en"}) for _ in range(2)]
    for record in records:
        assert customs.post(record).status == 201
    replies = [customs.post(withdrawn(customs, record)) for record in records]
    assert [reply.json()["warnings"] for reply in replies] == [[], []]


def test_nothing_follows_a_retraction(customs: Agency, first: str) -> None:
    last = withdrawn(customs, first)
    assert customs.post(last).status == 201
    revived = replace(correction(first, items=HEAVIER), version=3, previous=read(last).digest)
    assert refusal(customs.post(customs.sign(revived))) == (409, "version-conflict", "/payload/ver")
    again = customs.sign(retraction(last, reason="Once more.", language="en"))
    assert refusal(customs.post(again)) == (409, "version-conflict", "/payload/ver")


def test_a_retracted_reference_stays_taken(customs: Agency, first: str) -> None:
    customs.post(withdrawn(customs, first))
    anew = customs.report(reference=read(first).facets["reference"])
    assert refusal(customs.post(anew)) == (409, "duplicate-reference", "/reference")


def test_a_correction_keeps_kind_and_reference(customs: Agency, first: str) -> None:
    empty = zero("KZ-CUS", reference=read(first).facets["reference"], country="KZ", month="2026-03")
    changed = replace(empty, id=id_of(first), version=2, previous=read(first).digest)
    reply = customs.post(customs.sign(changed))
    assert (*refusal(reply), reply.json()["expected"]) == (409, "version-conflict", "/payload/kind", "seizure")
    renamed = corrected(customs, first, reference="another")
    assert refusal(customs.post(renamed)) == (409, "version-conflict", "/reference")


def test_a_version_posted_under_another_id_is_refused_and_not_stored(customs: Agency, first: str) -> None:
    other = customs.report()
    customs.post(other)
    before = stored(customs.exchange.settings)
    reply = customs.post(corrected(customs, first), f"/v1/seizures/{id_of(other)}/versions")
    assert refusal(reply) == (400, "path-mismatch", "/payload/jti")
    assert reply.json()["expected"] == id_of(other)
    assert refusal(customs.post(customs.report(), f"/v1/seizures/{id_of(other)}/versions"))[1] == "path-mismatch"
    assert refusal(customs.post(corrected(customs, first), "/v1/seizures/one/versions"))[0] == 422
    assert stored(customs.exchange.settings) == before
    assert customs.get(f"/v1/seizures/{id_of(first)}").json()["version"] == 1


def test_zero_reports_are_corrected_and_retracted_too(customs: Agency) -> None:
    nothing = customs.sign(zero("KZ-CUS", reference=f"Z-{time.time_ns()}", country="KZ", month="2026-04"))
    assert customs.post(nothing).status == 201
    second = customs.sign(correction(nothing, when_month="2026-05"))
    assert customs.post(second).status == 201
    assert customs.post(withdrawn(customs, second)).status == 201
    shown = customs.get(f"/v1/seizures/{id_of(nothing)}").json()
    assert (shown["version"], shown["kind"], shown["status"]) == (3, "retraction", "retracted")


def test_versions_follow_one_another_inside_a_batch(customs: Agency) -> None:
    one = customs.sign(heroin("KZ-CUS"))
    two = corrected(customs, one)
    three = withdrawn(customs, two)
    lines, summary = verdicts(customs.batch([line(one), line(two), line(two), line(three), line(one)]))
    assert statuses(lines) == [201, 201, 200, 201, 200]
    assert [entry["version"] for entry in lines] == [1, 2, 2, 3, 1]
    assert lines[1]["receipt"] == lines[2]["receipt"]
    assert summary == {"accepted": 3, "duplicates": 2, "refused": 0, "committed": True}
