"""The catalogue's rows as the database holds them: which table is which file, and reading them all."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.substances import models
from service.substances.tables import FILES, Tables

# In the order of the foreign keys. Records point to the first four, which are therefore never deleted.
KEPT: dict[str, Any] = {
    "groups": models.SubstanceGroup,
    "references": models.SubstanceReference,
    "entries": models.Substance,
    "units": models.Unit,
}
REPLACED: dict[str, Any] = {
    "names": models.SubstanceName,
    "schedules": models.SubstanceSchedule,
    "sources": models.SubstanceSource,
    "unit_names": models.UnitName,
    "rules": models.ConversionRule,
}
_COLUMN = {"group": "policy_group"}  # where the column's name cannot be the file's


def column(name: str) -> str:
    """The database's name of a file's column."""
    return _COLUMN.get(name, name)


async def read(session: AsyncSession) -> Tables:
    """All rows of the committed catalogue, in the order of their keys."""
    rows: dict[str, Any] = {}
    for name, model in (KEPT | REPLACED).items():
        row, table = FILES[name], table_of(model)
        columns = [table.c[column(field.name)] for field in fields(row)]
        query = select(*columns).order_by(*table.primary_key.columns)
        if model is models.Substance:  # provisional entries come by reader, and change (`provisional.py`)
            query = query.where(table.c.kind != "provisional")
        found = await session.execute(query)
        rows[name] = tuple(row(*values) for values in found)
    return Tables(**rows)


def table_of(model: Any) -> Table:
    table: Table = model.__table__
    return table
