"""Signed reports in and reads out, through the proxy, while the database's leader is killed and comes back."""

import itertools
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
from sarhad import Client, PrivateKey, Profile
from sarhad.records import issue, item, seizure

from deploy.ha.lab import NODES, READY_SECONDS, Lab

WRITERS = 2
BEFORE, AFTER = 8.0, 8.0


class Caller(Thread):
    """Repeats one act until told to stop; a failed one is done again, the same bytes. `answered` has the moments."""

    def __init__(self, demo: Path, agency: str, *, writes: bool, stop: Event) -> None:
        super().__init__(daemon=True)
        self._profile = Profile.load(demo / agency)
        self._client = Client(self._profile, purpose="operational")
        self._agency, self._writes, self._stop_asked = agency, writes, stop
        self.answered: list[float] = []
        self.acknowledged: list[str] = []
        self.failed: Counter[str] = Counter()

    def run(self) -> None:
        key = self._profile.load_record_key()
        (found,) = self._client.resolve_substances(["Heroin"])
        while not self._stop_asked.is_set():
            signed = self._sign(key, found["code"])
            while not self._stop_asked.is_set() and not self._act(signed):
                self._stop_asked.wait(0.1)

    def _sign(self, key: PrivateKey, substance: str) -> str:
        return issue(
            key,
            seizure(
                self._agency,
                reference=f"HA-{time.time_ns()}",
                country="KZ",
                instant="2026-03-14T04:20:00+05:00",
                items=[item(substance, "heroin", "1.5", "kg", status="PRES")],
            ),
        )

    def _act(self, signed: str) -> bool:
        try:
            if self._writes:
                self.acknowledged.append(self._client.submit(signed).id)
            else:
                self._client.get(self.acknowledged[0])
        except Exception as fault:
            self.failed[type(fault).__name__] += 1
            return False
        self.answered.append(time.monotonic())
        return True


def measure() -> dict[str, Any]:
    """Gaps in seconds from one answer to the next; records that were acknowledged and are not there, or are twice."""
    lab = Lab()
    lab.up()
    stop = Event()
    writers = [Caller(lab.directory / "demo", "KZ-CUS", writes=True, stop=stop) for _ in range(WRITERS)]
    reader = Caller(lab.directory / "demo", "KZ-CUS", writes=False, stop=stop)
    for writer in writers:
        writer.start()
    _await(lambda: bool(writers[0].acknowledged))
    reader.acknowledged = writers[0].acknowledged[:1]
    reader.start()
    time.sleep(BEFORE)
    (old,) = (m["name"] for m in lab.members() if m["role"] == "leader")
    print(f"killing {old}: Patroni and PostgreSQL, with SIGKILL", flush=True)
    killed = time.monotonic()
    lab.kill_node(old)
    _await(
        lambda: all(w.answered and w.answered[-1] > killed + 2 for w in [*writers, reader]) and _new_leader(lab, old)
    )
    lab.start_node(old)  # the old leader returns
    _await(lambda: len(lab.members("streaming")) == len(NODES) - 1)
    time.sleep(AFTER)
    stop.set()
    for caller in [*writers, reader]:
        caller.join(120)
    acknowledged = [record for writer in writers for record in writer.acknowledged]
    with psycopg.connect(lab.environment()["SARHAD_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT record_id::text, reference FROM core.report").fetchall()
    consistent = subprocess.run(
        [str(Path(sys.executable).with_name("sarhad")), "fsck"], env=lab.environment(), check=False
    ).returncode
    references = Counter(reference for _, reference in rows)
    return {
        "fault": "leader killed",
        "acked": len(acknowledged),
        "acked_lost": len(set(acknowledged) - {record for record, _ in rows}),
        "duplicated": sum(number - 1 for number in references.values()),
        "consistent": consistent == 0,
        "write_gap_s": round(_gap([moment for writer in writers for moment in writer.answered]), 1),
        "read_gap_s": round(_gap(reader.answered), 1),
        "failed": dict(sum((caller.failed for caller in [*writers, reader]), Counter[str]())),
    }


def _gap(moments: list[float]) -> float:
    ordered = sorted(moments)
    return max(later - earlier for earlier, later in itertools.pairwise(ordered))


def _new_leader(lab: Lab, old: str) -> bool:
    return any(m["role"] == "leader" and m["name"] != old for m in lab.members())


def _await(holds: Any) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {READY_SECONDS} s")
        time.sleep(0.2)
