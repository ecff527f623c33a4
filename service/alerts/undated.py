"""Substances that came into sight by records without any time, and by no others.

Which of such records are new nobody can say without telling when they happened or were filed. So no record is sought,
but what none with a time names and what was never told: it is told once, however old it is.
"""

from collections.abc import AsyncIterator, Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.eyes import Eyes, Watcher, eyes_of, order
from service.alerts.facts import among, spoken_of
from service.alerts.models import CANDIDATE
from service.alerts.over import unsaid
from service.alerts.past import bearing, timeless
from service.alerts.rules import FIRSTS
from service.database import Database
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

AT_ONCE = 25  # substances that are looked for in one transaction
FEW = 20  # records of each that are judged


async def undated(database: Database, watcher: Watcher, catalogue: Catalogue) -> AsyncIterator[tuple[Eyes, list[UUID]]]:
    """Some records of the substances that only records without any time name, and of which the reader was not told."""
    place, codes = 0, list[str]()
    while (eyes := await eyes_of(database, watcher.key_id, watcher.purpose)) is not None:
        async with eyes.reading(database) as (session, _):
            ordered = await order(session, watcher.id)
            if ordered is None or (ordered["rules"] is not None and not FIRSTS & set(ordered["rules"])):
                return
            known = await known_to(session, catalogue)
            codes = codes or sorted(code for code in known.entries if spoken_of([code], known) == [code])
            some = set(codes[place : place + AT_ONCE])
            some -= await _told(session, watcher.purpose, some, known)
            found = await timeless(session, some, known)
            records = await bearing(session, found, known, FEW)
        if records:
            yield eyes, records
        if (place := place + AT_ONCE) >= len(codes):
            return


async def _told(session: AsyncSession, purpose: str, substances: Collection[str], catalogue: Catalogue) -> set[str]:
    """Those of the substances that the reader was told, by a record that it sees and that still says so."""
    told = CANDIDATE.c
    query = select(told.id, told.rule, told.key, told.record_id, told.substance).where(
        told.rule == "FIRST_IN_REGION", told.purpose == purpose, among(told.substance, substances)
    )
    rows = (await session.execute(query)).mappings().all()
    over = set(await unsaid(session, rows, catalogue))
    return {row["substance"] for row in rows if row["id"] not in over}
