"""What was entered is sent once it can be, whatever is killed; what is refused is kept and shown."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
import pytest
from sarhad import Client, Profile, records
from sarhad.keys import b64url_decode
from sarhad.outbox import Outbox, OutboxBusy, deliver

from service.ledger.append import commitment
from service.ledger.models import Log
from service.ledger.receipts import issue
from service.signing import ServiceKey
from tests.clients.echo import Answer, Exchange, SignedService, running


def signed(agency: Profile, reference: str) -> str:
    record = records.seizure(
        agency.agency,
        reference=reference,
        country="KZ",
        day="2025-06-01",
        items=[records.item(None, "heroin", "1", "kg")],
    )
    return records.issue(agency.load_record_key(), record)


def receipt_of(record: str, key: ServiceKey) -> dict[str, object]:
    read = records.read(record)
    claims = read.payload
    receipt = issue(
        key,
        commitment(Log.RECORDS, b64url_decode(read.digest), bytes(16)),
        origin="desk/v1/log/records",
        record_id=claims["jti"],
        version=claims["ver"],
        merge_delay=60,
        now=datetime.now(UTC),
    )
    return {
        "id": claims["jti"],
        "version": claims["ver"],
        "digest": read.digest,
        "receipt": receipt,
        "warnings": [],
    }


class Desk:
    """Accepts records once by id, like the service; refuses references that begin with BAD."""

    def __init__(self) -> None:
        self.accepted: dict[str, str] = {}
        self.posts = 0
        self.key = ServiceKey.generate()
        self.receipted: Callable[[str], str] = lambda record: record  # the record that a receipt is made for

    def __call__(self, exchange: Exchange) -> Answer:
        self.posts += 1
        if exchange.target == "/v1/seizures":
            status, document = self._one(exchange.body.decode())
            kind = "application/json" if status < 400 else "application/problem+json"
            return Answer(status, document, kind)
        lines = [orjson.loads(line)["record"] for line in exchange.body.splitlines()]
        verdicts = []
        for number, record in enumerate(lines, 1):
            status, document = self._one(record)
            outcome = document if status < 400 else {"problem": document}
            verdicts.append({"line": number, "status": status, **outcome})
        verdicts.append({"summary": {"accepted": len(lines)}})
        return Answer(200, b"".join(orjson.dumps(v) + b"\n" for v in verdicts), "application/x-ndjson")

    def _one(self, record: str) -> tuple[int, dict[str, object]]:
        reference = records.read(record).facets["reference"]
        if reference.startswith("BAD"):
            return 422, {
                "type": "/problems/invalid-facet",
                "title": "A facet does not have its form.",
                "status": 422,
            }
        known = self.accepted.setdefault(reference, record)
        assert known == record  # the same bytes every time
        return 201, receipt_of(self.receipted(record), self.key)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def service(agency: Profile, desk: Desk):
    key = agency.load_request_key().public
    with running(SignedService(keys={key.kid: key.jwk}, handler=desk, key=desk.key)) as started:
        replace(agency, service=started.origin).save()
        yield started


def connect(sender: str) -> Client:
    return Client(Profile.load(sender))


def filled(tmp_path: Path, agency: Profile, *references: str) -> Outbox:
    outbox = Outbox.open(tmp_path / "outbox.db")
    for reference in references:
        outbox.add(signed(agency, reference), str(agency.directory))
    return outbox


def test_records_wait_without_a_line_and_are_sent_later(tmp_path, agency: Profile, service, desk: Desk):
    origin, address = service.origin, Profile.load(agency.directory)
    replace(address, service="http://127.0.0.1:9").save()
    with filled(tmp_path, agency, "A", "B") as outbox:
        down = deliver(outbox, connect, clock=lambda: 1000.0)
        assert (down.delivered, down.postponed) == (0, 2)
        assert "Cannot reach" in down.faults[0]
        assert all(1002 < letter.due < 1008 for letter in outbox.letters("waiting"))
        replace(address, service=origin).save()
        assert deliver(outbox, connect, clock=lambda: 1001.0).delivered == 0
        assert deliver(outbox, connect, clock=lambda: 1008.0).delivered == 2
        assert [letter.record for letter in outbox.letters("delivered")] == [None, None]
    assert set(desk.accepted) == {"A", "B"}


def test_the_wait_grows_with_every_failure(tmp_path, agency: Profile):
    replace(agency, service="http://127.0.0.1:9").save()
    with filled(tmp_path, agency, "A") as outbox:
        for now in range(0, 60_000, 10_000):
            deliver(outbox, connect, clock=partial(float, now))
        (letter,) = outbox.letters("waiting")
    assert letter.attempts == 6
    assert 80 <= letter.due - 50_000 <= 240


def test_a_refused_record_becomes_a_dead_letter_and_harms_no_other(tmp_path, agency, service, desk: Desk):
    with filled(tmp_path, agency, "A", "BAD-1", "C") as outbox:
        tally = deliver(outbox, connect)
        assert (tally.delivered, tally.dead) == (2, 1)
        (dead,) = outbox.letters("dead")
        assert (dead.reference, dead.fault.kind) == ("BAD-1", "invalid-facet")
        assert dead.record is not None
        assert deliver(outbox, connect).dead == 0  # not sent again by itself
        assert outbox.retry([dead.number]) == 1
        assert deliver(outbox, connect).dead == 1
        assert outbox.drop([dead.number]) == 1
        assert list(outbox.letters("dead")) == []


@pytest.mark.parametrize("references", [("A",), ("A", "B")])
def test_a_receipt_for_another_record_delivers_nothing(tmp_path, agency, service, desk: Desk, references):
    other = signed(agency, "OTHER")
    desk.receipted = lambda _: other
    with filled(tmp_path, agency, *references) as outbox:
        tally = deliver(outbox, connect, clock=lambda: 0.0)
        assert (tally.delivered, tally.dead, tally.postponed) == (0, 0, len(references))
        assert "The receipt is for another record." in tally.faults[0]
        assert all(letter.record for letter in outbox.letters("waiting"))
        desk.receipted = lambda record: record
        assert deliver(outbox, connect, clock=lambda: 100.0).delivered == len(references)


def test_a_receipt_of_another_key_delivers_nothing(tmp_path, agency, service, desk: Desk):
    with filled(tmp_path, agency, "A") as outbox:
        desk.key = ServiceKey.generate()  # the answers are still signed by the service's key
        tally = deliver(outbox, connect)
        assert (tally.delivered, outbox.count("waiting")) == (0, 1)


def test_entering_twice_keeps_one(tmp_path, agency: Profile):
    record = signed(agency, "A")
    with filled(tmp_path, agency) as outbox:
        assert outbox.add(record, "x") == outbox.add(record, "x")
        assert outbox.count("waiting") == 1


def test_an_answer_lost_on_the_way_is_made_good_by_repetition(tmp_path, agency, service, desk: Desk):
    with filled(tmp_path, agency, "A", "B") as outbox:
        assert connect(str(agency.directory)).service_key
        service.tamper = lambda *_: None  # the desk accepts, the line breaks before the answer
        assert deliver(outbox, connect, clock=lambda: 0.0).postponed == 2
        assert len(desk.accepted) == 2
        service.tamper = None
        assert deliver(outbox, connect, clock=lambda: 100.0).delivered == 2


def test_two_processes_do_not_send_at_once(tmp_path, agency: Profile):
    with filled(tmp_path, agency, "A") as first, Outbox.open(tmp_path / "outbox.db") as second:
        with first.sending(), pytest.raises(OutboxBusy, match="Another process"):
            deliver(second, connect)
        with second.sending():
            pass


KILLED_WHILE_SENDING = """
import os, signal, sys
from sarhad import Client, Profile
from sarhad.keys import b64url_decode
from sarhad.outbox import Outbox, deliver
from pathlib import Path

class Killed(Client):
    def submit_batch(self, records, **options):
        verdicts = list(super().submit_batch(records, **options))
        os.kill(os.getpid(), signal.SIGKILL)  # accepted by the service, not yet written down here

deliver(Outbox.open(Path(sys.argv[1])), lambda sender: Killed(Profile.load(sender)))
"""


def test_kill_nine_between_answer_and_note_loses_and_doubles_nothing(tmp_path, agency, service, desk: Desk):
    filled(tmp_path, agency, *"ABCDE").close()
    path = tmp_path / "outbox.db"
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-c", KILLED_WHILE_SENDING, str(path)], env=os.environ, timeout=60, check=False
        )
        assert ended.returncode == -signal.SIGKILL
    with Outbox.open(path) as outbox:
        assert outbox.count("waiting") == 5
        assert deliver(outbox, connect).delivered == 5
    assert set(desk.accepted) == set("ABCDE")


def test_a_missing_key_postpones_and_says_so(tmp_path, agency: Profile):
    with filled(tmp_path, agency, "A") as outbox:
        (agency.directory / agency.request_key).unlink()
        tally = deliver(outbox, connect)
        assert tally.postponed == 1
        assert "Cannot read the key" in tally.faults[0]
