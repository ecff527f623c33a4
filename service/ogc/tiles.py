"""One vector tile (Mapbox Vector Tile 2.1, made by PostGIS) of a collection, no finer than the policies give."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.ogc.collections import CELLS, FLOWS
from service.ogc.grid import Tile, cells, drawn, mercator, resolution
from service.ogc.mosaic import Map, mosaic
from service.ogc.mvt import BUFFER, EXTENT, layer
from service.ogc.records import Shown, points
from service.ogc.sums import of_lines, routes
from service.places.atlas import Atlas
from service.policies.gate import Reach
from service.substances.catalogue import Catalogue

# A few of many rows, which a box leaves: looked up, however many lie in it.
_BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true)")
_TYPES = {"text": "text", "count": "bigint", "number": "float8"}


async def of_cells(session: AsyncSession, tile: Tile, question: Map, reach: Reach) -> tuple[bytes, Mapping[str, int]]:
    """The tile, and how many records of each owner are in it."""
    found = await mosaic(session, question, reach, resolution(tile.z), cells(tile))
    columns: dict[str, list[Any]] = {
        "cell": list(found.cells),
        "seizures": [total.events for total in found.cells.values()],
    }
    if question.group is not None:
        told = [of_lines(total, question) for total in found.cells.values()]
        columns |= {name: [each[name] for each in told] for name in ("kg", "pct_confirmed")}
    return layer(CELLS.id, [drawn(cell, tile) for cell in found.cells], columns), found.owners


async def of_points(
    session: AsyncSession, tile: Tile, question: Shown, reach: Reach
) -> tuple[bytes, dict[str, list[Any]]]:
    """The tile, and the ids of the records in it by owner. Raises InvalidFilter, UnknownQueryable, FilterTooLarge."""
    await session.execute(_BY_INDEX)
    wanted = points(tile, question, reach)
    row = (await session.execute(wanted)).one()
    owners: dict[str, list[Any]] = {}
    for owner, id_ in zip(row.owners or (), row.ids or (), strict=True):
        owners.setdefault(owner, []).append(id_)
    return bytes(row.tile) if owners else b"", owners


async def of_routes(
    session: AsyncSession, tile: Tile, question: Map, reach: Reach, *, catalogue: Catalogue, atlas: Atlas
) -> tuple[bytes, Mapping[str, int]]:
    """The tile, and how many records of each owner are in it."""
    made, answer = await routes(session, question, reach, catalogue=catalogue, atlas=atlas)
    names = ("origin", "transit", "destination", "certainty")
    columns: dict[str, tuple[str, list[Any]]] = {
        **{name: ("text", [each["properties"][name] for each in made]) for name in names},
        "seizures": ("count", [each["properties"]["seizures"] for each in made]),
        "kg": ("number", [each["properties"]["kg"] for each in made]),
    }
    shapes = [_line(each["geometry"]["coordinates"]) for each in made]
    return await _encoded(session, tile, FLOWS.id, shapes, columns), answer.owners


def _line(coordinates: Iterable[Sequence[float]]) -> bytes:
    positions = [mercator(longitude, latitude) for longitude, latitude in coordinates]
    return struct.pack("<BII", 1, 2, len(positions)) + b"".join(struct.pack("<dd", *each) for each in positions)


async def _encoded(
    session: AsyncSession, tile: Tile, name: str, shapes: list[bytes], columns: Mapping[str, tuple[str, list[Any]]]
) -> bytes:
    """Shapes are WKB in EPSG:3857. Nothing: an empty tile."""
    if not shapes:
        return b""
    names = ", ".join(columns)
    arrays = ", ".join(f"CAST(:{name} AS {_TYPES[kind]}[])" for name, (kind, _) in columns.items())
    made = await session.scalar(
        text(
            f"""SELECT ST_AsMVT(t, :layer, {EXTENT}, 'geom') FROM (
              SELECT ST_AsMVTGeom(ST_GeomFromWKB(shape, 3857), ST_TileEnvelope(:z, :col, :row), {EXTENT}, {BUFFER})
                AS geom,
                {names}
              FROM unnest(CAST(:shapes AS bytea[]), {arrays}) AS u(shape, {names})
            ) t WHERE geom IS NOT NULL"""
        ),
        {"layer": name, "z": tile.z, "col": tile.col, "row": tile.row, "shapes": shapes,
         **{name: values for name, (_, values) in columns.items()}},
    )  # fmt: skip
    return bytes(made or b"")
