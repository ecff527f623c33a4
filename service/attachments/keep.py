"""Keeps the store clean of uploads given up, files that no record named in time, objects that nothing refers to.

What a record names is never removed here, in whichever version.
"""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError

from service.attachments.store import Files
from service.attachments.upload import OPEN_FOR
from service.database import Database
from service.problems import Problem

EVERY_SECONDS = 3600
SWEPT_AFTER = OPEN_FOR + timedelta(days=1)  # no transaction is under way that long

_log = structlog.get_logger("sarhad.attachments")
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('core.forget_attachments'))")
_FORGET = text("SELECT core.forget_attachments()")
_UNKNOWN = text("SELECT core.unknown_objects(:names)").bindparams(bindparam("names", type_=ARRAY(Text)))


async def keep(database: Database, files: Files, swept_after: timedelta = SWEPT_AFTER) -> int:
    """Once, by whichever worker comes first; returns how many objects went."""
    async with database.sequencing() as session:
        if not await session.scalar(_ALONE):
            return 0
        gone = list(await session.scalars(_FORGET))
    await files.remove(gone)
    async for names in files.older_than(swept_after):
        async with database.sequencing() as session:
            unknown = list(await session.scalars(_UNKNOWN, {"names": names}))
        await files.remove(unknown)
        gone += unknown
    return len(gone)


async def run(database: Database, files: Files) -> None:
    """While the worker lives; ends by cancellation. A failure waits for the next turn."""
    while True:
        try:
            if number := await keep(database, files):
                _log.info("attachments forgotten", objects=number)
        except (SQLAlchemyError, OSError, Problem) as fault:
            _log.warning("attachments wait", fault=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)
