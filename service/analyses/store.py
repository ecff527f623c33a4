"""What stands beside an analysis, written with one INSERT a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.profiles import store as profiles
from service.seizures.store import insert_into

_KEY = "record_id uuid, version integer, scope_id integer, month_end date"
_INSERTS = {
    "analysis": text(insert_into("analysis", f"{_KEY}, techniques text[], exhibits text[]")),
    "finding": text(insert_into("finding", f"{_KEY}, line integer, substance text, role text, level text")),
    "content": text(insert_into("content", f"{_KEY}, n integer, line integer, value numeric, unit text, basis text")),
    "exhibit_link": text(insert_into("exhibit_link", f"{_KEY}, exhibit text, status text, substances text[]")),
    "appearance": text(
        insert_into(
            "appearance",
            f"{_KEY}, n integer, exhibit integer, logo text, logo_back text, logo_hash bigint, shape text, score text,"
            " diameter_mm numeric, thickness_mm numeric, length_mm numeric, width_mm numeric, image_sha256 text",
        )
    ),
}


async def insert(session: AsyncSession, aside: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """The rows by table, in the transaction of their reports. Raises what `profiles.store.insert` does."""
    for table, statement in _INSERTS.items():
        if rows := aside.get(table):
            await session.execute(statement, {"rows": orjson.dumps(rows).decode()})
    if rows := aside.get("profile"):
        await profiles.insert(session, rows)
