"""What stands beside an observed record, written with one INSERT a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.seizures.store import insert_into

_KEY = "record_id uuid, version integer, scope_id integer, month_end date"
_AMOUNT = "line integer, substance text, form text, quantity numeric, unit text, kg numeric, kg_low numeric"
_AMOUNT += ", kg_high numeric, rule text"
_PRICE = "currency text, price numeric, price_low numeric, price_high numeric, prices integer"
_INSERTS = {
    "observation": text(
        insert_into("observation", f"{_KEY}, kind text, aspect text, detail text, {_AMOUNT}, {_PRICE}")
    ),
    "clandestine_site": text(
        insert_into("clandestine_site", f"{_KEY}, types text[], stage text, scale text, makes text[]")
    ),
}


async def insert(session: AsyncSession, aside: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """The rows by table, in the transaction of their reports."""
    for table, statement in _INSERTS.items():
        if rows := aside.get(table):
            await session.execute(statement, {"rows": orjson.dumps(rows).decode()})
