"""An owner lists who read its records; nobody lists another's; the log is no way to content."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sarhad import ProblemError
from sarhad.signing import SignedRequests
from sqlalchemy import Engine, text

from tests.exchange import Exchange
from tests.readings.conftest import OUTSIDER, OWNER, PARTNER, Entries

Share = Callable[..., str]
AUDITOR, POLICY = f"{OWNER}-DCA/auditor", f"{OWNER}-DCA/policy"


def ask(exchange: Exchange, name: str, path: str, accept: str = "application/json", **params: Any) -> httpx.Response:
    key = exchange.region.profiles[name].load_request_key()
    service_key = exchange.client(name, None).service_key
    auth = SignedRequests(key, lambda: service_key)
    return exchange.anyone.get(path, params=params or None, auth=auth, headers={"accept": accept})


@pytest.mark.parametrize("name", [AUDITOR, POLICY])
def test_an_owner_lists_who_read_which_record_and_why(exchange: Exchange, shared: Share, name: str) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    answer = ask(exchange, name, f"/v1/statements/{OWNER}", record=record)
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["items"]
    assert (entry["country"], entry["agency"], entry["purpose"]) == (PARTNER, f"{PARTNER}-CUS", "operational")
    assert (entry["records"], entry["record_ids"]) == (1, [record])
    assert entry["key"] == exchange.region.profiles[f"{PARTNER}-CUS"].load_request_key().kid
    assert entry["roles"] == ["analyst", "reporter"]
    assert "answer" not in entry
    assert answer.json()["next"] is None


def test_an_owner_is_told_nothing_of_the_records_of_others(exchange: Exchange, shared: Share) -> None:
    reference = f"mixed-{uuid.uuid4()}"
    theirs, own = shared(reference=reference), shared(f"{PARTNER}-CUS", reference=reference)
    assert len(exchange.client(f"{PARTNER}-CUS").search(reference=reference).items) == 2
    answer = ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", record=theirs)
    assert own not in answer.text
    assert [entry["records"] for entry in answer.json()["items"]] == [1]
    assert ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", record=own).json()["items"] == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"country": PARTNER, "agency": f"{PARTNER}-CUS", "purpose": "operational"}, 2),
        ({"agency": f"{PARTNER}-LAB"}, 1),
        ({"purpose": "forensic"}, 1),
        ({"country": OUTSIDER}, 0),
        ({"to": "2020-01-01T00:00:00Z"}, 0),
        ({"from": "2020-01-01T00:00:00Z"}, 3),
    ],
)
def test_a_statement_is_filtered(exchange: Exchange, shared: Share, filters: dict[str, str], expected: int) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    exchange.client(f"{PARTNER}-CUS").versions(record)
    exchange.client(f"{PARTNER}-LAB", "forensic").get(record)
    answer = ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", record=record, **filters)
    assert len(answer.json()["items"]) == expected


def test_pages_hold_every_entry_once_newest_first(exchange: Exchange, shared: Share) -> None:
    record = shared()
    for _ in range(5):
        exchange.client(f"{PARTNER}-CUS").get(record)
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", record=record, limit=2, **cursor).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len({entry["id"] for entry in found}) == len(found) == 5
    assert [entry["at"] for entry in found] == sorted((entry["at"] for entry in found), reverse=True)


def test_the_csv_holds_no_formula(exchange: Exchange, shared: Share) -> None:
    record = shared()
    profile = exchange.region.profiles[f"{PARTNER}-CUS"]
    case = '=HYPERLINK("http://x","y")'
    with type(exchange.client(f"{PARTNER}-CUS"))(
        service=exchange.settings.origin, key=profile.load_request_key(), purpose="operational", case=case
    ) as client:
        client.get(record)
        client.get(record)
    answer = ask(exchange, AUDITOR, f"/v1/statements/{OWNER}", "text/csv", record=record, limit=1)
    assert answer.headers["content-type"].startswith("text/csv")
    head, row = csv.reader(io.StringIO(answer.text))
    entry = dict(zip(head, row, strict=True))
    assert entry["case"] == f"'{case}"
    assert (entry["record_ids"], entry["roles"]) == (record, "analyst reporter")
    following = answer.headers["link"].split(">")[0].removeprefix("<")
    second = ask(exchange, AUDITOR, following, "text/csv")
    assert len(list(csv.reader(io.StringIO(second.text)))) == 2
    assert "link" not in second.headers


@pytest.mark.parametrize("path", ["", "/balance", f"/entries/{uuid.UUID(int=7)}/proof"])
def test_the_statement_of_another_country_is_as_unknown_as_that_of_none(exchange: Exchange, path: str) -> None:
    params = {"quarter": "2026-Q3"} if path == "/balance" else {}
    other, none = (ask(exchange, AUDITOR, f"/v1/statements/{country}{path}", **params) for country in (PARTNER, "ZZ"))
    assert other.status_code == none.status_code == 404
    assert other.content == none.content


def test_only_auditors_and_policy_officers_read_a_statement(exchange: Exchange) -> None:
    for name in (f"{OWNER}-CUS", f"{OWNER}-LAB", f"{OWNER}-DCA", f"{OWNER}-DCA/admin1"):
        assert ask(exchange, name, f"/v1/statements/{OWNER}").status_code == 403
    assert ask(exchange, POLICY, "/v1/readings").status_code == 403
    assert ask(exchange, AUDITOR, "/v1/readings").status_code == 200


def test_an_auditor_sees_what_its_own_people_read_and_not_which(exchange: Exchange, shared: Share) -> None:
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    answer = ask(exchange, f"{PARTNER}-DCA/auditor", "/v1/readings", owner=OWNER, limit=1)
    (entry,) = answer.json()["items"]
    assert (entry["agency"], entry["route"], entry["records"]) == (f"{PARTNER}-CUS", "/v1/seizures/{record_id}", 1)
    assert record not in answer.text
    own = ask(exchange, f"{PARTNER}-DCA/auditor", "/v1/readings", limit=1000).json()["items"]
    assert {item["country"] for item in own} == {PARTNER}


def test_reading_the_log_is_logged(exchange: Exchange, entries: Entries) -> None:
    ask(exchange, AUDITOR, f"/v1/statements/{OWNER}")
    ask(exchange, AUDITOR, f"/v1/statements/{PARTNER}")
    ask(exchange, AUDITOR, "/v1/readings")
    logged = entries(agency=f"{OWNER}-DCA")[-3:]
    assert [(e["route"], e["status"], e["records"]) for e in logged] == [
        ("/v1/statements/{country}", 200, 0),
        ("/v1/statements/{country}", 404, 0),
        ("/v1/readings", 200, 0),
    ]


def test_the_balance_tells_what_was_given_and_taken(
    exchange: Exchange, shared: Share, entries: Entries, quarter: str
) -> None:
    def partners(quarter: str = quarter) -> dict[str, dict[str, Any]]:
        balance = ask(exchange, AUDITOR, f"/v1/statements/{OWNER}/balance", quarter=quarter).json()
        return {partner.pop("country"): partner for partner in balance["partners"]}

    shared()
    before = partners()
    record = shared()
    exchange.client(f"{PARTNER}-CUS").get(record)
    exchange.client(f"{PARTNER}-CUS").get(record)
    with pytest.raises(ProblemError):
        exchange.client(f"{OUTSIDER}-CUS").get(record)
    after = partners()
    given = [e for e in entries(owner=OWNER, country=PARTNER) if e["records"]]
    assert after[PARTNER]["given"] == {
        "answers": len(given),
        "records": sum(e["records"] for e in given),
        "distinct_records": len({id_ for e in given for id_ in e["record_ids"]}),
    }
    assert after[PARTNER]["visible_now"] == before[PARTNER]["visible_now"] + 1
    assert after[OUTSIDER] == before[OUTSIDER]
    assert OWNER not in after
    theirs = ask(exchange, f"{PARTNER}-DCA/policy", f"/v1/statements/{PARTNER}/balance", quarter=quarter).json()
    taken = next(partner for partner in theirs["partners"] if partner["country"] == OWNER)["taken"]
    assert taken == {"answers": len(given), "records": sum(e["records"] for e in given)}
    assert {partner["given"]["answers"] for partner in partners("2020-Q1").values()} == {0}


def test_ids_in_a_statement_are_random(exchange: Exchange, entries: Entries, shared: Share) -> None:
    shared()
    exchange.client(f"{PARTNER}-CUS").search()
    assert {e["id"].version for e in entries()} == {4}


def test_an_auditors_context_opens_no_record(exchange: Exchange, shared: Share) -> None:
    record = shared()
    for name in (AUDITOR, f"{PARTNER}-DCA/auditor"):
        for asking in ("get", "get_record", "versions", "proof"):
            with pytest.raises(ProblemError) as refused:
                getattr(exchange.client(name), asking)(record)
            assert refused.value.status == 403
        with pytest.raises(ProblemError) as refused:
            exchange.client(name).search()
        assert refused.value.status == 403


def test_months_ahead_have_their_partitions(superuser: Engine, exchange: Exchange) -> None:
    with superuser.connect() as connection:
        partitions = set(
            connection.execute(
                text("""SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                        WHERE i.inhparent = 'core.access'::regclass""")
            ).scalars()
        )
        strays = connection.execute(text("SELECT count(*) FROM core.access__default")).scalar_one()
    assert "access__default" in partitions
    assert len(partitions) >= 5
    assert strays == 0
