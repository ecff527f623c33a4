"""By way of a pooler a session brings no options of its own, and is held to the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import text

from service.database import Database
from service.jobs.worker import queue_app
from service.settings import Settings

HELD = (
    *("timezone", "search_path", "jit", "statement_timeout", "lock_timeout"),
    "idle_in_transaction_session_timeout",
)
KINDS = ("reading", "writing", "authn", "sequencing", "scoping")


@asynccontextmanager
async def opened(settings: Settings, *, pooler: bool) -> AsyncIterator[Database]:
    database = Database(settings.model_copy(update={"database_pooler": pooler}))
    yield database
    await database.dispose()


async def held(database: Database, kind: str) -> dict[str, str]:
    async with getattr(database, kind)() as session:
        return {name: (await session.execute(text(f"SHOW {name}"))).scalar_one() for name in HELD}


async def held_by_the_access_log(database: Database) -> dict[str, str]:
    connection = await database.access_log()
    found = {}
    for name in HELD:
        (found[name],) = await (await connection.execute(f"SHOW {name}")).fetchone() or ("",)
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_sessions_are_held_to_the_same(settings: Settings, kind: str) -> None:
    async with opened(settings, pooler=False) as direct, opened(settings, pooler=True) as pooled:
        assert await held(pooled, kind) == await held(direct, kind)


async def test_so_is_the_access_log(settings: Settings) -> None:
    async with opened(settings, pooler=False) as direct, opened(settings, pooler=True) as pooled:
        assert await held_by_the_access_log(pooled) == await held_by_the_access_log(direct)


async def test_so_are_the_jobs(settings: Settings) -> None:
    found = []
    for pooler in (False, True):
        app = queue_app(settings.model_copy(update={"database_pooler": pooler}))
        async with app.open_async():
            rows = [await app.connector.execute_query_one_async(f"SHOW {name}") for name in HELD]
        found.append([list(row.values()) for row in rows])
    direct, pooled = found
    assert pooled == direct
    assert ["jobs"] in direct


async def test_no_statement_is_prepared(settings: Settings) -> None:
    """PgBouncer hands a session to another after each transaction: names of statements would be unknown there."""
    async with opened(settings, pooler=True) as pooled, pooled.reading() as session:
        for _ in range(10):
            await session.execute(text("SELECT 1 WHERE :n = 1"), {"n": 1})
        assert (await session.execute(text("SELECT count(*) FROM pg_prepared_statements"))).scalar_one() == 0
    connection: psycopg.AsyncConnection[tuple[int]]
    async with opened(settings, pooler=True) as pooled:
        connection = await pooled.access_log()
        assert connection.prepare_threshold is None
