"""The sequencer on PostgreSQL: contiguous, once each, all or nothing, and never a second history."""

import asyncio
import os
import time
from collections.abc import Callable
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, TextClause, text
from sqlalchemy.exc import DBAPIError

from service.database import Database
from service.ledger import merkle, sequence
from service.ledger.append import append, append_many
from service.ledger.checkpoints import KeptCheckpoints, parse
from service.ledger.merkle import CompactRange
from service.ledger.models import Log
from service.settings import Settings
from service.signing import ServiceKey, ServiceKeys

_WAITING = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename = 'sarhad_sequencer' AND wait_event_type = 'Lock'"
)
_WAITS = text(f"SELECT count(*) {_WAITING}")
_KILLED = text(f"SELECT count(pg_terminate_backend(pid)) {_WAITING}")


def digests(count: int) -> list[bytes]:
    return [os.urandom(32) for _ in range(count)]


async def fill(database: Database, count: int, log: Log = Log.RECORDS) -> list[bytes]:
    async with database.writing() as session:
        return [leaf.leaf_hash for leaf in await append_many(session, log, digests(count))]


class Undone(Exception):
    """What a transaction is rolled back by."""


async def fill_and_undo(database: Database, count: int) -> None:
    async with database.writing() as session:
        await append_many(session, Log.RECORDS, digests(count))
        raise Undone


def leaves(superuser: Engine, log: Log = Log.RECORDS) -> list[tuple[int, bytes]]:
    with superuser.connect() as connection:
        rows = connection.execute(
            text('SELECT "index", leaf_hash FROM core.log_leaf WHERE log = :log ORDER BY 1'),
            {"log": log.value},
        )
        return [(index, bytes(leaf)) for index, leaf in rows]


def pending(superuser: Engine) -> int:
    with superuser.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM core.log_pending")).scalar_one()


def checked_size(superuser: Engine, log_settings: Settings, log: Log = Log.RECORDS) -> int:
    """The size of the log, once its indexes are contiguous and every checkpoint signed its very root."""
    stored = leaves(superuser, log)
    assert [index for index, _ in stored] == list(range(len(stored)))
    edge, roots = CompactRange(), {0: merkle.EMPTY_ROOT}
    for _, leaf in stored:
        edge.append(leaf, lambda tile, value: None)
        roots[edge.size] = edge.root()
    with superuser.connect() as connection:
        signed = connection.execute(
            text("SELECT size, root, note FROM core.log_checkpoint WHERE log = :log ORDER BY size"),
            {"log": log.value},
        ).all()
    for size, root, note in signed:
        assert bytes(root) == roots[size]
        assert (parse(note).size, parse(note).root) == (size, roots[size])
    assert signed[-1].size == len(stored)
    assert KeptCheckpoints(log_settings.state_dir).last(log) == parse(signed[-1].note)
    return len(stored)


async def test_an_empty_log_has_a_checkpoint_of_no_leaves(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    assert await sequence.drain(database, log_settings, key, Log.ACCESS) == 0
    assert checked_size(superuser, log_settings, Log.ACCESS) == 0
    last = KeptCheckpoints(log_settings.state_dir).last(Log.ACCESS)
    assert last is not None
    assert last.origin == "sarhad.example/v1/log/access"


async def test_entries_keep_their_order_and_logs_stay_apart(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    records = await fill(database, 5_000)
    async with database.writing() as session:
        event = await append(session, Log.GOVERNANCE, sha256(b"a key was enrolled").digest(), subject="change-1")
    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 5_000
    assert [leaf for _, leaf in leaves(superuser)] == records
    assert await sequence.drain(database, log_settings, key, Log.GOVERNANCE) == 1
    assert leaves(superuser, Log.GOVERNANCE) == [(0, event.leaf_hash)]
    assert checked_size(superuser, log_settings) == 5_000
    assert pending(superuser) == 0


async def test_a_rolled_back_transaction_leaves_no_leaf(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    kept = await fill(database, 3)
    with pytest.raises(Undone):
        await fill_and_undo(database, 3)
    kept += await fill(database, 2)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    assert [leaf for _, leaf in leaves(superuser)] == kept
    assert checked_size(superuser, log_settings) == 5


async def test_an_open_transaction_is_merged_once_it_commits(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    async with database.writing() as session:
        late = await append(session, Log.RECORDS, digests(1)[0], subject="late")
        early = await fill(database, 1)
        assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 1
    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 1
    assert leaves(superuser) == [(0, early[0]), (1, late.leaf_hash)]


async def test_concurrent_writers_and_two_sequencers(
    new_database: Callable[[], Database], log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    first, second, writing = new_database(), new_database(), new_database()
    committed: list[bytes] = []
    undone: list[bytes] = []

    async def write(number: int) -> None:
        for batch in range(12):
            try:
                async with writing.writing() as session:
                    added = await append_many(session, Log.RECORDS, digests(1 + number * batch))
                    if batch % 3 == 2:
                        undone.extend(leaf.leaf_hash for leaf in added)
                        raise Undone
                committed.extend(leaf.leaf_hash for leaf in added)
            except Undone:
                continue

    async def work(database: Database, busy: asyncio.Event) -> None:
        while not busy.is_set():
            await sequence.drain(database, log_settings, key, Log.RECORDS)

    done = asyncio.Event()
    sequencers = [asyncio.create_task(work(database, done)) for database in (first, second)]
    await asyncio.gather(*(write(number) for number in range(1, 7)))
    done.set()
    await asyncio.gather(*sequencers)
    await sequence.drain(first, log_settings, key, Log.RECORDS)

    merged = [leaf for _, leaf in leaves(superuser)]
    assert len(merged) == len(committed)
    assert set(merged) == set(committed)
    assert not set(merged) & set(undone)
    assert checked_size(superuser, log_settings) == len(committed)


@pytest.mark.parametrize("table", ["log_leaf", "log_tile", "log_checkpoint"])
async def test_killed_between_statements_nothing_of_the_batch_is_there(
    table: str, database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    before = await fill(database, 300)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    after = await fill(database, 700)
    with superuser.connect() as blocker:
        blocker.execute(text(f"LOCK TABLE core.{table} IN SHARE MODE"))  # it may read, and waits when it writes
        batch = asyncio.create_task(sequence.drain(database, log_settings, key, Log.RECORDS))
        await until(superuser, _KILLED)
        with pytest.raises(DBAPIError):
            await batch
    assert [leaf for _, leaf in leaves(superuser)] == before
    assert pending(superuser) == 700
    assert checked_size(superuser, log_settings) == 300

    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 700
    assert [leaf for _, leaf in leaves(superuser)] == before + after
    assert checked_size(superuser, log_settings) == 1_000


async def until(superuser: Engine, statement: TextClause) -> None:
    """Repeat the statement until it counts something."""
    deadline = time.monotonic() + 10
    while True:
        with superuser.connect() as connection:
            if connection.execute(statement).scalar_one():
                return
        assert time.monotonic() < deadline, "the sequencer never waited"
        await asyncio.sleep(0)


async def test_cancelled_in_the_middle_nothing_of_the_batch_is_there(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    await fill(database, 10)
    with superuser.connect() as blocker:
        blocker.execute(text("LOCK TABLE core.log_tile IN SHARE MODE"))
        batch = asyncio.create_task(sequence.drain(database, log_settings, key, Log.RECORDS))
        await until(superuser, _WAITS)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
    assert leaves(superuser) == []
    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 10
    assert checked_size(superuser, log_settings) == 10


async def test_a_crash_before_the_checkpoint_is_kept_does_no_harm(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    kept = KeptCheckpoints(log_settings.state_dir)
    await fill(database, 10)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    older = kept.path(Log.RECORDS).read_text()
    await fill(database, 600)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    kept.path(Log.RECORDS).write_text(older)
    await fill(database, 5)
    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 5
    assert checked_size(superuser, log_settings) == 615


async def test_an_older_backup_is_not_signed_again(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    await fill(database, 20)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    with superuser.begin() as connection:
        connection.execute(text("TRUNCATE core.log_leaf, core.log_tile, core.log_checkpoint"))
    await fill(database, 3)
    with pytest.raises(sequence.LogRolledBack, match="20 leaves were signed, there are 0"):
        await sequence.drain(database, log_settings, key, Log.RECORDS)
    assert pending(superuser) == 3


async def test_another_history_of_greater_length_is_not_signed(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    await fill(database, 20)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    kept = KeptCheckpoints(log_settings.state_dir).path(Log.RECORDS)
    signed = kept.read_text()
    kept.unlink()
    with superuser.begin() as connection:
        connection.execute(text("TRUNCATE core.log_leaf, core.log_tile, core.log_checkpoint"))
    await fill(database, 300)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    kept.write_text(signed)
    await fill(database, 1)
    with pytest.raises(sequence.LogRolledBack, match="the first 20 leaves are not those that were signed"):
        await sequence.drain(database, log_settings, key, Log.RECORDS)


@pytest.mark.parametrize("byte", [0, 31, 32 * 43 + 7])
async def test_a_changed_tile_is_not_built_upon(
    byte: int, database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    await fill(database, 44)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    with superuser.begin() as connection:
        connection.execute(
            text("UPDATE core.log_tile SET hashes = set_byte(hashes, :at, get_byte(hashes, :at) # 1)"),
            {"at": byte},
        )
    await fill(database, 1)
    with pytest.raises(sequence.LogDamaged):
        await sequence.drain(database, log_settings, key, Log.RECORDS)


async def test_an_entry_that_is_there_already_does_not_stop_the_log(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    again = text("INSERT INTO core.log_pending (log, entry) SELECT 'records', entry FROM core.log_leaf")
    await fill(database, 2)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    with superuser.begin() as connection:
        connection.execute(again)
    new = await fill(database, 1)
    assert await sequence.drain(database, log_settings, key, Log.RECORDS) == 1
    assert leaves(superuser)[2] == (2, new[0])
    assert pending(superuser) == 0


async def test_the_writer_can_neither_read_nor_change_the_log(database: Database, superuser: Engine) -> None:
    await fill(database, 1)
    for statement in (
        "SELECT * FROM core.log_pending",
        "DELETE FROM core.log_pending",
        "UPDATE core.log_pending SET entry = entry",
        "SELECT * FROM core.log_leaf",
        "INSERT INTO core.log_checkpoint (log, size, root, note) VALUES ('records', 1, '', '')",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.writing() as session:
                await session.execute(text(statement))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.reading() as session:
            await session.execute(text("SELECT entry FROM core.log_leaf"))
    assert pending(superuser) == 1


async def test_dummies_look_like_any_entry(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    blurred = log_settings.model_copy(update={"log_dummies_per_minute": 600})
    await sequence.drain(database, blurred, key, Log.RECORDS)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE core.log_checkpoint SET at = now() - interval '5 seconds'"))
    assert await sequence.drain(database, blurred, key, Log.RECORDS) >= 50
    assert checked_size(superuser, log_settings) >= 50


async def test_a_log_that_is_refused_does_not_hold_up_the_others(
    database: Database, log_settings: Settings, key: Ed25519PrivateKey, superuser: Engine
) -> None:
    await fill(database, 2)
    await sequence.drain(database, log_settings, key, Log.RECORDS)
    with superuser.begin() as connection:
        connection.execute(text("TRUNCATE core.log_leaf, core.log_tile, core.log_checkpoint"))
    await fill(database, 1)
    change = await fill(database, 1, Log.GOVERNANCE)
    ServiceKey(key).save(log_settings.state_dir / "service-key.pem")
    running = asyncio.create_task(sequence.run(database, log_settings, ServiceKeys(log_settings)))
    await until(superuser, text("SELECT count(*) FROM core.log_checkpoint WHERE log = 'access'"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert leaves(superuser, Log.GOVERNANCE) == [(0, change[0])]
    assert checked_size(superuser, log_settings, Log.GOVERNANCE) == 1
    assert (leaves(superuser), pending(superuser)) == ([], 1)
