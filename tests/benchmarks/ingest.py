"""Signed records in: batches against mere verification, against COPY, and with facets sealed; single posts."""

import http.client
import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import psycopg
from sarhad import PrivateKey, Profile, PublicKey
from sarhad.signing import sign_request
from sqlalchemy.engine import make_url

from service.records import sdjwt
from service.records.sealing import make
from service.settings import Settings
from service.signing import public_key
from tests.benchmarks.records import signed
from tests.exchange import Exchange, Region

AGENCIES = ("KZ-CUS", "UZ-CUS")
CLIENTS = 8
SINGLES = 4_000


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 50_000
    profiles = [region.profiles[agency] for agency in AGENCIES]
    print(f"signing {2 * rows + SINGLES} records", flush=True)
    with ProcessPoolExecutor(2) as pool:
        first, second, singles = pool.map(
            signed,
            [*profiles, profiles[0]],
            [*AGENCIES, AGENCIES[0]],
            [0, 0, 20_000_000],
            [rows, rows, SINGLES],
        )
    print("verifying in memory, one process", flush=True)
    verified = _verify_rate(first[:20_000], profiles[0].load_record_key().public)
    exchange = Exchange.start(settings, region, workers=len(os.sched_getaffinity(0)))
    try:
        print(f"one batch of {rows} lines from each of two agencies, at once", flush=True)
        batched = _batch_rate(exchange, [first, second])
        peak = max(_peak_mb(pid) for pid in _workers(exchange))
        print("COPY of the same rows into the same tables", flush=True)
        copied = _copy_rate(settings)
        print(f"single posts, {CLIENTS} clients", flush=True)
        single, empty = _posts(exchange, singles, seconds)
        print("batches with sensitive facets sealed and in clear, in turns", flush=True)
        sealed = _sealed_over_clear(exchange, profiles, max(rows // 10, 1))
    finally:
        exchange.stop()
    return {
        "rows": 2 * rows,
        "record_bytes": round(statistics.mean(map(len, first))),
        "batch_records_per_s": round(batched),
        "verify_records_per_s": round(verified),
        "copy_rows_per_s": round(copied),
        "batch_over_verify": round(batched / verified, 3),
        "batch_over_copy": round(batched / copied, 3),
        "sealed_over_clear": round(sealed, 3),
        "single_p50_ms": _percentile(single, 50),
        "single_p95_ms": _percentile(single, 95),
        "empty_p50_ms": _percentile(empty, 50),
        "empty_p95_ms": _percentile(empty, 95),
        "single_over_empty": round(_percentile(single, 95) / _percentile(empty, 95), 2),
        "worker_peak_mb": round(peak),
    }


def _verify_rate(records: Sequence[str], key: PublicKey) -> float:
    """Records a second, parsed, their signature and every disclosure verified, by this process alone."""
    verifier, _ = public_key(key.jwk)
    started = time.perf_counter()
    for record in records:
        sdjwt.parse(record).verify(verifier)
    return len(records) / (time.perf_counter() - started)


def _batch_rate(exchange: Exchange, batches: list[list[str]]) -> float:
    """Records a second from the first byte sent to the last verdict read."""
    bodies = [b"".join(b'{"record":"' + r.encode() + b'"}\n' for r in batch) for batch in batches]
    requests = [
        _request(exchange, agency, "/v1/batches", body, "application/x-ndjson")
        for agency, body in zip(AGENCIES, bodies, strict=True)
    ]
    connections = _one_a_worker(exchange)
    started = time.perf_counter()
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(_send, connections, requests))
    elapsed = time.perf_counter() - started
    accepted = 0
    for status, answer in answers:
        summary = orjson.loads(answer.splitlines()[-1])["summary"]
        if status != 200 or summary["refused"] or not summary["committed"]:
            raise RuntimeError(answer[:2000])
        accepted += summary["accepted"]
    return accepted / elapsed


def _sealed_over_clear(clear: Exchange, profiles: list[Profile], rows: int) -> float:
    """The rate of batches whose sensitive facets are sealed, against those where they are not."""
    settings, turns = clear.settings, 8
    for agency in AGENCIES:
        make(f"{agency[:2]}.key", settings.state_dir)
    keys = [{"country": agency[:2], "keys": [f"{agency[:2]}.key"]} for agency in AGENCIES]
    sealed = Exchange.start(
        settings, clear.region, workers=len(_workers(clear)), SARHAD_FACET_KEYS=orjson.dumps(keys).decode()
    )
    rates: dict[str, list[float]] = {"sealed": [], "clear": []}
    try:
        for turn in range(turns):
            for name, exchange in (("sealed", sealed), ("clear", clear)):
                start = 40_000_000 + (2 * turn + (name == "clear")) * rows
                batches = [signed(of, agency, start, rows) for of, agency in zip(profiles, AGENCIES, strict=True)]
                rates[name].append(_batch_rate(exchange, batches))
    finally:
        sealed.stop()
    return statistics.median(s / c for s, c in zip(rates["sealed"], rates["clear"], strict=True))


def _copy_rate(settings: Settings) -> float:
    """Rows a second of COPY into empty tables with the same columns and indexes, no verification, no log."""
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        count = connection.execute("SELECT count(*) FROM core.report").fetchone()
        connection.execute("CREATE SCHEMA bench")
        data = {}
        for table in ("report", "report_line"):
            connection.execute(f"CREATE TABLE bench.{table} (LIKE core.{table} INCLUDING ALL)")
            with connection.cursor().copy(f"COPY core.{table} TO STDOUT (FORMAT binary)") as copy:
                data[table] = [bytes(chunk) for chunk in copy]
        connection.commit()
        started = time.perf_counter()
        for table, chunks in data.items():
            with connection.cursor().copy(f"COPY bench.{table} FROM STDIN (FORMAT binary)") as copy:
                for chunk in chunks:
                    copy.write(chunk)
        connection.commit()
        elapsed = time.perf_counter() - started
        connection.execute("DROP SCHEMA bench CASCADE")
    return (count or (0,))[0] / elapsed


def _posts(exchange: Exchange, records: list[str], seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of single posts, and of signed posts that do nothing, in turns of one second, signed ahead."""
    turns = max(2, int(seconds / 2))
    each = min(len(records) // turns, 800)
    single: list[float] = []
    empty: list[float] = []
    for turn in range(turns):
        batch = [
            _request(exchange, AGENCIES[0], "/v1/seizures", record.encode(), "application/sd-jwt")
            for record in records[turn * each : (turn + 1) * each]
        ]
        idle = [
            _request(exchange, AGENCIES[0], "/v1/units/resolve", b'{"names":["kg"]}', "application/json") for _ in batch
        ]
        empty += _timed(exchange, idle, 200)
        single += _timed(exchange, batch, 201)
    return single, empty


def _timed(exchange: Exchange, requests: list[httpx.Request], expected: int) -> list[float]:
    def client(mine: list[httpx.Request]) -> list[float]:
        connection = _connection(exchange)
        times = []
        for request in mine:
            started = time.perf_counter()
            status, answer = _send(connection, request)
            times.append((time.perf_counter() - started) * 1000)
            if status != expected:
                raise RuntimeError(answer[:2000])
        return times

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [t for times in pool.map(client, [requests[n::CLIENTS] for n in range(CLIENTS)]) for t in times]


def _request(exchange: Exchange, agency: str, path: str, body: bytes, media_type: str) -> httpx.Request:
    request = httpx.Request("POST", exchange.settings.origin + path, content=body, headers={"content-type": media_type})
    key: PrivateKey = exchange.region.profiles[agency].load_request_key()
    sign_request(request, key)
    return request


def _connection(exchange: Exchange) -> http.client.HTTPConnection:
    address = urlsplit(exchange.settings.origin)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> tuple[int, bytes]:
    connection.request(request.method, request.url.raw_path.decode(), request.content, dict(request.headers))
    response = connection.getresponse()
    return response.status, response.read()


def _one_a_worker(exchange: Exchange) -> list[http.client.HTTPConnection]:
    """A connection to each of two workers: which one accepts is the kernel's choice, so try until both did."""
    found: dict[int, http.client.HTTPConnection] = {}
    for _ in range(200):
        connection = _connection(exchange)
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        found.setdefault(_accepted_by(exchange, connection), connection)
        if len(found) == len(AGENCIES):
            return list(found.values())
    raise RuntimeError("one worker accepted every connection")


def _accepted_by(exchange: Exchange, connection: http.client.HTTPConnection) -> int:
    port = connection.sock.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote, inode = fields[1], fields[2], fields[9]
        if remote.endswith(f":{port:04X}") and local.endswith(f":{exchange.settings.port:04X}"):
            for pid in _workers(exchange):
                links = (os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
                if f"socket:[{inode}]" in links:
                    return pid
    raise RuntimeError("no worker holds the connection")


def _workers(exchange: Exchange) -> list[int]:
    children = Path(f"/proc/{exchange.process.pid}/task/{exchange.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _percentile(times: list[float], percent: int) -> float:
    return round(statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 2)
