"""The committed catalogue into the database.

Entries, groups, references and units are updated in place and never deleted, because records point to them;
names, schedules, sources and rules belong to the catalogue alone and are replaced.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from service.substances import tables
from service.substances.models import SubstanceCatalogue
from service.substances.stored import KEPT, REPLACED, column, table_of
from service.substances.tables import FILES, Tables

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "substances"


async def load(connection: AsyncConnection, folder: Path = SCHEMAS) -> bool:
    """Loads the committed tables unless they are the ones already loaded; True if anything was written.

    The caller commits. Two loaders at once take turns.
    """
    digest = tables.digest(folder)
    await connection.execute(text("LOCK TABLE core.substance_catalogue IN EXCLUSIVE MODE"))
    if await connection.scalar(select(SubstanceCatalogue.digest)) == digest:
        return False
    rows = tables.read(folder)
    for model in REPLACED.values():
        await connection.execute(delete(model))
    for name, model in KEPT.items():
        await _upsert(connection, table_of(model), _values(rows, name))
    for name, model in REPLACED.items():
        await connection.execute(insert(table_of(model)), _values(rows, name))
    await _upsert(connection, table_of(SubstanceCatalogue), [{"id": 1, "digest": digest}])
    return True


def _values(rows: Tables, name: str) -> list[dict[str, Any]]:
    names = [field.name for field in fields(FILES[name])]
    return [{column(field): getattr(row, field) for field in names} for row in getattr(rows, name)]


async def _upsert(connection: AsyncConnection, table: Table, values: list[dict[str, Any]]) -> None:
    statement = postgresql.insert(table)
    key = [part.name for part in table.primary_key]
    update = {name: statement.excluded[name] for name in values[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=update), values)
