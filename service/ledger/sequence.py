"""The sequencer: gives committed entries an index, grows the tree, signs the checkpoint."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.ledger import merkle
from service.ledger.checkpoints import Checkpoint, CheckpointSigner, KeptCheckpoints, origin_of
from service.ledger.merkle import CompactRange, LeafRange, TileId
from service.ledger.models import Log
from service.ledger.tiles import read_tiles
from service.locks import Alone
from service.settings import Settings
from service.signing.service_keys import ServiceKeys

BATCH = 2_000
WAKE_SECONDS = 1.0

_log = structlog.get_logger("sarhad.ledger")

# Plans are kept per connection: one made while the log was small must not scan it when it is large.
_LOCK = text("SELECT pg_try_advisory_xact_lock(:key), set_config('enable_seqscan', 'off', true)")
_LAST = text("SELECT size, root, note, at FROM core.log_checkpoint WHERE log = :log ORDER BY size DESC LIMIT 1")
_TAKE = text(
    "DELETE FROM core.log_pending WHERE id IN"
    " (SELECT id FROM core.log_pending WHERE log = :log ORDER BY id LIMIT :count) RETURNING id, entry"
)
_MERGED = text("SELECT leaf_hash FROM core.log_leaf WHERE log = :log AND leaf_hash = ANY(CAST(:hashes AS bytea[]))")
_LEAVES = text(
    'INSERT INTO core.log_leaf (log, "index", leaf_hash, entry)'
    " SELECT :log, :first + place - 1, leaf_hash, entry"
    " FROM unnest(CAST(:hashes AS bytea[]), CAST(:entries AS bytea[]))"
    " WITH ORDINALITY AS new(leaf_hash, entry, place)"
)
_TILES = text(
    "INSERT INTO core.log_tile (log, level, n, hashes) SELECT :log, level, n, hashes"
    " FROM unnest(CAST(:levels AS smallint[]), CAST(:ns AS bigint[]), CAST(:hashes AS bytea[]))"
    " AS new(level, n, hashes)"
    " ON CONFLICT (log, level, n) DO UPDATE SET hashes = core.log_tile.hashes || excluded.hashes"
)
_CHECKPOINT = text("INSERT INTO core.log_checkpoint (log, size, root, note) VALUES (:log, :size, :root, :note)")


class LogRefused(RuntimeError):
    """The sequencer will not sign: what it would sign contradicts what was signed before."""


class LogRolledBack(LogRefused):
    """The database holds an older or another tree than the last checkpoint kept outside it."""


class LogDamaged(LogRefused):
    """The stored tiles do not give the root of the last checkpoint."""


@dataclass(frozen=True)
class Sequenced:
    """One batch: how many pending entries it took and merged, and the note that now is the checkpoint."""

    taken: int
    merged: int
    note: str


async def sequence(
    session: AsyncSession,
    log: Log,
    signer: CheckpointSigner,
    kept: Checkpoint | None,
    *,
    dummies: float = 0,
    repeats: bool = False,
) -> Sequenced | None:
    """Merge one batch of committed entries within this transaction; None when another sequencer is at work.

    `kept` is the last checkpoint kept outside the database; `dummies` is a rate per second of random entries
    that look like any other; `repeats` leaves out entries that the log holds already, which are otherwise an
    IntegrityError. Raises LogRolledBack, LogDamaged.
    """
    if not await session.scalar(_LOCK, {"key": Alone.SEQUENCER.value}):
        return None
    last = (await session.execute(_LAST, {"log": log.value})).one_or_none()
    edge = await _edge(session, log, last.size if last else 0)
    if last and edge.root() != last.root:
        raise LogDamaged(f"{log.value}: the tiles of {last.size} leaves do not give the root that was signed")
    await _compare(session, log, edge, kept)
    taken = (await session.execute(_TAKE, {"log": log.value, "count": BATCH})).all()
    entries = [bytes(entry) for _, entry in sorted(taken)]
    if dummies and last:
        entries += _dummy_entries(dummies, (datetime.now(UTC) - last.at).total_seconds())
    if repeats:
        entries = await _without_repeats(session, log, entries)
    merged = await _grow(session, log, edge, entries)
    if last and not merged:
        return Sequenced(len(taken), 0, last.note)
    note = signer.sign(edge.size, edge.root())
    await session.execute(_CHECKPOINT, {"log": log.value, "size": edge.size, "root": edge.root(), "note": note})
    return Sequenced(len(taken), merged, note)


async def _edge(session: AsyncSession, log: Log, size: int) -> CompactRange:
    tiles = await read_tiles(session, log, merkle.tiles_for([LeafRange(0, size)]))
    try:
        return CompactRange.load(size, tiles)
    except merkle.MissingHashes as missing:
        raise LogDamaged(f"{log.value}: {missing}") from missing


async def _compare(session: AsyncSession, log: Log, edge: CompactRange, kept: Checkpoint | None) -> None:
    """The tree must contain the tree last signed."""
    if kept is None:
        return
    if kept.size > edge.size:
        raise LogRolledBack(
            f"{log.value}: {kept.size} leaves were signed, there are {edge.size}: restore a newer backup"
        )
    then = edge if kept.size == edge.size else await _edge(session, log, kept.size)
    if then.root() != kept.root:
        raise LogRolledBack(f"{log.value}: the first {kept.size} leaves are not those that were signed")


async def _grow(session: AsyncSession, log: Log, edge: CompactRange, entries: Sequence[bytes]) -> int:
    """Append entries to leaves and tiles; how many those were."""
    first, leaves = edge.size, [merkle.leaf_hash(entry) for entry in entries]
    grown: dict[TileId, list[bytes]] = {}
    for leaf in leaves:
        edge.append(leaf, lambda tile, value: grown.setdefault(tile, []).append(value))
    if leaves:
        await session.execute(_LEAVES, {"log": log.value, "first": first, "hashes": leaves, "entries": list(entries)})
        await session.execute(
            _TILES,
            {
                "log": log.value,
                "levels": [tile.level for tile in grown],
                "ns": [tile.n for tile in grown],
                "hashes": [b"".join(values) for values in grown.values()],
            },
        )
    return len(leaves)


async def _without_repeats(session: AsyncSession, log: Log, entries: Sequence[bytes]) -> list[bytes]:
    """A salted entry never repeats by itself; one that was made to must not stop the log."""
    new = {merkle.leaf_hash(entry): entry for entry in entries}
    for (present,) in await session.execute(_MERGED, {"log": log.value, "hashes": list(new)}):
        del new[bytes(present)]
    return list(new.values())


def _dummy_entries(rate: float, elapsed: float) -> list[bytes]:
    """Random entries for the seconds since the last checkpoint (at most a minute), a fraction by chance."""
    due = rate * min(max(elapsed, 0.0), 60.0) + secrets.randbelow(1_000_000) / 1_000_000
    return [secrets.token_bytes(merkle.HASH_SIZE) for _ in range(min(int(due), BATCH))]


def _private(keys: ServiceKeys) -> list[Ed25519PrivateKey]:
    return [key.private_key for key in keys.beside()]


async def drain(
    database: Database, settings: Settings, key: Ed25519PrivateKey, log: Log, *beside: Ed25519PrivateKey
) -> int:
    """Merge until nothing is pending or another sequencer is at work; the count merged. `beside` are former keys that
    sign too. Raises LogRefused.
    """
    kept = KeptCheckpoints(settings.state_dir)
    signer = CheckpointSigner(origin_of(settings.origin, log), key, beside)
    dummies = settings.log_dummies_per_minute / 60
    total, repeats = 0, False
    while True:
        try:
            async with database.sequencing() as session:
                done = await sequence(session, log, signer, kept.last(log), dummies=dummies, repeats=repeats)
        except IntegrityError:
            if repeats:
                raise
            repeats = True  # looking for them costs a sixth of the batch: only when there are any
            continue
        if done is None:
            return total
        kept.keep(log, done.note)
        total += done.merged
        if done.taken < BATCH:
            return total


async def run(database: Database, settings: Settings, keys: ServiceKeys) -> None:
    """Sequence all logs while the worker lives; ends by cancellation, which rolls an open batch back."""
    said: dict[Log, str] = {}
    while True:
        for log in Log:
            try:
                await drain(database, settings, keys.current().private_key, log, *_private(keys))
                said.pop(log, None)
            except (LogRefused, ValueError) as refusal:
                if said.get(log) != str(refusal):
                    _log.critical("log refused", log=log.value, reason=str(refusal))
                said[log] = str(refusal)
            except (SQLAlchemyError, OSError) as fault:
                _log.warning("log waits", log=log.value, fault=type(fault).__name__)
        await asyncio.sleep(WAKE_SECONDS)
