"""Writes the access log: the entries of requests that end together go in one statement and one COMMIT.

Whoever comes while a statement is under way waits for the next; whoever comes alone waits for nobody. So the more is
read, the less a reading costs.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
from psycopg import InterfaceError, OperationalError
from psycopg.errors import UniqueViolation
from sqlalchemy.dialects import postgresql

from service.database import Database
from service.ledger.append import PendingLeaf
from service.ledger.models import Log
from service.readings.models import Access

Row = tuple[dict[str, Any], PendingLeaf]

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
_NAMES = ", ".join(column.name for column in Access.__table__.columns)
_TYPED = ", ".join(f"{column.name} {column.type.compile(_POSTGRESQL)}" for column in Access.__table__.columns)
_WRITE = (
    f"WITH entry AS MATERIALIZED (SELECT * FROM json_to_recordset(%s::json) AS r({_TYPED}, entry bytea)),"
    f" logged AS (INSERT INTO core.access ({_NAMES}) SELECT {_NAMES} FROM entry)"
    f" INSERT INTO core.log_pending (log, entry) SELECT '{Log.ACCESS}', entry FROM entry"
)


class AccessWriter:
    """One for each worker."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Sequence[Row], asyncio.Future[None]]] = []
        self._turn: asyncio.Task[None] | None = None

    async def write(self, rows: Sequence[Row]) -> None:
        """Returns once the rows are durable. Raises what the database raised, and then none of them is."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, written))
        if self._turn is None:
            self._turn = asyncio.create_task(self._take_turns())
        await written

    async def _take_turns(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            fault = await self._commit([row for rows, _ in taken for row in rows])
            for _, written in taken:
                if written.done():  # its request was cut off
                    continue
                if fault is None:
                    written.set_result(None)
                else:
                    written.set_exception(fault)
        self._turn = None

    async def _commit(self, rows: Sequence[Row]) -> Exception | None:
        try:
            document = orjson.dumps([_as_json(*row) for row in rows]).decode()
            try:
                await self._insert(document)
            except (OperationalError, InterfaceError):
                await self._again(document)
        except Exception as fault:  # every request of this turn gets it
            return fault
        return None

    async def _insert(self, document: str) -> None:
        connection = await self._database.access_log()
        await connection.execute(_WRITE, (document,))

    async def _again(self, document: str) -> None:
        """On a new connection. The lost one may have committed: the same ids cannot be written twice."""
        with suppress(UniqueViolation):
            await self._insert(document)


def _as_json(row: dict[str, Any], leaf: PendingLeaf) -> dict[str, Any]:
    """Bytes in PostgreSQL's hexadecimal form; the rest as orjson writes it."""
    made = {name: f"\\x{value.hex()}" if isinstance(value, bytes) else value for name, value in row.items()}
    return made | {"entry": f"\\x{leaf.entry.hex()}"}
