"""Every role at once for a long time: at what rate, with which faults, whether memory grows and the log keeps its word.

Callers ask at a fixed pace each, and a wait is counted from when a question was due, not from when it could be asked.
They are added step by step until the 95th percentile passes the limit; the last number below it then goes on for
`--seconds`. They run on the same cores as the service and its database.

Memory is sampled all along: the service's processes and its jobs' by what is theirs alone (USS), PostgreSQL's by what
is not shared (Pss_Anon). The slope is that of least squares after a warm-up; beside it stands twice its standard error.
"""

import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import psycopg
from sarhad import Client, PrivateKey
from sarhad.analyses import issue_reviewed
from sarhad.keys import b64url_decode
from sarhad.records import issue, read
from sarhad.transparency import LogKey, open_receipt, parse_inclusion, verify_receipt_bundle
from sarhad.witness import Witness
from sqlalchemy.engine import make_url

from service.settings import Settings
from tests.analyses.laboratory import heroin_found
from tests.awaiting import eventually
from tests.benchmarks.records import full, signed
from tests.exchange import Exchange, Region

LIMIT_MS = 250.0
PACE = 0.25  # s between two questions of a caller
STEP, STEP_SECONDS = 4, 10.0  # callers added at a time, and how long they are watched
MOST_CALLERS = 96
WARM_UP = 0.25  # of the time: pools, plans and caches are filled
SAMPLE_SECONDS = 2.0
OWNERS = ("KZ-CUS", "UZ-CUS", "TJ-CUS")
RULE = {
    "id": "partners", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport"], "time": "day", "place": "cell",
}  # fmt: skip

Act = Callable[[random.Random], object]


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    exchange = Exchange.start(settings, region, workers=len(os.sched_getaffinity(0)), SARHAD_JOBS="true")
    try:
        people = _People(exchange, rows or 20_000)
        callers = _highest(people)
        print(f"{callers} callers for {seconds:.0f} s", file=sys.stderr, flush=True)
        with _Memory(exchange) as memory, _Auditor(people) as auditor:
            load = _Load(people, callers)
            load.run_for(seconds)
        auditor.finish()
        people.close()
        return {
            "callers": callers, "seconds": round(load.seconds), **load.figures(), **memory.figures(),
            **auditor.figures(), **_counted(exchange, people),
        }  # fmt: skip
    finally:
        exchange.stop()


class _People:
    """Those who ask, what each of them does, and what they were told."""

    def __init__(self, exchange: Exchange, rows: int) -> None:
        self.exchange = exchange
        for owner in OWNERS:
            exchange.adopt(owner[:2], RULE)
        filed = {owner: self._file_before(owner, rows // len(OWNERS)) for owner in OWNERS}
        everywhere = [record for records in filed.values() for record in records]
        (heroin,) = exchange.client("KG-DCA", "analysis").resolve_substances(["Heroin"])
        reviewer = exchange.region.profiles[exchange.add_holder("KZ-LAB/reviewer")].load_record_key()
        self.told: deque[tuple[str, str]] = deque()
        self.records: dict[str, str] = {}  # reference to the identifier that was acknowledged
        self._lock, self._number = Lock(), itertools.count(50_000_000)
        self._clients: list[Client] = []
        self.acts: list[Act] = [
            *(3 * [self._filing(owner) for owner in OWNERS]),
            *(2 * [self._examining("KZ-LAB", reviewer)]),
            *(2 * [self._reading("KZ-CUS", filed["KZ-CUS"])]),
            *(4 * [self._asking("KG-DCA", lambda client, _: client.search(substance=heroin["code"], limit=20))]),
            *(3 * [self._reading("KG-DCA", everywhere)]),
            *(4 * [self._asking("KG-DCA", lambda client, _: client.trends(by="month,substance"))]),
            *(2 * [self._asking("KG-DCA", lambda client, _: client.flows(from_="2024-01", to="2025-01"))]),
            self._asking("KZ-DCA/policy", lambda client, _: client.get_policy("KZ")),
            self._asking("KZ-DCA/policy", lambda client, _: client.statement("KZ", limit=20)),
            self._asking("KZ-DCA/admin1", lambda client, _: client.keys()),
            self._asking("KG-DCA/auditor", lambda client, _: client.readings(limit=20)),
            self._asking("UZ-DCA", lambda client, _: client.inbox()),
            self._asking("UZ-DCA", lambda client, _: client.checkpoint()),
        ]

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _file_before(self, owner: str, rows: int) -> list[str]:
        records = signed(self.exchange.region.profiles[owner], owner, 0, rows)
        verdicts = list(self.exchange.client(owner).submit_batch(records))
        return [verdict.receipt.id for verdict in verdicts if verdict.receipt is not None]

    def _client(self, name: str) -> Client:
        client = Client(
            service=self.exchange.settings.origin,
            key=self.exchange.region.profiles[name].load_request_key(),
            purpose=None if "/" in name else "analysis",
        )
        self._clients.append(client)
        return client

    def _asking(self, name: str, ask: Callable[[Client, random.Random], object]) -> Act:
        client = self._client(name)
        return lambda chance: ask(client, chance)

    def _reading(self, name: str, records: Sequence[str]) -> Act:
        return self._asking(name, lambda client, chance: client.get(chance.choice(records)))

    def _filing(self, agency: str) -> Act:
        client, key = self._client(agency), self.exchange.region.profiles[agency].load_record_key()

        def act(chance: random.Random) -> None:
            record = full(agency, next(self._number), chance)
            self._file(client, record.facets["reference"], issue(key, record))

        return act

    def _examining(self, agency: str, reviewer: PrivateKey) -> Act:
        client, key = self._client(agency), self.exchange.region.profiles[agency].load_record_key()

        def act(chance: random.Random) -> None:
            record = heroin_found(agency, reference=f"SOAK-{next(self._number)}")
            self._file(client, record.facets["reference"], issue_reviewed(key, reviewer, record))

        return act

    def _file(self, client: Client, reference: str, record: str) -> None:
        receipt = client.submit(record)
        with self._lock:
            self.records[reference] = receipt.id
            self.told.append((record, receipt.receipt))


@dataclass
class _Load:
    """So many callers, each at its pace."""

    people: _People
    callers: int
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)  # ms, from when it was due
    faults: Counter[str] = field(default_factory=Counter)

    def run_for(self, seconds: float) -> None:
        began = time.monotonic()
        threads = [Thread(target=self._call, args=(n, began, began + seconds)) for n in range(self.callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.monotonic() - began

    def _call(self, number: int, began: float, end: float) -> None:
        chance = random.Random(number)
        due = began + PACE * number / self.callers
        while due < end:
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                chance.choice(self.people.acts)(chance)
            except Exception as fault:
                self.faults[str(fault)[:200]] += 1
            self.waits.append((time.monotonic() - due) * 1000)
            due += PACE

    def p95_ms(self) -> float:
        return statistics.quantiles(self.waits, n=20)[18]

    def figures(self) -> dict[str, Any]:
        return {
            "requests_per_s": round(len(self.waits) / self.seconds, 1), "errors": self.faults.total(),
            "p50_ms": round(statistics.median(self.waits), 1), "p95_ms": round(self.p95_ms(), 1),
            "faults": dict(self.faults),
        }  # fmt: skip


def _highest(people: _People) -> int:
    """The most callers whose 95th percentile stays below the limit."""
    _Load(people, STEP).run_for(STEP_SECONDS)  # the first of everything is slow
    for callers in range(STEP, MOST_CALLERS + 1, STEP):
        load = _Load(people, callers)
        load.run_for(STEP_SECONDS)
        print(json.dumps({"callers": callers, **load.figures()}), file=sys.stderr, flush=True)
        if load.p95_ms() >= LIMIT_MS:
            if callers == STEP:
                raise RuntimeError(f"{callers} callers are too many already")
            return callers - STEP
    return MOST_CALLERS


class _Background:
    """Something done again and again while the block runs."""

    pause = SAMPLE_SECONDS

    def __enter__(self) -> Any:
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.pause):
            self.step()

    def step(self) -> None:
        raise NotImplementedError


class _Memory(_Background):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        url = make_url(exchange.settings.database_url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            self._postmaster = _parent(backend)
        self._samples: dict[str, list[tuple[float, float]]] = {"worker": [], "database": []}

    def step(self) -> None:
        now = time.monotonic()
        for name, root, what in (
            ("worker", self._exchange.process.pid, ("Private_Clean", "Private_Dirty")),
            ("database", self._postmaster, ("Pss_Anon",)),
        ):
            self._samples[name].append((now, sum(_mb(pid, what) for pid in _family(root))))

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, samples in self._samples.items():
            slope, error = _slope(samples[int(len(samples) * WARM_UP) :])
            found |= {
                f"{name}_mb": round(samples[-1][1]), f"{name}_mb_per_hour": round(slope, 1),
                f"{name}_mb_per_hour_noise": round(2 * error, 1),
            }  # fmt: skip
        return found


class _Auditor(_Background):
    """Holds the log to its promises: what a receipt says is proven when it is due, and every checkpoint continues."""

    pause = 0.1

    def __init__(self, people: _People) -> None:
        self._people, self._exchange = people, people.exchange
        self._client = people.exchange.client("UZ-DCA", "analysis")
        self._owners = {code: people.exchange.client(code) for code in (*OWNERS, "KZ-LAB")}
        self._log_key = LogKey(self._client.service()["logs"]["records"], self._client.service_key.key)  # type: ignore[arg-type]
        directory = people.exchange.region.profiles["UZ-DCA"].directory / "witness"
        self._witness = Witness(directory, self._log_key, "soak", PrivateKey.generate())
        self._broken: Counter[str] = Counter()
        self._proven = self._checkpoints = 0

    def step(self) -> None:
        """Of the receipts that came due in the meantime one is proven; `fsck` reads all of them in the end."""
        self._watch()
        due = []
        while self._people.told and self._due(self._people.told[0][1]):
            due.append(self._people.told.popleft())
        if due:
            self._prove(*due[0])

    def finish(self) -> None:
        """The last receipt too, when it is due."""
        eventually(lambda: self._due(self._people.told[-1][1]))
        self._prove(*self._people.told[-1])
        self._watch()

    def figures(self) -> dict[str, Any]:
        return {
            "receipts_proven": self._proven, "checkpoints_continued": self._checkpoints,
            "promise_broken": self._broken.total(), "broken": dict(self._broken),
        }  # fmt: skip

    def _due(self, receipt: str) -> bool:
        promise = open_receipt(receipt, self._client.service_key)
        return time.time() >= promise.iat + promise.mmd

    def _prove(self, record: str, receipt: str) -> None:
        claims = read(record)
        try:
            proof = self._owners[claims.payload["iss"]].proof(claims.payload["jti"], kind=claims.payload["kind"])
            verify_receipt_bundle(
                b64url_decode(claims.digest), receipt, parse_inclusion(proof), proof["checkpoint"],
                service_key=self._client.service_key, log_key=self._log_key,
            )  # fmt: skip
            self._proven += 1
        except Exception as fault:
            self._broken[str(fault)[:200]] += 1

    def _watch(self) -> None:
        def prove(old: int, new: int) -> list[bytes]:
            return [b64url_decode(value) for value in self._client.consistency("records", old, new)["path"]]

        try:
            self._witness.consider(self._client.checkpoint(), prove, time=int(time.time()), first=not self._checkpoints)
            self._checkpoints += 1
        except Exception as fault:
            self._broken[str(fault)[:200]] += 1


def _counted(exchange: Exchange, people: _People) -> dict[str, Any]:
    """What was acknowledged and is not there, what is there twice, and whether everything verifies again."""
    url = make_url(exchange.settings.database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        rows = connection.execute("SELECT agency, reference, record_id::text FROM core.report").fetchall()
    stored = {(reference, record) for _, reference, record in rows}
    told = {"DATABASE_URL": exchange.settings.database_url, "STATE_DIR": str(exchange.settings.state_dir),
            "ORIGIN": exchange.settings.origin}  # fmt: skip
    environment = os.environ | {f"SARHAD_{name}": value for name, value in told.items()}
    sarhad = str(Path(sys.executable).with_name("sarhad"))
    fsck = subprocess.run([sarhad, "fsck"], env=environment, stdout=sys.stderr, check=False)
    return {
        "acked": len(people.records),
        "acked_lost": sum(pair not in stored for pair in people.records.items()),
        "duplicated": len(rows) - len({(agency, reference) for agency, reference, _ in rows}),
        "consistent": fsck.returncode == 0,
    }


def _slope(samples: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """MB in an hour by least squares, and the standard error of that."""
    moments, sizes = (np.array(column) for column in zip(*samples, strict=True))
    (slope, _), covariance = np.polyfit(moments / 3600, sizes, 1, cov=True)
    return float(slope), float(covariance[0][0] ** 0.5)


def _family(root: int) -> Iterator[int]:
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _family(int(child))


def _mb(pid: int, names: Sequence[str]) -> float:
    """Of a process that may have ended: nothing."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in names) / 1024


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split("PPid:")[1].split()[0])
