"""Signed reports in and reads out, without end, against a rehearsal that something is done to; and the count of it."""

import itertools
import ssl
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg
from sarhad import Client, PrivateKey, Profile
from sarhad.records import issue, item, seizure

from deploy.ha.lab import Lab
from tests.awaiting import eventually

AGENCY = "KZ-CUS"
WRITERS = 2
PAUSE = 0.05  # s between two acts of a caller: the load is bounded


class Caller(Thread):
    """Repeats one act until told to stop; a failed one is done again, the same bytes. `answered` has the moments."""

    def __init__(self, lab: Lab, stop: Event) -> None:
        super().__init__(daemon=True)
        self._profile = Profile.load(lab.directory / "demo" / AGENCY)
        trusting = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=lab.certificate))
        self._client = Client(self._profile, purpose="operational", transport=trusting)
        self._stop_asked = stop
        self.answered: list[float] = []
        self.failed: Counter[str] = Counter()

    def act(self) -> None:
        raise NotImplementedError

    def attempt(self) -> bool:
        try:
            self.act()
        except Exception as fault:
            self.failed[type(fault).__name__] += 1
            return False
        self.answered.append(time.monotonic())
        return True

    def run(self) -> None:
        while not self._stop_asked.wait(PAUSE):
            self.attempt()


class Writer(Caller):
    """Files one report after the other; `acknowledged` has what it was told of each."""

    def __init__(self, lab: Lab, stop: Event) -> None:
        super().__init__(lab, stop)
        self.acknowledged: dict[str, str] = {}
        self._key: PrivateKey = self._profile.load_record_key()
        self._reference, self._signed = "", ""

    def run(self) -> None:
        (found,) = self._client.resolve_substances(["Heroin"])
        while not self._stop_asked.wait(PAUSE):
            self._reference = f"HA-{time.time_ns()}"
            self._signed = issue(
                self._key,
                seizure(
                    AGENCY,
                    reference=self._reference,
                    country="KZ",
                    instant="2026-03-14T04:20:00+05:00",
                    items=[item(found["code"], "heroin", "1.5", "kg", status="PRES")],
                ),
            )
            while not self.attempt() and not self._stop_asked.wait(PAUSE):
                pass

    def act(self) -> None:
        self.acknowledged[self._reference] = self._client.submit(self._signed).id


class Reader(Caller):
    """Reads one record again and again."""

    def __init__(self, lab: Lab, stop: Event, record: str) -> None:
        super().__init__(lab, stop)
        self._record = record

    def act(self) -> None:
        self._client.get(self._record)


class Load:
    """Two who write and one who reads, while the block runs; afterwards it is counted what became of it."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._stop = lab, Event()
        self._writers = [Writer(lab, self._stop) for _ in range(WRITERS)]
        self._callers: list[Caller] = [*self._writers]

    def __enter__(self) -> Self:
        for writer in self._writers:
            writer.start()
        eventually(lambda: all(writer.acknowledged for writer in self._writers))
        reader = Reader(self._lab, self._stop, next(iter(self._writers[0].acknowledged.values())))
        self._callers.append(reader)
        reader.start()
        self.await_answers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for caller in self._callers:
            caller.join(120 if kind is None else 1)

    def await_answers(self, number: int = 20, seconds: float = 300) -> None:
        """Each caller has had so many answers from now on."""
        wanted = [len(caller.answered) + number for caller in self._callers]
        eventually(lambda: all(len(c.answered) >= n for c, n in zip(self._callers, wanted, strict=True)), seconds)

    def count(self) -> dict[str, Any]:
        """What was acknowledged and is not there as it was, what is there twice; the longest silences in seconds."""
        acknowledged = {reference: record for w in self._writers for reference, record in w.acknowledged.items()}
        with psycopg.connect(self._lab.environment()["SARHAD_DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT reference, record_id::text FROM core.report").fetchall()
        stored = set(rows)
        failed = sum((caller.failed for caller in self._callers), Counter[str]())
        *_, reader = self._callers
        return {
            "acked": len(acknowledged),
            "acked_lost": sum(pair not in stored for pair in acknowledged.items()),
            "duplicated": len(rows) - len({reference for reference, _ in rows}),
            "write_gap_s": _gap([moment for writer in self._writers for moment in writer.answered]),
            "read_gap_s": _gap(reader.answered),
            "failed": dict(failed),
        }


def is_consistent(lab: Lab) -> bool:
    """`sarhad fsck` reads everything again and finds nothing."""
    command = [str(Path(sys.executable).with_name("sarhad")), "fsck"]
    return subprocess.run(command, env=lab.environment(), stdout=sys.stderr, check=False).returncode == 0


def _gap(moments: list[float]) -> float:
    ordered = sorted(moments)
    return round(max(later - earlier for earlier, later in itertools.pairwise(ordered)), 1)
