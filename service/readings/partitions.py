"""Keeps the access log's partitions: the months ahead are made before they begin. None is ever dropped here: how long
a country keeps the log is law, and the operator detaches a month by hand (deploy/runbook.md).
"""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.database import Database

EVERY_SECONDS = 6 * 3600

_log = structlog.get_logger("sarhad.readings")


async def keep(database: Database) -> None:
    """Once; whichever worker comes first does it, the others find it done."""
    async with database.sequencing() as session:
        await session.execute(text("SELECT core.keep_access()"))


async def run(database: Database) -> None:
    """While the worker lives; ends by cancellation. A failure waits for the next turn: the default partition serves."""
    while True:
        try:
            await keep(database)
        except (SQLAlchemyError, OSError) as fault:
            _log.warning("access partitions wait", fault=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)
