"""Proofs from the stored tiles: that a leaf is in the log, and that the log only grew."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.ledger import merkle
from service.ledger.merkle import LeafRange, TileId
from service.ledger.models import Log
from service.ledger.tiles import read_tiles
from service.problems import NotFound, Problem

_LATEST = text("SELECT size, note FROM core.log_checkpoint WHERE log = :log ORDER BY size DESC LIMIT 1")
_PLACE = text('SELECT "index" FROM core.log_leaf WHERE log = :log AND leaf_hash = :leaf')


class LeafNotYetMerged(Problem):
    """No such leaf is in the log. One that a receipt promises is there within the receipt's merge delay."""

    status = HTTPStatus.NOT_FOUND


class NoSuchTreeSize(Problem):
    """The log has had no tree of that size."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class LogNotStarted(Problem):
    """The log has no checkpoint yet."""

    status = HTTPStatus.NOT_FOUND


@dataclass(frozen=True)
class InclusionProof:
    """The leaf at `index` is in the tree of `size` leaves that the note `checkpoint` signs.

    `path` is the audit path of RFC 6962 §2.1.1, 32 bytes each, nearest sibling first.
    """

    index: int
    size: int
    path: list[bytes]
    checkpoint: str

    def document(self) -> dict[str, Any]:
        """As JSON; hashes in base64url."""
        path = [encode(step) for step in self.path]
        return {"index": self.index, "size": self.size, "path": path, "checkpoint": self.checkpoint}


@dataclass(frozen=True)
class ConsistencyProof:
    """The tree of `old` leaves is the beginning of the tree of `new`; `path` as in RFC 6962 §2.1.2."""

    old: int
    new: int
    path: list[bytes]


async def latest_checkpoint(session: AsyncSession, log: Log) -> tuple[int, str]:
    """(size, signed note) of the log's newest checkpoint; raises LogNotStarted."""
    found = (await session.execute(_LATEST, {"log": log.value})).one_or_none()
    if found is None:
        raise LogNotStarted("the sequencer has not run yet: try again in a moment")
    return found.size, found.note


async def inclusion(session: AsyncSession, log: Log, leaf_hash: bytes) -> InclusionProof:
    """Proof for a leaf under the newest checkpoint; raises LeafNotYetMerged."""
    size, note = await latest_checkpoint(session, log)
    index = await session.scalar(_PLACE, {"log": log.value, "leaf": leaf_hash})
    if index is None or index >= size:
        raise LeafNotYetMerged("the log does not hold this leaf hash; if a receipt names it, try again later")
    path = await _hashes(session, log, merkle.inclusion_plan(index, size))
    return InclusionProof(index, size, path, note)


async def consistency(session: AsyncSession, log: Log, old: int, new: int) -> ConsistencyProof:
    """Proof between any two sizes up to the newest checkpoint's; raises NoSuchTreeSize."""
    size, _ = await latest_checkpoint(session, log)
    if not 0 <= old <= new <= size:
        raise NoSuchTreeSize(f"expected 0 ≤ from ≤ to ≤ {size}", size=size)
    return ConsistencyProof(old, new, await _hashes(session, log, merkle.consistency_plan(old, new)))


async def tile(session: AsyncSession, log: Log, wanted: TileId, width: int) -> bytes:
    """The first `width` hashes of a tile, 32 bytes each; raises NotFound when the log has fewer."""
    stored = (await read_tiles(session, log, [wanted])).get(wanted, b"")
    if len(stored) < width * merkle.HASH_SIZE:
        raise NotFound(f"the log holds {len(stored) // merkle.HASH_SIZE} hashes of this tile", expected=width)
    return stored[: width * merkle.HASH_SIZE]


async def _hashes(session: AsyncSession, log: Log, plan: list[LeafRange]) -> list[bytes]:
    return merkle.hashes(plan, await read_tiles(session, log, merkle.tiles_for(plan)))
