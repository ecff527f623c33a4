"""The disclosed tables of a publication, and the bytes that are released. Pure but for `tables_of`, which asks."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.disclosure import PUBLIC, Cell, Disclosed, disclose
from service.disclosure.noise import COMMITTED, committed
from service.publications.documents import Definition, Table

_CELLS = text(
    """SELECT period, place, substance, events, weighed, kg, largest, agency_largest, key_sum
       FROM gate.publication_cells(:publication, :time, :place, :substance, :first, :last)"""
)
NOTES = (
    "Every country's part of a figure is disturbed (see noise); figures do not add up and must not be subtracted.",
    "A country that has few events in a cell is not counted in it; a cell that is missing is not a zero.",
    "kg is null where a part of it is mostly one seizure's or was measured in few, or one agency has nearly all of it.",
    "Only the countries named contributed, each with the records that it approved.",
)
COLUMNS = ("time_level", "place_level", "substance_level", "time", "place", "substance", "events", "kg")


@dataclass(frozen=True, slots=True)
class Figures:
    """One table with the cells that may be told, in the order of their dimension values."""

    table: Table
    cells: Sequence[Disclosed]


async def tables_of(session: AsyncSession, publication: UUID, definition: Definition) -> list[Figures]:
    """The tables over the records of the owners that approved."""
    first, last = definition.months()
    return [await _table(session, publication, table, first, last) for table in definition.tables]


async def _table(session: AsyncSession, publication: UUID, table: Table, first: date, last: date) -> Figures:
    levels = {"time": table.time, "place": table.place, "substance": table.substance}
    rows = await session.execute(_CELLS, {"publication": publication, "first": first, "last": last, **levels})
    told = disclose([_cell(row) for row in rows], PUBLIC)
    return Figures(table, [cell for cell in told if cell.events is not None])


def _cell(row: Row[tuple[object, ...]]) -> Cell:
    return Cell(
        dimensions=(row.period, row.place, row.substance),
        events=row.events,
        weighed=row.weighed,
        kg=row.kg,
        largest=tuple(row.largest),
        agency_largest=row.agency_largest,
        key_sum=row.key_sum,
    )


def as_json(definition: Definition, version: int, countries: Sequence[str], tables: Iterable[Figures]) -> bytes:
    """The release as one JSON document, the same bytes for the same figures."""
    noise = committed()
    document = {
        "release": definition.name,
        "version": version,
        "title": definition.title,
        "first_month": definition.first_month,
        "last_month": definition.last_month,
        "countries": sorted(countries),
        "threshold": PUBLIC.least,
        "noise": {
            "events_at_most_by_country": noise.most_events,
            "kg_at_most_share_of_largest_by_country": str(noise.most_mass),
            "ptable_sha256": hashlib.sha256(COMMITTED.read_bytes()).hexdigest(),
        },
        "notes": NOTES,
        "tables": [
            {
                **figures.table.model_dump(),
                "cells": [
                    {
                        "time": cell.dimensions[0],
                        "place": cell.dimensions[1],
                        "substance": cell.dimensions[2],
                        "events": cell.events,
                        "kg": _plain(cell.kg),
                    }
                    for cell in figures.cells
                ],
            }
            for figures in tables
        ],
    }
    return orjson.dumps(document)


def as_csv(tables: Iterable[Figures]) -> bytes:
    """The same cells, one a line (RFC 4180); an empty kg is withheld."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for figures in tables:
        levels = (figures.table.time, figures.table.place, figures.table.substance)
        for cell in figures.cells:
            writer.writerow((*levels, *cell.dimensions, cell.events, _plain(cell.kg)))
    return out.getvalue().encode()


def _plain(kg: Decimal | None) -> str | None:
    return None if kg is None else format(kg, "f")
