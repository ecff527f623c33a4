"""A log read again from its first leaf: every leaf, tile and checkpoint, and what it signed that is kept elsewhere."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, TextClause, text

from service.ledger.checkpoints import Checkpoint, parse, verify
from service.ledger.merkle import HASH_SIZE, TILE_WIDTH, CompactRange, TileId, leaf_hash
from service.ledger.models import Log

_LEAVES = text('SELECT "index", leaf_hash, entry FROM core.log_leaf WHERE log = :log ORDER BY "index"')
_TILE = text("SELECT hashes FROM core.log_tile WHERE log = :log AND level = :level AND n = :n")
_TILES = text("SELECT level, count(*) FROM core.log_tile WHERE log = :log GROUP BY level ORDER BY level")
_CHECKPOINTS = text("SELECT size, root, note FROM core.log_checkpoint WHERE log = :log ORDER BY size")
_LAST = text("SELECT size, root FROM core.log_checkpoint WHERE log = :log ORDER BY size DESC LIMIT 1")
_ROOT = text("SELECT root FROM core.log_checkpoint WHERE log = :log AND size = :size")
_PAGE = 2_000
_SAID = 100_000  # leaves between two words of progress


@dataclass
class LogAudit:
    """What was found: how much there is, and each thing that is wrong, in words for the operator."""

    log: Log
    leaves: int = 0
    tiles: int = 0
    checkpoints: int = 0
    faults: list[str] = field(default_factory=list)


def audit(
    connection: Connection,
    log: Log,
    *,
    origin: str,
    public_keys: Collection[Ed25519PublicKey],
    signed: Sequence[Checkpoint] = (),
    said: Callable[[int], None] = lambda _: None,
) -> LogAudit:
    """Read everything that is stored of a log and compute it again, in memory that does not grow with it.

    `signed` are checkpoints that the log is known to have signed (kept by the service, by witnesses); `said` hears how
    many leaves are done. The connection's user may read the tables of the logs.
    """
    found = LogAudit(log)
    rereading = _Rereading(connection, found)
    roots = sorted({checkpoint.size for checkpoint in signed})
    known: dict[int, bytes] = {}
    checkpoints = _paged(connection, _CHECKPOINTS, log)
    following = next(checkpoints, None)
    for size in rereading.sizes():
        if roots and roots[0] == size:
            known[roots.pop(0)] = rereading.edge.root()
        while following is not None and following[0] <= size:
            _checkpoint(found, following, rereading.edge, origin, public_keys)
            following = next(checkpoints, None)
        if size % _SAID == 0 and size:
            said(size)
    if following is not None:
        found.faults.append(f"a checkpoint of {following[0]} entries was signed, there are {found.leaves}")
    rereading.end()
    for checkpoint in signed:
        if checkpoint.size > found.leaves:
            found.faults.append(
                f"ROLLED BACK: {checkpoint.size} entries were signed, there are {found.leaves}: "
                f"{checkpoint.size - found.leaves} are missing"
            )
        elif known[checkpoint.size] != checkpoint.root:
            found.faults.append(f"FORKED: the first {checkpoint.size} entries are not those that were signed")
    return found


def behind(connection: Connection, log: Log, kept: Checkpoint) -> str | None:
    """Why the log cannot be the one that signed `kept`, judged by its checkpoints alone; None where it can."""
    last = connection.execute(_LAST, {"log": log.value}).one_or_none()
    size = last.size if last else 0
    if size < kept.size:
        return f"{log.value}: {kept.size} entries were signed, the database has {size}"
    root = connection.scalar(_ROOT, {"log": log.value, "size": kept.size})
    if root is None or bytes(root) != kept.root:
        return f"{log.value}: the first {kept.size} entries are not those that were signed"
    return None


def _checkpoint(
    found: LogAudit,
    row: tuple[int, bytes, str],
    edge: CompactRange,
    origin: str,
    public_keys: Collection[Ed25519PublicKey],
) -> None:
    size, root, note = row
    found.checkpoints += 1
    try:
        verify(note, origin, public_keys)
        if parse(note) != Checkpoint(origin, size, bytes(root)):
            raise ValueError("the note says something else than its row")
    except ValueError as fault:
        found.faults.append(f"the checkpoint of {size} entries: {fault}")
    if edge.size != size or edge.root() != bytes(root):
        found.faults.append(f"the checkpoint of {size} entries is not of these entries")


class _Rereading:
    """The tree, grown again; each tile is compared when it is full, and the open ones at the end."""

    def __init__(self, connection: Connection, found: LogAudit) -> None:
        self.edge = CompactRange()
        self._connection = connection
        self._found = found
        self._open: dict[TileId, bytearray] = {}
        self._levels: dict[int, int] = {}

    def sizes(self) -> Iterator[int]:
        """Every size the tree has been, from 0."""
        yield 0
        for index, stored, entry in _paged(self._connection, _LEAVES, self._found.log):
            if index != self.edge.size:
                self._found.faults.append(f"entry {self.edge.size} is missing; the next is {index}")
                return
            value = leaf_hash(bytes(entry))
            if value != bytes(stored):
                self._found.faults.append(f"entry {index} does not have the leaf hash that is stored")
            self.edge.append(value, self._emit)
            self._found.leaves = self.edge.size
            yield self.edge.size

    def end(self) -> None:
        for tile in list(self._open):
            self._compare(tile)
        for level, count in self._connection.execute(_TILES, {"log": self._found.log.value}):
            if count != self._levels.get(level, 0):
                self._found.faults.append(f"level {level} has {count} tiles instead of {self._levels.get(level, 0)}")

    def _emit(self, tile: TileId, value: bytes) -> None:
        hashes = self._open.setdefault(tile, bytearray())
        hashes += value
        if len(hashes) == TILE_WIDTH * HASH_SIZE:
            self._compare(tile)

    def _compare(self, tile: TileId) -> None:
        grown, log = bytes(self._open.pop(tile)), self._found.log.value
        stored = self._connection.scalar(_TILE, {"log": log, "level": tile.level, "n": tile.n})
        if stored is None:
            self._found.faults.append(f"tile {tile.level}/{tile.n} is missing")
            return
        self._found.tiles += 1
        self._levels[tile.level] = self._levels.get(tile.level, 0) + 1
        if bytes(stored) != grown:
            self._found.faults.append(f"tile {tile.level}/{tile.n} does not hold the hashes of its entries")


def _paged(connection: Connection, query: TextClause, log: Log) -> Iterator[tuple[int, Any, Any]]:
    options = {"stream_results": True, "yield_per": _PAGE}
    for row in connection.execute(query, {"log": log.value}, execution_options=options):
        yield row[0], row[1], row[2]
