"""Passes: records that were filed are compared with those there are, beside filing and not in its way.

A pass runs in the database (`core.find_links`), which alone sees both sides of every pair; what it finds, agencies are
told only where they see it.

Whatever a record is, it keeps no other from being linked. A pass looks at records of one country, and countries have
their turns: one for what nobody has looked at, one for what waits once more. A pass that takes too long, or fails, is
undone, and its records wait for a portion of half the size. One with which it takes too long or fails alone, by what
the record is, is set aside: the log and a metric say that there is one, `core.link_retry` which, and its next version
is looked at anew. What fails by the state of the database waits until it succeeds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Row, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.links.act import AUDIENCE
from service.notices.notify import Notice, notify_all

EVERY_SECONDS = 2
AT_ONCE = 500  # records a pass: a second or two where many are alike
PATIENCE = 20.0  # seconds for each statement of a pass; half of it to wait for what another transaction holds
_RECORDS = bindparam("records", type_=ARRAY(Uuid))
_TAKE = text("SELECT records, times FROM core.take_links(:most)")
_HURRY = text("SELECT set_config('statement_timeout', :milliseconds, true), set_config('lock_timeout', :half, true)")
_FIND = text("SELECT core.find_links(:records)").bindparams(_RECORDS)
_PUT_BACK = text("SELECT core.put_links_back(:records, :times)").bindparams(_RECORDS)

# What a record may cause: a pass that takes too long; data, constraints or limits that it runs into (SQLSTATE classes,
# PostgreSQL 15, appendix A).
_TOO_LONG, _OF_A_RECORD = "57014", ("22", "23", "54")

SET_ASIDE = Counter("sarhad_links_set_aside", "Records set aside, because finding their links takes too long or fails.")
_log = structlog.get_logger("sarhad.links")


Followed = Callable[[AsyncSession, Sequence[UUID]], Awaitable[None]]


async def seek(
    database: Database, most: int = AT_ONCE, follow: Followed | None = None, patience: float = PATIENCE
) -> int:
    """One pass: how many records it looked at; 0 where none waits, another worker is at it, or the database was not up
    to it. `follow` is told in the pass's transaction of the links that are new.
    """
    async with database.writing() as session:
        taken = (await session.execute(_TAKE, {"most": most})).one()
        if taken.records:
            try:
                async with session.begin_nested():
                    milliseconds = round(patience * 1000)
                    await session.execute(_HURRY, {"milliseconds": str(milliseconds), "half": str(milliseconds // 2)})
                    await _link(session, taken.records, follow)
            except DBAPIError as fault:
                if fault.connection_invalidated:
                    raise
                await _put_back(session, taken, most, fault)
                if not _of_a_record(fault):
                    return 0
        return len(taken.records)


async def _link(session: AsyncSession, records: Sequence[UUID], follow: Followed | None) -> None:
    fresh = await session.scalar(_FIND, {"records": records})
    if not fresh:
        return
    if follow is not None:
        await follow(session, fresh)
    told = (await session.execute(AUDIENCE, {"links": fresh})).all()
    notices = [
        (t.agency, f"/v1/links?relation={t.relation}", {"relation": t.relation, "links": t.number}) for t in told
    ]
    await notify_all(session, [Notice(to, "links-proposed", path, facts) for to, path, facts in notices])


def _of_a_record(fault: DBAPIError) -> bool:
    state: str = getattr(fault.orig, "sqlstate", None) or ""
    return state == _TOO_LONG or state[:2] in _OF_A_RECORD


async def _put_back(session: AsyncSession, taken: Row[tuple[list[UUID], int]], most: int, fault: DBAPIError) -> None:
    """For a smaller portion; of one record, that record again."""
    times, kind = taken.times + 1, type(fault.orig).__name__
    if most >> times > 0:
        _log.warning("links are sought in smaller portions", fault=kind)
    elif _of_a_record(fault):
        SET_ASIDE.inc()
        _log.error("a record is set aside: its links are not found", fault=kind)
    else:
        times = taken.times
        _log.warning("a record waits: the database was not up to its links", fault=kind)
    await session.execute(_PUT_BACK, {"records": taken.records, "times": times})


async def run(database: Database, follow: Followed) -> None:
    """While the worker lives; ends by cancellation. A failure waits for the next turn."""
    while True:
        try:
            while await seek(database, follow=follow):
                pass
        except (SQLAlchemyError, OSError) as fault:
            _log.warning("links wait", fault=type(fault).__name__)
        await asyncio.sleep(EVERY_SECONDS)
