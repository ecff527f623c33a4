"""Keeps the partitions of the spent nonces: hours ahead are made, hours long over are dropped."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.database import Database

EVERY_SECONDS = 600

_log = structlog.get_logger("sarhad.nonces")


async def keep(database: Database) -> None:
    """Once; whichever worker comes first does it, the others find it done."""
    async with database.authn() as session:
        await session.execute(text("SELECT core.keep_nonces()"))


async def run(database: Database) -> None:
    """While the worker lives; ends by cancellation. A failure waits for the next turn: the default partition
    serves.
    """
    while True:
        try:
            await keep(database)
        except (SQLAlchemyError, OSError) as fault:
            _log.warning("nonce partitions wait", fault=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)
