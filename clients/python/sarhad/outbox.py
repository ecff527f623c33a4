"""Store and forward for posts with bad links: records are signed and kept first, and sent when the line
allows.

One SQLite file. A record enters once and leaves `waiting` only for `delivered` or `dead`, in a transaction
with what the service said. Repeating a delivery is harmless (the service answers with the first receipt),
so a crash at any moment loses nothing. One process sends at a time: the sending lock dies with its process.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import orjson

from sarhad import receipts, records
from sarhad._client import Client
from sarhad.errors import ProblemError, SarhadError, ServiceUnreachable, UnverifiedResponse
from sarhad.keys import PublicKey
from sarhad.models import Receipt, Verdict
from sarhad.transparency import NotProven

BATCH = 500
FIRST_WAIT = 5.0  # seconds; doubles with every failure, up to an hour, plus or minus half
LONGEST_WAIT = 3600.0
# The sender or the line is at fault, not the record: it waits, with the problem shown.
_NOT_THE_RECORD = frozenset({401, 403, 408, 413, 415, 421, 425, 429})

_SCHEMA = """
CREATE TABLE IF NOT EXISTS letter (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  sender     TEXT NOT NULL,
  record_id  TEXT NOT NULL,
  version    INTEGER NOT NULL,
  reference  TEXT,
  record     TEXT,
  state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
  attempts   INTEGER NOT NULL DEFAULT 0,
  due        REAL NOT NULL DEFAULT 0,
  problem    TEXT,
  receipt    TEXT,
  UNIQUE (record_id, version)
);
CREATE INDEX IF NOT EXISTS letter_due ON letter (state, sender, due);
"""
_COLUMNS = "number, sender, record_id, version, reference, record, state, attempts, due, problem, receipt"


class OutboxBusy(SarhadError):
    """Another process is sending from this outbox."""


@dataclass(frozen=True)
class Letter:
    """One signed record and what became of it. `record` is emptied on delivery; `due` is seconds since
    1970.
    """

    number: int
    sender: str
    record_id: str
    version: int
    reference: str | None
    record: str | None
    state: str
    attempts: int
    due: float
    problem: str | None
    receipt: str | None

    @property
    def fault(self) -> ProblemError | None:
        """The last refusal or failure."""
        return ProblemError(orjson.loads(self.problem)) if self.problem else None


@dataclass
class Tally:
    """What a delivery did."""

    delivered: int = 0
    dead: int = 0
    postponed: int = 0
    faults: list[str] = field(default_factory=list)


class Outbox:
    """`with Outbox.open(path) as outbox`. Safe to use from several processes; not from several threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file, readable by its owner only."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what was entered survives a power cut
        connection.executescript(_SCHEMA)
        return cls(path, connection)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; waits for other processes."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Hold the right to send. Raises OutboxBusy while another process does."""
        beside = self.path.with_name(self.path.name + ".sending")
        lock = sqlite3.connect(beside, timeout=0, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
            yield
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault):
                raise
            raise OutboxBusy("Another process is sending from {path}.", path=self.path) from None
        finally:
            lock.close()

    def add(self, record: str, sender: str) -> int:
        """Enter one signed record; its number. Entering the same record again gives the same number."""
        read = records.read(record)
        identity = (read.payload["jti"], read.payload["ver"])
        self.connection.execute(
            "INSERT INTO letter (sender, record_id, version, reference, record) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (sender, *identity, read.facets.get("reference"), record),
        )
        found = self.connection.execute("SELECT number FROM letter WHERE record_id = ? AND version = ?", identity)
        return int(found.fetchone()[0])

    def letters(self, *states: str) -> Iterator[Letter]:
        """All letters, oldest first, or those in the given states."""
        chosen = states or ("waiting", "delivered", "dead")
        marks = ", ".join("?" * len(chosen))
        query = f"SELECT {_COLUMNS} FROM letter WHERE state IN ({marks}) ORDER BY number"
        for row in self.connection.execute(query, chosen):
            yield Letter(*row)

    def count(self, state: str) -> int:
        found = self.connection.execute("SELECT count(*) FROM letter WHERE state = ?", (state,))
        return int(found.fetchone()[0])

    def due(self, sender: str, now: float, limit: int = BATCH) -> list[Letter]:
        """Letters of one sender whose time has come."""
        query = (
            f"SELECT {_COLUMNS} FROM letter WHERE state = 'waiting' AND sender = ? AND due <= ? ORDER BY number LIMIT ?"
        )
        return [Letter(*row) for row in self.connection.execute(query, (sender, now, limit))]

    def senders(self) -> list[str]:
        query = "SELECT DISTINCT sender FROM letter WHERE state = 'waiting' ORDER BY sender"
        return [row[0] for row in self.connection.execute(query)]

    def next_due(self) -> float | None:
        """When the next letter may be tried, seconds since 1970; None when nothing waits."""
        found: tuple[float | None] = self.connection.execute(
            "SELECT min(due) FROM letter WHERE state = 'waiting'"
        ).fetchone()
        return found[0]

    def delivered(self, letter: Letter, receipt: Receipt) -> None:
        # The service holds the record now and the receipt proves it; keeping both would double every import.
        self.connection.execute(
            "UPDATE letter SET state = 'delivered', record = NULL, problem = NULL, receipt = ? WHERE number = ?",
            (orjson.dumps(receipt).decode(), letter.number),
        )

    def refused(self, letter: Letter, problem: ProblemError) -> None:
        """A dead letter: kept with its record until a person retries or drops it."""
        self.connection.execute(
            "UPDATE letter SET state = 'dead', attempts = attempts + 1, problem = ? WHERE number = ?",
            (orjson.dumps(problem.document).decode(), letter.number),
        )

    def postponed(self, letter: Letter, fault: SarhadError, now: float) -> None:
        document = fault.document if isinstance(fault, ProblemError) else {"title": str(fault)}
        wait = min(FIRST_WAIT * 2**letter.attempts, LONGEST_WAIT) * (0.5 + random.random())  # noqa: S311
        self.connection.execute(
            "UPDATE letter SET attempts = attempts + 1, due = ?, problem = ? WHERE number = ?",
            (now + wait, orjson.dumps(document).decode(), letter.number),
        )

    def retry(self, numbers: Iterable[int] = ()) -> int:
        """Make dead and postponed letters due at once: the given ones, or all. How many changed."""
        return self._change("UPDATE letter SET state = 'waiting', due = 0 WHERE state <> 'delivered'", numbers)

    def drop(self, numbers: Iterable[int]) -> int:
        """Forget undelivered letters for good. How many were dropped."""
        chosen = list(numbers)
        return self._change("DELETE FROM letter WHERE state <> 'delivered'", chosen) if chosen else 0

    def _change(self, statement: str, numbers: Iterable[int]) -> int:
        chosen = list(numbers)
        if chosen:
            statement += f" AND number IN ({', '.join('?' * len(chosen))})"
        return self.connection.execute(statement, chosen).rowcount


def deliver(
    outbox: Outbox,
    connect: Callable[[str], Client],
    *,
    clock: Callable[[], float] = time.time,
    settled: Callable[[Letter, Verdict], None] | None = None,
) -> Tally:
    """Send what is due, sender by sender, in batches. `connect` gives the client of a sender.

    A failure of line, service or key postpones that sender's letters, and so does a receipt that is not the
    service's for this very record; a refusal of a record makes a dead letter. Raises OutboxBusy when another
    process is sending.
    """
    tally = Tally()
    with outbox.sending():
        for sender in outbox.senders():
            try:
                with connect(sender) as client:
                    while letters := outbox.due(sender, clock()):
                        if not _deliver_batch(outbox, client, letters, tally, clock=clock, settled=settled):
                            break
            except SarhadError as fault:  # no client for this sender: a key or profile is missing
                letters = outbox.due(sender, clock(), limit=1_000_000)
                _postpone(outbox, letters, fault, clock, tally)
    return tally


def _deliver_batch(
    outbox: Outbox,
    client: Client,
    letters: list[Letter],
    tally: Tally,
    *,
    clock: Callable[[], float],
    settled: Callable[[Letter, Verdict], None] | None,
) -> bool:
    """Whether the line held: false ends the turn of this sender."""
    try:
        verdicts = _verdicts(client, letters)
        service_key = client.service_key
    except (ServiceUnreachable, UnverifiedResponse, ProblemError) as fault:
        _postpone(outbox, letters, fault, clock, tally)
        return False
    with outbox.transaction():
        for letter, verdict in zip(letters, verdicts, strict=True):
            _settle(outbox, letter, verdict, service_key, tally, now=clock())
            if settled is not None:
                settled(letter, verdict)
    return True


def _settle(
    outbox: Outbox, letter: Letter, verdict: Verdict, service_key: PublicKey, tally: Tally, *, now: float
) -> None:
    """Write down what the service said of one letter."""
    if verdict.receipt is not None:
        try:
            receipts.check(letter.record or "", verdict.receipt, service_key)
        except NotProven as fault:
            outbox.postponed(letter, SarhadError(f"Not taken as delivered. {fault}"), now)
            tally.postponed += 1
            tally.faults.append(f"Number {letter.number} is not taken as delivered. {fault}")
            return
        outbox.delivered(letter, verdict.receipt)
        tally.delivered += 1
    elif verdict.problem is not None and _is_final(verdict.problem):
        outbox.refused(letter, verdict.problem)
        tally.dead += 1
    else:
        outbox.postponed(letter, verdict.problem or SarhadError("no receipt"), now)
        tally.postponed += 1


def _verdicts(client: Client, letters: list[Letter]) -> list[Verdict]:
    texts = [letter.record or "" for letter in letters]
    if len(texts) > 1:
        return list(client.submit_batch(texts))
    try:
        receipt = client.submit(texts[0])
        return [Verdict(1, 201 if receipt.created else 200, receipt)]
    except ProblemError as problem:
        if not _is_final(problem):
            raise
        return [Verdict(1, problem.status, problem=problem)]


def _is_final(problem: ProblemError) -> bool:
    return 400 <= problem.status < 500 and problem.status not in _NOT_THE_RECORD


def _postpone(
    outbox: Outbox, letters: list[Letter], fault: SarhadError, clock: Callable[[], float], tally: Tally
) -> None:
    with outbox.transaction():
        for letter in letters:
            outbox.postponed(letter, fault, clock())
    tally.postponed += len(letters)
    tally.faults.append(str(fault))
