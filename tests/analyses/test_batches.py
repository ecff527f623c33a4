"""What follows a batch follows once, when all of it is filed: until then it keeps nobody waiting."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sarhad.records import correction
from sqlalchemy import Connection, create_engine, text

from service.seizures.batch import CHUNK
from tests.analyses.conftest import bench  # noqa: F401
from tests.analyses.laboratory import Laboratory, exhibit_number
from tests.analyses.test_filing import id_of
from tests.analyses.test_links import only_line, reported
from tests.awaiting import eventually
from tests.exchange import Exchange
from tests.seizures.wiring import Agency, line, statuses, verdicts
from tests.signing.wire import Reply

HOLD = text("SELECT 1 FROM core.report WHERE record_id = :record FOR UPDATE")
HELD_UP = text(
    "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND pg_backend_pid() = ANY (pg_blocking_pids(l.pid))"
)
INBOXES = text("SELECT pg_advisory_xact_lock(7276826)")


@contextmanager
def superuser(exchange: Exchange) -> Iterator[Connection]:
    engine = create_engine(exchange.settings.database_as())
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def told(agency: Agency, record: str) -> list[dict[str, Any]]:
    notices = agency.get("/v1/inbox", kind="result-changed", limit="500").json()["items"]
    return [notice["facts"] for notice in notices if notice["subject"] == f"/v1/seizures/{id_of(record)}"]


def until_held_up(connection: Connection, sent: "Future[Reply]") -> None:
    """Until another transaction waits for a row that this one holds."""

    def held_up() -> bool:
        assert not sent.done(), sent.result().body
        return bool(connection.scalar(HELD_UP))

    eventually(held_up)


@pytest.fixture
def neighbours(exchange: Exchange, bench: dict[str, Laboratory]) -> tuple[Agency, Laboratory]:  # noqa: F811
    return Agency(exchange, "KG-CUS"), bench["KG-LAB"]


def test_while_a_batch_is_under_way_others_examine_its_exhibits_and_are_told(
    exchange: Exchange, customs: Agency, lab: Laboratory, neighbours: tuple[Agency, Laboratory]
) -> None:
    post, laboratory = neighbours
    number, theirs = exhibit_number(), exhibit_number("KG-CUS")
    lab.file(lab.found(number))
    other = reported(post, theirs)
    assert post.post(other).status == 201
    first = customs.report()
    assert customs.post(first).status == 201
    examined = reported(customs, number)
    early = [examined, *(customs.report() for _ in range(CHUNK - 1))]
    late = customs.sign(correction(first, narrative={"text": "Seen again.", "language": "en"}))
    with superuser(exchange) as holding, ThreadPoolExecutor(1) as pool:
        holding.execute(HOLD, {"record": id_of(first)})
        batch = pool.submit(customs.batch, [line(record) for record in [*early, late]])
        until_held_up(holding, batch)
        assert laboratory.file(laboratory.found(number)).status == 201, "of the same exhibit"
        assert laboratory.file(laboratory.found(theirs)).status == 201
        assert told(post, other) != []
        assert not batch.done(), "none of them waited for it"
        holding.rollback()
        found, summary = verdicts(batch.result())
    assert set(statuses(found)) == {201}
    assert summary["committed"]
    assert [facts["status"] for facts in told(customs, examined)] == ["CONF"]
    assert only_line(customs, examined)["status"] == "CONF"


def test_a_dry_run_says_the_same_and_has_nothing_follow(exchange: Exchange, customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    lab.file(lab.found(number))
    examined = reported(customs, number)
    lines = [line(examined), line(customs.report(items=[])), "{}"]
    with superuser(exchange) as holding:
        holding.execute(INBOXES)
        dry, summary = verdicts(customs.batch(lines, dry_run="true"))
        holding.rollback()
    assert not summary["committed"]
    assert told(customs, examined) == []
    wet, _ = verdicts(customs.batch(lines))
    assert [{**entry, "receipt": None} for entry in wet] == [{**entry, "receipt": None} for entry in dry]
    assert len(told(customs, examined)) == 1


def test_a_line_that_is_filed_and_corrected_in_one_batch_is_told_as_it_stands(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    lab.file(lab.found(number))
    report = reported(customs, number)
    corrected = customs.sign(correction(report, narrative={"text": "Corrected.", "language": "en"}))
    found, _ = verdicts(customs.batch([line(report), line(corrected)]))
    assert statuses(found) == [201, 201]
    assert [facts["status"] for facts in told(customs, report)] == ["CONF"]
    assert only_line(customs, report)["status"] == "CONF"
