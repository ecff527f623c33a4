"""A line to the database that is slow, breaks off or falls silent; a database whose connections are all in use."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from deploy.cluster import Cluster
from tests.exchange import Exchange
from tests.faults.books import balanced, check_receipts
from tests.faults.line import Line
from tests.faults.test_kill import LINES, Batch
from tests.seizures.wiring import RECORD, Agency, refusal, stored, verdicts
from tests.signing.wire import Reply, send, sign

pytestmark = pytest.mark.xdist_group("faults")
CONNECTIONS = 2
COUNTRIES = ("KZ-CUS", "KG-CUS", "TJ-CUS")
BETWEEN_PIECES = 0.01  # seconds


@pytest.fixture(scope="module")
def line(cluster: Cluster) -> Iterator[Line]:
    with TemporaryDirectory(prefix="sarhad-line-") as directory:  # short: a socket's path is
        made = Line(cluster, Path(directory))
        yield made
        made.close()


@pytest.fixture(scope="module")
def distant(fragile: Exchange, line: Line) -> Iterator[Exchange]:
    """One worker, which reaches the database over the line."""
    settings = fragile.settings.model_copy(update={"database_url": line.url(connect_timeout="2")})
    running = Exchange.start(settings, fragile.region, workers=1, SARHAD_DATABASE_POOL=str(CONNECTIONS))
    yield running
    running.stop()


def is_unavailable(reply: Reply) -> bool:
    """Whether it is refused for an outage, as it should be; another refusal or fault is none of these tests."""
    if reply.status in {200, 201}:
        return False
    assert refusal(reply)[:2] == (503, "unavailable")
    assert int(reply.headers["retry-after"]) > 0
    return True


def test_over_a_slow_line_answers_come_late_and_right(distant: Exchange, line: Line) -> None:
    customs = Agency(distant, "KZ-CUS")
    line.delay = BETWEEN_PIECES
    try:
        started = time.monotonic()
        assert not is_unavailable(customs.post(customs.report()))
        assert not is_unavailable(customs.get("/v1/seizures"))
        assert time.monotonic() - started > 4 * BETWEEN_PIECES, "the line was not slow"
    finally:
        line.delay = 0


def test_a_line_that_breaks_in_a_batch_keeps_none_of_it(distant: Exchange, line: Line) -> None:
    batch = Batch(distant, "KZ-CUS")
    sending = batch.send_until(LINES // 2)
    line.cut()
    sending.join()
    assert sending.status == 503
    assert not set(batch.references) & balanced(distant.settings).receipts.keys()
    again, summary = verdicts(send(distant.settings.origin, batch.wire()))
    assert summary["accepted"] == LINES
    check_receipts(balanced(distant.settings), batch.references, again)


def test_a_line_that_broke_between_requests_is_noticed_before_it_is_used(distant: Exchange, line: Line) -> None:
    for name in COUNTRIES:
        customs = Agency(distant, name)
        assert not is_unavailable(customs.get("/v1/seizures"))
        line.cut()
        assert not is_unavailable(customs.post(customs.report()))


def test_a_server_that_takes_connections_and_says_nothing_is_given_up(
    fragile: Exchange, distant: Exchange, line: Line
) -> None:
    customs = Agency(distant, "KZ-CUS")
    report, before = customs.report(), stored(fragile.settings)
    line.fall_silent()
    line.cut()
    try:
        assert is_unavailable(customs.post(report))
        assert is_unavailable(customs.get("/v1/seizures"))
    finally:
        line.speak()
    assert stored(fragile.settings) == before
    distant.wait_ready()
    assert not is_unavailable(customs.post(report))


def filed(agency: Agency, report: str) -> Reply:
    """The answer, also where it comes after the waits for a connection and for a lock, of ten seconds each."""
    origin = agency.exchange.settings.origin
    wire = sign(agency.request_key, origin, "POST", "/v1/seizures", report.encode(), content_type=RECORD)
    return send(origin, wire, timeout=60)


def test_who_finds_every_connection_in_use_is_told_when_to_come_again(fragile: Exchange, distant: Exchange) -> None:
    agencies = [Agency(distant, name) for name in COUNTRIES * CONNECTIONS]
    reports = [agency.report() for agency in agencies]
    engine = create_engine(fragile.settings.database_as(), poolclass=NullPool)
    with ThreadPoolExecutor(len(agencies)) as callers:
        with engine.begin() as outside:
            outside.execute(text("LOCK TABLE core.report IN ACCESS EXCLUSIVE MODE"))
            answers = list(callers.map(filed, agencies, reports))
        assert all(map(is_unavailable, answers))
        answers = list(callers.map(filed, agencies, reports))
    assert [reply.status for reply in answers] == [201] * len(agencies)
