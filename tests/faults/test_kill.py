"""kill -9 in the middle of a batch: what was acknowledged is there once, with its leaf, and no half of another."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest
from sarhad.records import issue

from deploy.cluster import Cluster
from tests.exchange import Exchange, heroin
from tests.faults.books import balanced, check_receipts, connected, progress
from tests.faults.conftest import POSTGRESQL
from tests.faults.sending import Sending
from tests.seizures.wiring import NDJSON, Agency, line, refusal, verdicts
from tests.signing.wire import Reply, Wire, send, sign

LINES = 1_000
ROUNDS = 6
pytestmark = pytest.mark.xdist_group("faults")


class Batch:
    """New records of one agency, which can be sent again and again."""

    def __init__(self, exchange: Exchange, name: str, lines: int = LINES) -> None:
        self.agency = Agency(exchange, name)
        stamp, key = time.time_ns(), self.agency.record_key
        self.references = [f"K-{stamp}-{n}" for n in range(lines)]
        records = (issue(key, heroin(name, reference=reference)) for reference in self.references)
        self.body = "\n".join(map(line, records)).encode()

    def wire(self) -> Wire:
        key, origin = self.agency.request_key, self.agency.exchange.settings.origin
        return sign(key, origin, "POST", "/v1/batches", self.body, content_type=NDJSON)

    def send_until(self, leaves: int) -> Sending:
        """Send, and return when the database was asked for that many leaves, or the answer was quicker."""
        settings = self.agency.exchange.settings
        sending = Sending(settings.origin, self.wire())
        with connected(settings) as connection:
            start = progress(connection)
            sending.start()
            while progress(connection) < start + leaves and not sending.ended:
                pass
        return sending


def kill_worker(exchange: Exchange, _cluster: Cluster, sending: Sending) -> None:
    """The worker that serves the batch; the other one goes on, and the service replaces the one that died."""
    worker = sending.worker()
    if worker is not None and worker != exchange.process.pid:
        os.kill(worker, signal.SIGKILL)
    sending.join()


def kill_postgresql(_exchange: Exchange, cluster: Cluster, sending: Sending) -> None:
    cluster.kill()
    sending.join()
    cluster.start(POSTGRESQL)


@pytest.mark.parametrize("kill", [kill_worker, kill_postgresql])
def test_nothing_acknowledged_is_lost_and_no_half_is_kept(
    fragile: Exchange, cluster: Cluster, kill: Callable[[Exchange, Cluster, Sending], None]
) -> None:
    moments = random.Random()  # the moments differ from run to run; the first two are the edges
    unacknowledged = 0
    for number in range(ROUNDS):
        batch = Batch(fragile, ("KZ-CUS", "KG-CUS")[number % 2])
        sending = batch.send_until((1, LINES)[number] if number < 2 else moments.randint(1, LINES))
        kill(fragile, cluster, sending)
        fragile.wait_ready()

        books = balanced(fragile.settings)
        there = [reference for reference in batch.references if reference in books.receipts]
        if sending.verdicts is not None:
            check_receipts(books, batch.references, sending.verdicts)
        else:
            unacknowledged += 1
            assert len(there) in {0, LINES}  # one batch is one transaction

        again, summary = verdicts(send(fragile.settings.origin, batch.wire()))
        assert (summary["accepted"], summary["duplicates"]) == (LINES - len(there), len(there))
        completed = balanced(fragile.settings)
        check_receipts(completed, batch.references, again)
        assert {reference: completed.receipts[reference] for reference in books.receipts} == books.receipts
    assert unacknowledged, "no batch was hit: the moments are too late"


def test_a_request_used_before_a_crash_is_refused_after_it(fragile: Exchange, cluster: Cluster) -> None:
    """Spent nonces survive both: they were committed with what they were spent for."""
    customs = Agency(fragile, "KZ-CUS")
    origin = fragile.settings.origin
    wire = sign(
        customs.request_key, origin, "POST", "/v1/seizures", customs.report().encode(),
        content_type="application/sd-jwt",
    )  # fmt: skip
    assert send(origin, wire).status == 201
    cluster.kill()
    cluster.start(POSTGRESQL)
    fragile.wait_ready()
    assert refusal(send(origin, wire)) == (409, "replayed-request", None)
    killed = Sending(origin, wire).worker()
    if killed is not None:
        os.kill(killed, signal.SIGKILL)
    fragile.wait_ready()
    assert {refusal(_answer(origin, wire))[:2] for _ in range(4)} == {(409, "replayed-request")}
    balanced(fragile.settings)


def _answer(origin: str, wire: Wire) -> Reply:
    """As a client sends that tries again: connections in the queue of the killed worker are reset."""
    while True:
        try:
            return send(origin, wire)
        except ConnectionResetError:
            continue


def test_while_the_database_is_away_the_service_says_so(fragile: Exchange, cluster: Cluster) -> None:
    customs = Agency(fragile, "KZ-CUS")
    record = customs.report()
    cluster.kill()
    reply = customs.post(record)
    assert refusal(reply) == (503, "unavailable", None)
    assert reply.headers["retry-after"]
    cluster.start(POSTGRESQL)
    fragile.wait_ready()
    assert customs.post(record).status == 201
