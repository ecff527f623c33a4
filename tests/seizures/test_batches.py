"""Many records in one request: a verdict for each line, all or none where asked, and never half of a body."""

import gzip
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sarhad.records import issue, item

from service.seizures.batch import CHUNK
from tests.exchange import Exchange, heroin
from tests.seizures.wiring import NDJSON, Agency, line, refusal, statuses, stored, verdicts
from tests.signing.wire import Reply, Wire, send, sign

BAD = {
    b"": (400, "malformed-line", ""),
    b"\r": (400, "malformed-line", ""),
    b"no json": (400, "malformed-line", ""),
    b"[]": (400, "malformed-line", "/record"),
    b'{"record":1}': (400, "malformed-line", "/record"),
    b'{"record":"a","extra":1}': (400, "malformed-line", "/record"),
    b'{"record":"a","record":"b"}': (400, "malformed-line", ""),
    b'{"record":"a\\u0000"}': (400, "malformed-line", ""),
    b'{"record":"\\ud800"}': (400, "malformed-line", ""),
    b'{"record":NaN}': (400, "malformed-line", ""),
    b'\xef\xbb\xbf{"record":"a"}': (400, "malformed-line", ""),
    b'{"record":' + b"[" * 100_000 + b"]" * 100_000 + b"}": (413, "record-too-large", None),
    b'{"record":' + b"[" * 30_000 + b"]" * 30_000 + b"}": (400, "malformed-line", ""),
    b'{"record":"' + b"A" * 70_000 + b'"}': (413, "record-too-large", None),
    '{"record":"запись"}'.encode(): (400, "malformed-record", ""),
    b'{"record":"a.b.c~"}': (400, "malformed-record", "/payload"),
    b'{"record":"not a record"}': (400, "malformed-record", ""),
}


def test_a_bad_line_never_harms_a_good_one(customs: Agency) -> None:
    before = stored(customs.exchange.settings)
    faulty = customs.report(items=[item(None, "stardust", "1", "kg")])
    entries = [piece for bad in BAD for piece in (line(customs.report()).encode(), bad)]
    lines, summary = verdicts(customs.batch([*entries, line(faulty), line(customs.report())]))
    assert statuses(lines)[: 2 * len(BAD) : 2] == [201] * len(BAD)
    for verdict, (status, problem, pointer) in zip(lines[1 : 2 * len(BAD) : 2], BAD.values(), strict=True):
        document = verdict["problem"]
        assert (verdict["status"], document["type"]) == (status, f"/problems/{problem}"), verdict
        assert document.get("pointer") == pointer, verdict
        assert "receipt" not in verdict
    assert lines[-2]["problem"]["pointer"] == "/items/0/reported/substance"
    good = len(BAD) + 1
    assert summary == {"accepted": good, "duplicates": 0, "refused": len(BAD) + 1, "committed": True}
    after = stored(customs.exchange.settings)
    assert (after.reports, after.leaves) == (before.reports + good, before.leaves + good)


@pytest.mark.usefixtures("nothing_stored")
def test_an_atomic_batch_with_one_refusal_leaves_nothing_and_promises_nothing(customs: Agency) -> None:
    good = [line(customs.report()) for _ in range(3)]
    lines, summary = verdicts(customs.batch([*good, good[0], b"no json"], atomic="true"))
    assert statuses(lines) == [201, 201, 201, 200, 400]
    assert summary == {"accepted": 3, "duplicates": 1, "refused": 1, "committed": False}
    assert not any("receipt" in verdict for verdict in lines)


def test_an_atomic_batch_without_refusals_is_kept_whole(customs: Agency) -> None:
    before = stored(customs.exchange.settings)
    lines, summary = verdicts(customs.batch([line(customs.report()) for _ in range(3)], atomic="true"))
    assert (statuses(lines), summary["committed"]) == ([201] * 3, True)
    assert all(verdict["receipt"] for verdict in lines)
    assert stored(customs.exchange.settings).leaves == before.leaves + 3


def test_an_atomic_batch_is_whole_across_its_chunks(customs: Agency) -> None:
    """The refusal comes after a whole chunk was filed."""
    before = stored(customs.exchange.settings)
    many = [line(customs.report(reference=f"A-{time.time_ns()}-{n}")) for n in range(CHUNK + 5)]
    lines, summary = verdicts(customs.batch([*many, b"{}"], atomic="true"))
    assert (summary["accepted"], summary["refused"], summary["committed"]) == (CHUNK + 5, 1, False)
    assert stored(customs.exchange.settings) == before
    lines, summary = verdicts(customs.batch(many, atomic="true"))
    assert (set(statuses(lines)), summary["committed"]) == ({201}, True)


@pytest.mark.usefixtures("nothing_stored")
def test_a_dry_run_judges_and_files_nothing(customs: Agency) -> None:
    good = line(customs.report())
    lines, summary = verdicts(customs.batch([good, b"no json", good], dry_run="true"))
    assert statuses(lines) == [201, 400, 200]
    assert lines[0]["derived"]["items"]
    assert not any("receipt" in verdict for verdict in lines)
    assert summary == {"accepted": 1, "duplicates": 1, "refused": 1, "committed": False}


def test_repeats_and_rivals_inside_one_batch(customs: Agency) -> None:
    reference = f"R-{time.time_ns()}"
    one, other = customs.report(reference=reference), customs.report(reference=reference)
    lines, summary = verdicts(customs.batch(map(line, [one, one, other, one])))
    assert statuses(lines) == [201, 200, 409, 200]
    assert lines[0]["receipt"] == lines[1]["receipt"] == lines[3]["receipt"]
    assert lines[2]["problem"]["type"] == "/problems/duplicate-reference"
    again, summary = verdicts(customs.batch(map(line, [one, other])))
    assert (statuses(again), again[0]["receipt"]) == ([200, 409], lines[0]["receipt"])
    assert summary == {"accepted": 0, "duplicates": 1, "refused": 1, "committed": True}


def test_exact_duplicates_inside_one_batch_are_flagged_and_kept(customs: Agency) -> None:
    text = {"text": f"Load {time.time_ns()}.", "language": "en"}
    records = [customs.report(reference=f"D-{n}-{time.time_ns()}", narrative=text) for n in range(3)]
    lines, _ = verdicts(customs.batch(map(line, records)))
    assert statuses(lines) == [201] * 3
    flagged = [[warning["type"] for warning in verdict["warnings"]] for verdict in lines]
    assert flagged == [[], ["/warnings/possible-duplicate"], ["/warnings/possible-duplicate"]]


def test_lines_may_end_with_carriage_returns(customs: Agency) -> None:
    lines, _ = verdicts(customs.batch([line(customs.report()) + "\r", line(customs.report()) + "\r"]))
    assert statuses(lines) == [201, 201]


def test_the_last_line_needs_no_line_feed(customs: Agency) -> None:
    reply = customs.post(line(customs.report()), "/v1/batches", NDJSON)
    assert statuses(verdicts(reply)[0]) == [201]


@pytest.mark.usefixtures("nothing_stored")
def test_another_agencys_lines_are_refused_one_by_one(customs: Agency, neighbour: Agency) -> None:
    forged = issue(customs.record_key, heroin("KG-CUS"))
    lines, _ = verdicts(customs.batch(map(line, [neighbour.report(), forged])))
    assert [(verdict["status"], verdict["problem"]["type"]) for verdict in lines] == [
        (403, "/problems/foreign-record"), (422, "/problems/record-key-unknown"),
    ]  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
def test_more_lines_than_allowed_are_refused_together(customs: Agency) -> None:
    limit = customs.exchange.settings.batch_max_lines
    reply = customs.batch([line(customs.report()), *[b"x"] * limit])
    assert refusal(reply) == (413, "too-many-lines", None)
    assert reply.json()["limit"] == limit == 50_000


@pytest.mark.usefixtures("nothing_stored")
def test_an_empty_batch_and_other_types_are_refused(customs: Agency) -> None:
    assert refusal(customs.post(b"", "/v1/batches", NDJSON)) == (400, "empty-batch", None)
    assert refusal(customs.post(b"{}", "/v1/batches", "application/json"))[:2] == (415, "unsupported-media-type")


@pytest.mark.usefixtures("nothing_stored")
def test_a_misspelt_option_files_nothing(customs: Agency) -> None:
    for options in ({"dryrun": "true"}, {"Atomic": "true"}, {"atomic": "perhaps"}):
        assert refusal(customs.batch([line(customs.report())], **options))[:2] == (422, "invalid-request")


def request_of(customs: Agency, body: bytes, **more: str) -> Wire:
    origin = customs.exchange.settings.origin
    return sign(customs.request_key, origin, "POST", "/v1/batches", body, content_type=NDJSON, **more)


@pytest.mark.usefixtures("nothing_stored")
def test_a_compressed_body_is_refused(customs: Agency) -> None:
    wire = request_of(customs, gzip.compress(line(customs.report()).encode()))
    status, problem, _ = refusal(send(customs.exchange.settings.origin, wire.and_header("content-encoding", "gzip")))
    assert (status, problem) == (415, "content-encoding-refused") or status in {400, 415}


@pytest.mark.usefixtures("nothing_stored")
def test_a_body_that_is_not_the_one_signed_is_refused(customs: Agency) -> None:
    wire = request_of(customs, (line(customs.report()) + "\n").encode() * 2)
    shorter = Wire(wire.method, wire.target, wire.headers, wire.body[: len(wire.body) // 2], wire.url)
    assert refusal(send(customs.exchange.settings.origin, shorter))[:2] == (400, "digest-mismatch") or (
        refusal(send(customs.exchange.settings.origin, shorter))[1] == "signature-refused"
    )


def cut(customs: Agency, body: bytes, at: int) -> None:
    """Send the head and `at` bytes of the body, then reset the connection."""
    wire = request_of(customs, body)
    where = urlsplit(customs.exchange.settings.origin)
    head = [f"POST {wire.target} HTTP/1.1", *(f"{name}: {value}" for name, value in wire.headers)]
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body[:at])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass  # until the service has given up too


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_a_body_cut_off_in_mid_stream_leaves_nothing(customs: Agency, part: float) -> None:
    body = "".join(line(customs.report(reference=f"C-{time.time_ns()}-{n}")) + "\n" for n in range(300)).encode()
    cut(customs, body, int(len(body) * part))
    assert customs.search(reference="nothing here") == []  # and it goes on answering


@pytest.mark.usefixtures("nothing_stored")
def test_a_body_cut_off_at_a_line_is_not_taken_for_a_shorter_batch(customs: Agency) -> None:
    entry = (line(customs.report()) + "\n").encode()
    cut(customs, entry + (line(customs.report()) + "\n").encode(), len(entry))
    assert customs.search(reference="nothing here") == []


def workers(exchange: Exchange) -> Iterator[Path]:
    """The /proc folders of the service's processes."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if os.getpgid(int(stat.parent.name)) == exchange.process.pid:
                yield stat.parent
        except (ProcessLookupError, ValueError):
            continue


def peak_mb(exchange: Exchange) -> float:
    """The highest resident memory that any process of the service has had, in MB."""
    peaks = []
    for process in workers(exchange):
        fields = dict(row.split(":", 1) for row in (process / "status").read_text().splitlines())
        peaks.append(int(fields["VmHWM"].split()[0]) / 1024)
    return max(peaks)


def test_eight_thousand_lines_stay_below_300_mb(exchange: Exchange) -> None:
    """The peak of a new worker; `tests/bench` measures fifty thousand."""
    alone = Exchange.start(exchange.settings, exchange.region, workers=1)
    try:
        customs = Agency(alone, "TM-CUS")
        key, stamp, count = customs.record_key, time.time_ns(), 8_000
        entries = [line(issue(key, heroin("TM-CUS", reference=f"M-{stamp}-{number}"))) for number in range(count)]
        reply = _patiently(alone, request_of(customs, "\n".join(entries).encode()))
        last = json.loads(reply.body.rstrip().rsplit(b"\n", 1)[-1])["summary"]
        assert last == {"accepted": count, "duplicates": 0, "refused": 0, "committed": True}
        assert peak_mb(alone) < 300
    finally:
        alone.stop()


def _patiently(exchange: Exchange, wire: Wire) -> Reply:
    answer = httpx.post(
        exchange.settings.origin + wire.target, headers=list(wire.headers), content=wire.body, timeout=300
    )
    return Reply(answer.status_code, dict(answer.headers), answer.content)
