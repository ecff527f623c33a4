"""Running workers take up places that the operator loads: they look, now and then, whether the tables are others."""

import asyncio

from sqlalchemy import select

from service.database import Database
from service.places.atlas import Atlas
from service.places.models import PlaceSource, read_tables

EVERY_SECONDS = 30

Digests = dict[str, str]


async def renewed(database: Database, known: Digests | None) -> tuple[Digests, Atlas] | None:
    """What is loaded now and its atlas, on one snapshot; None when that is what is known.

    The atlas is built beside the event loop: requests go on meanwhile.
    """
    async with database.reading() as session:
        rows = await session.execute(select(PlaceSource.name, PlaceSource.digest))
        digests = {row.name: row.digest for row in rows}
        if digests == known:
            return None
        tables = await read_tables(session)
    return digests, await asyncio.to_thread(Atlas, tables)
