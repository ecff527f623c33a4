"""The books of the exchange: reports, their lines and the leaves of the log, compared with one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sarhad.transparency import committed_leaf
from sqlalchemy import Connection, create_engine, text

from service.settings import Settings
from tests.awaiting import eventually

_REPORTS = text("SELECT record_id, version, digest, log_salt, leaf_hash, receipt, reference FROM core.report")
_WITHOUT_LINES = text(
    "SELECT count(*) FROM core.report r WHERE kind = 'seizure' AND NOT EXISTS"
    " (SELECT FROM core.report_line l WHERE (l.record_id, l.version) = (r.record_id, r.version))"
)
_WITHOUT_REPORT = text(
    "SELECT count(*) FROM core.report_line l WHERE NOT EXISTS"
    " (SELECT FROM core.report r WHERE (l.record_id, l.version) = (r.record_id, r.version))"
)
_LEAVES = text("SELECT entry, leaf_hash FROM core.log_leaf WHERE log = 'records' ORDER BY index")
_WAITING = text("SELECT count(*) FROM core.log_pending WHERE log = 'records'")
# A sequence is not part of any transaction: it tells how far an uncommitted batch has come.
_PROGRESS = text("SELECT last_value FROM core.log_pending_id_seq")


@dataclass(frozen=True)
class Books:
    """Everything that is stored, once no leaf waits any more. `receipts` is by reference."""

    receipts: dict[str, str]
    digests: dict[str, bytes]


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    engine = create_engine(settings.database_as(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def progress(connection: Connection) -> int:
    """How many leaves were ever asked for, in transactions that may not have ended."""
    return int(connection.scalar(_PROGRESS) or 0)


def balanced(settings: Settings) -> Books:
    """Wait until the log has merged, for as long as a receipt promises at most, and compare everything.

    Fails where a report has no leaf or no line, or a leaf or line no report.
    """
    with connected(settings) as connection:
        eventually(lambda: not connection.scalar(_WAITING), settings.merge_delay_seconds)  # as the receipts promise
        reports = connection.execute(_REPORTS).all()
        leaves = connection.execute(_LEAVES).all()
        assert connection.scalar(_WITHOUT_LINES) == 0
        assert connection.scalar(_WITHOUT_REPORT) == 0
    for leaf in leaves:
        assert sha256(b"\0" + bytes(leaf.entry)).digest() == bytes(leaf.leaf_hash)
    recomputed = [committed_leaf(bytes(r.log_salt), bytes(r.digest)) for r in reports]
    assert recomputed == [bytes(report.leaf_hash) for report in reports]
    assert sorted(recomputed) == sorted(bytes(leaf.leaf_hash) for leaf in leaves)
    return Books(
        receipts={report.reference: report.receipt for report in reports},
        digests={report.reference: bytes(report.digest) for report in reports},
    )


def check_receipts(books: Books, references: list[str], verdicts: list[dict[str, Any]]) -> None:
    """Every acknowledged line is there once, under the receipt that was handed out."""
    assert len(set(references)) == len(references) == len(verdicts)
    for reference, verdict in zip(references, verdicts, strict=True):
        assert verdict["status"] in {200, 201}, verdict
        assert books.receipts[reference] == verdict["receipt"]
