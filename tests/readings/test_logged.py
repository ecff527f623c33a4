"""Every reading stands in the access log before its answer leaves; where it cannot, there is no answer."""

import hashlib
import uuid
from collections.abc import Callable

import pytest
from sarhad import ProblemError, _record_calls
from sqlalchemy import Engine, text

from service.readings.entry import document
from tests.exchange import Exchange
from tests.readings.conftest import OUTSIDER, OWNER, PARTNER, Entries

Share = Callable[..., str]


def test_a_record_read_by_a_partner_is_logged_with_who_and_why(
    exchange: Exchange, shared: Share, entries: Entries
) -> None:
    record = shared()
    case = f"CASE-{uuid.uuid4()}"
    profile = exchange.region.profiles[f"{PARTNER}-CUS"]
    with type(exchange.client(f"{PARTNER}-CUS"))(
        service=exchange.settings.origin, key=profile.load_request_key(), purpose="operational", case=case
    ) as client:
        client.get(record)
    (entry,) = entries(case_reference=case)
    assert (entry["country"], entry["agency"], entry["purpose"]) == (PARTNER, f"{PARTNER}-CUS", "operational")
    assert entry["key_id"] == profile.load_request_key().kid
    assert entry["roles"] == ["analyst", "reporter"]
    assert (entry["method"], entry["route"], entry["status"]) == ("GET", "/v1/seizures/{record_id}", 200)
    assert (entry["owner"], entry["records"], entry["record_ids"]) == (OWNER, 1, [uuid.UUID(record)])
    assert entry["policy"] == client_policy(exchange)


def client_policy(exchange: Exchange) -> str:
    policy: str = exchange.client(f"{PARTNER}-CUS").search(limit=1).raw["policy"]
    return policy


def test_a_page_is_logged_apart_for_each_owner(exchange: Exchange, shared: Share, entries: Entries) -> None:
    reference = f"both-{uuid.uuid4()}"
    theirs = shared(reference=reference)
    own = shared(f"{PARTNER}-CUS", reference=reference)
    found = exchange.client(f"{PARTNER}-CUS").search(reference=reference)
    assert {item["id"] for item in found.items} == {theirs, own}
    logged = [e for e in entries(route="/v1/seizures", agency=f"{PARTNER}-CUS") if e["records"]][-2:]
    assert {(e["owner"], e["record_ids"][0]) for e in logged} == {
        (OWNER, uuid.UUID(theirs)),
        (PARTNER, uuid.UUID(own)),
    }
    assert len({e["reading"] for e in logged}) == 1
    assert len({e["id"] for e in logged} | {e["leaf_hash"] for e in logged}) == 4


@pytest.mark.parametrize("name", ["get", "get_record", "versions"])
def test_every_form_of_a_record_is_logged(exchange: Exchange, shared: Share, entries: Entries, name: str) -> None:
    record = shared()
    client = exchange.client(f"{PARTNER}-LAB", "forensic") if name == "get" else exchange.client(f"{PARTNER}-CUS")
    getattr(client, name)(record)
    assert [e for e in entries(owner=OWNER) if e["record_ids"] == [uuid.UUID(record)]]


def test_a_refusal_and_an_empty_answer_are_logged_without_records(exchange: Exchange, entries: Entries) -> None:
    outsider = exchange.client(f"{OUTSIDER}-DCA", "statistics")
    with pytest.raises(ProblemError):
        outsider.get(str(uuid.uuid4()))
    assert outsider.search(owner=OWNER).items == []
    with pytest.raises(ProblemError):
        outsider.search(limit=0)
    with pytest.raises(ProblemError):
        exchange.client(f"{OUTSIDER}-DCA", None).search()
    logged = entries(agency=f"{OUTSIDER}-DCA")[-4:]
    assert [e["status"] for e in logged] == [404, 200, 422, 403]
    assert {(e["owner"], e["records"]) for e in logged} == {(None, 0)}


def test_what_cannot_be_logged_is_not_answered(exchange: Exchange, shared: Share, superuser: Engine) -> None:
    record = shared()
    client = exchange.client(f"{PARTNER}-CUS")
    with superuser.begin() as connection:
        connection.execute(text("REVOKE INSERT ON core.access FROM sarhad_access"))
    try:
        with pytest.raises(ProblemError) as refused:
            client._once(_record_calls.get(record))
    finally:
        with superuser.begin() as connection:
            connection.execute(text("GRANT INSERT ON core.access TO sarhad_access"))
    assert (refused.value.status, refused.value.type) == (503, "/problems/reading-not-logged")
    assert record not in str(refused.value.document)
    assert client.get(record)["id"] == record


def test_the_answer_that_was_given_is_the_one_logged(exchange: Exchange, shared: Share, entries: Entries) -> None:
    record = shared()
    signed = exchange.client(f"{PARTNER}-CUS").get_record(record)
    entry = [e for e in entries(owner=OWNER) if e["record_ids"] == [uuid.UUID(record)]][-1]
    assert entry["answer"] == hashlib.sha256(signed.encode()).digest()


def test_an_entry_is_what_its_leaf_commits_to(exchange: Exchange, shared: Share, entries: Entries) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    entry = [e for e in entries(owner=OWNER) if e["record_ids"] == [uuid.UUID(record)]][-1]
    sealed = {
        name: hashlib.sha256(bytes(entry["seal"]) + bytes(entry[name])).digest() for name in ("question", "answer")
    }
    digest = hashlib.sha256(document(entry | sealed)).digest()
    committed = hashlib.sha256(bytes(entry["salt"]) + digest).digest()
    assert hashlib.sha256(b"\x00" + committed).digest() == bytes(entry["leaf_hash"])
