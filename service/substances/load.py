"""The committed catalogue into the database, and out of it into memory.

Entries, groups, references and units are updated in place and never deleted, because records point to them;
names, schedules, sources and rules belong to the catalogue alone and are replaced.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from service.substances import models, tables
from service.substances.catalogue import Catalogue
from service.substances.tables import FILES, Tables

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "substances"

# In the order of the foreign keys.
_KEPT: tuple[tuple[str, Any], ...] = (
    ("groups", models.SubstanceGroup),
    ("references", models.SubstanceReference),
    ("entries", models.Substance),
    ("units", models.Unit),
)
_REPLACED: tuple[tuple[str, Any], ...] = (
    ("names", models.SubstanceName),
    ("schedules", models.SubstanceSchedule),
    ("sources", models.SubstanceSource),
    ("unit_names", models.UnitName),
    ("rules", models.ConversionRule),
)
_COLUMN = {"group": "policy_group"}  # where the column's name cannot be the file's


async def load(connection: AsyncConnection, folder: Path = SCHEMAS) -> bool:
    """Loads the committed tables unless they are the ones already loaded; True if anything was written.

    The caller commits. Two loaders at once take turns.
    """
    digest = tables.digest(folder)
    await connection.execute(text("LOCK TABLE core.substance_catalogue IN EXCLUSIVE MODE"))
    if await connection.scalar(select(models.SubstanceCatalogue.digest)) == digest:
        return False
    rows = tables.read(folder)
    for _, model in _REPLACED:
        await connection.execute(delete(model))
    for name, model in _KEPT:
        await _upsert(connection, model.__table__, _values(rows, name))
    for name, model in _REPLACED:
        await connection.execute(model.__table__.insert(), _values(rows, name))
    await _upsert(connection, _table(models.SubstanceCatalogue), [{"id": 1, "digest": digest}])
    return True


async def from_database(session: AsyncSession) -> Catalogue:
    """The loaded catalogue, indexed. Raises nothing for an empty one: every name is then unknown."""
    rows: dict[str, Any] = {}
    for name, model in (*_KEPT, *_REPLACED):
        row = FILES[name]
        table = _table(model)
        columns = [table.c[_COLUMN.get(field.name, field.name)] for field in fields(row)]
        found = await session.execute(select(*columns).order_by(*table.primary_key.columns))
        rows[name] = tuple(row(*values) for values in found)
    return Catalogue(Tables(**rows))


def _values(rows: Tables, name: str) -> list[dict[str, Any]]:
    columns = [field.name for field in fields(FILES[name])]
    return [
        {_COLUMN.get(column, column): getattr(row, column) for column in columns}
        for row in getattr(rows, name)
    ]


async def _upsert(connection: AsyncConnection, table: Table, values: list[dict[str, Any]]) -> None:
    statement = insert(table)
    key = [column.name for column in table.primary_key]
    update = {name: statement.excluded[name] for name in values[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=update), values)


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
