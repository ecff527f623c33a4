"""Corrections and retractions reach those who saw the record, and tell nobody more than the record did."""

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sarhad import Client, ProblemError
from sarhad.records import Record, correction, item, read, retraction, verify
from sqlalchemy import Engine, text

from tests.exchange import Exchange
from tests.policies.reports import (
    AGENCY,
    CELLED,
    EXACT,
    HIDDEN,
    MONTHLY,
    PARTNER,
    UNDATED,
    everything,
    ids,
    refused,
    report,
)


def test_history_is_the_owners(exchange: Exchange, owner: Client, partner: Client) -> None:
    first = exchange.sign(report(EXACT))
    record = owner.submit(first).id
    owner.submit(exchange.sign(correction(first, narrative={"text": "Under the seats.", "language": "en"})))
    mine = owner.versions(record)["items"]
    assert [version["version"] for version in mine] == [1, 2]
    assert [version["latest"] for version in mine] == [False, True]
    theirs = partner.versions(record)["items"]
    assert theirs == [partner.get(record)]
    assert theirs[0]["version"] == 2
    assert not {"receipt", "digest", "received", "warnings"} & set(theirs[0])


@pytest.fixture(scope="module")
def lines_seen(superuser: Engine) -> Callable[[str], int]:
    def count(record: str) -> int:
        with superuser.connect() as connection:
            connection.execute(
                text("""SELECT set_config('sarhad.context',
                        gate.enter('KG', 'KG-CUS', ARRAY['reporter', 'analyst'], 'operational'), true)""")
            )
            connection.execute(text("SET LOCAL ROLE sarhad_read"))
            query = text("SELECT count(*) FROM shared.report_line WHERE record_id = :record")
            number = int(connection.execute(query, {"record": record}).scalar_one())
            connection.rollback()
            return number

    return count


def test_a_correction_with_a_stricter_label_takes_the_record_away(
    exchange: Exchange, owner: Client, partner: Client, lines_seen: Callable[[str], int]
) -> None:
    first = exchange.sign(report(EXACT))
    record = owner.submit(first).id
    assert record in ids(partner)
    assert lines_seen(record) == 1
    owner.submit(exchange.sign(replace(correction(first), handling=HIDDEN)))
    answers = everything(exchange, record, PARTNER)
    assert answers == everything(exchange, str(uuid.uuid4()), PARTNER)
    for filters in (
        {},
        {"retracted": "true"},
        {"reference": read(first).facets["reference"]},
        {"min_kg": "1"},
    ):
        assert record not in ids(partner, **filters)
    assert lines_seen(record) == 0, "not even the lines of the version before"
    assert owner.get(record)["version"] == 2


def test_a_corrected_record_has_one_version_and_one_set_of_lines(
    exchange: Exchange, owner: Client, partner: Client, lines_seen: Callable[[str], int]
) -> None:
    first = exchange.sign(report(EXACT, items=[item(None, "heroin", "777", "kg", status="PRES")]))
    record = owner.submit(first).id
    lighter = [{"line": 1, **item(None, "heroin", "7", "kg", status="PRES")}]
    owner.submit(exchange.sign(correction(first, items=lighter)))
    assert record not in ids(partner, min_kg="700"), "the weight of the version before is no longer asked about"
    assert record in ids(partner, min_kg="7")
    assert lines_seen(record) == 1


def test_a_retraction_is_seen_by_those_who_saw_the_record(exchange: Exchange, owner: Client, partner: Client) -> None:
    for handling, given in ((CELLED, {"narrative"}), (EXACT, {"narrative", "reported"}), (MONTHLY, set())):
        first = exchange.sign(report(handling, "2007-02-03T04:05:06+05:00"))
        record = owner.submit(first).id
        owner.submit(exchange.sign(retraction(first, reason="Counted twice.", language="en")))
        shown = partner.get(record)
        assert (shown["kind"], shown["status"], shown["version"]) == ("retraction", "retracted", 2)
        assert set(shown["facets"]) == given
        assert "derived" not in shown
        assert record not in ids(partner)
        assert record in ids(partner, retracted="true")
        verify(partner.get_record(record), exchange.region.profiles[AGENCY].load_record_key().public)
        assert refused(lambda r=record: exchange.client("TM-CUS").get(r)).status == 404


def test_a_proof_tells_the_time_of_reporting_and_goes_only_to_who_is_given_it(
    file: Callable[[Record], str], owner: Client, partner: Client
) -> None:
    for handling in (MONTHLY, CELLED, UNDATED, HIDDEN):
        hidden = file(report(handling))
        problem = refused(lambda r=hidden: partner.proof(r))
        assert problem.kind == "not-found"
    record = file(report(EXACT))
    for client in (owner, partner):
        assert proof_or_wait(client, record) in ("records", "leaf-not-yet-merged")


def proof_or_wait(client: Client, record: str) -> str:
    try:
        return str(client.proof(record)["log"])
    except ProblemError as problem:
        return problem.kind
