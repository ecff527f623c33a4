"""Keeps the cube: what is fresh is folded in within a minute; once a day every cell is compared with the reports."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.locks import Alone

EVERY_SECONDS = 5
MANY = 20_000  # fresh rows: a reader sums them with every question
PATIENCE = 12  # turns after which few are folded too

_UNHURRIED = text("SET LOCAL statement_timeout = 0")
_FOLD = text("SELECT core.fold_cube(:least) + core.fold_cube_contents(:least)")
_REBUILD = (text("SELECT core.rebuild_cube()"), text("SELECT core.rebuild_cube_contents()"))
_CHECK = text("""SELECT grain, cells, differing FROM core.check_cube()
  UNION ALL SELECT grain, cells, differing FROM core.check_cube_contents()""")
# One worker a day: who takes the lock finds out whether somebody was faster.
_DUE = text(f"""
SELECT pg_try_advisory_xact_lock({Alone.CUBE_CHECK.value})
  AND NOT EXISTS (SELECT FROM core.cube_check WHERE checked_at > now() - interval '23 hours')
  AND (extract(hour FROM now() AT TIME ZONE 'UTC') BETWEEN 0 AND 3
       OR NOT EXISTS (SELECT FROM core.cube_check WHERE checked_at > now() - interval '47 hours'))
""")
_NOTED = text("INSERT INTO core.cube_check VALUES (clock_timestamp(), :cells, :differing)")

_log = structlog.get_logger("sarhad.cube")


async def fold(database: Database, least: int = 1) -> int:
    """How many fresh rows went into the cube: of counts or contents none where fewer than `least` are fresh, or another
    worker folds.
    """
    async with database.sequencing() as session:
        await session.execute(_UNHURRIED)
        return int(await session.scalar(_FOLD, {"least": least}) or 0)


async def differences(database: Database) -> dict[str, tuple[int, int]]:
    """Per grain its cells, and in how many of them cube and reports differ."""
    async with database.sequencing() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return await _differences(session)


async def rebuild(database: Database) -> None:
    """Every cell from the reports, on one snapshot; agencies go on filing meanwhile."""
    async with database.sequencing() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await session.execute(_UNHURRIED)
        for grains in _REBUILD:
            await session.execute(grains)


async def check(database: Database) -> None:
    """Once a day and at night, by one worker: a cell that differs is reported, and the cube is built anew."""
    async with database.sequencing() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        await session.execute(_UNHURRIED)
        if not await session.scalar(_DUE):
            return
        found = await _differences(session)
        differing = sum(n for _, n in found.values())
        await session.execute(_NOTED, {"cells": sum(n for n, _ in found.values()), "differing": differing})
    if differing:
        _log.error("the cube and the reports differ; it is built anew", cells=differing)
        await rebuild(database)


async def run(database: Database) -> None:
    """While the worker lives; ends by cancellation. A failure waits for the next turn: fresh rows are summed too."""
    turn = 0
    while True:
        turn += 1
        try:
            await fold(database, 1 if turn % PATIENCE == 0 else MANY)
            if turn % PATIENCE == 0:
                await check(database)
        except (SQLAlchemyError, OSError) as fault:
            _log.warning("the cube waits", fault=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def _differences(session: AsyncSession) -> dict[str, tuple[int, int]]:
    await session.execute(_UNHURRIED)
    return {row.grain: (row.cells, row.differing) for row in await session.execute(_CHECK)}
