"""One vector tile (Mapbox Vector Tile 2.1, made by PostGIS) of a collection, no finer than the policies give."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.geometry import Box
from service.ogc.collections import CELLS, FLOWS, SEIZURES
from service.ogc.grid import Tile, cells, mercator, outline, resolution, side_of
from service.ogc.mosaic import Map, mosaic
from service.ogc.records import feature, lines_of, points
from service.ogc.sums import of_lines, routes
from service.places.atlas import Atlas
from service.policies.gate import Reach
from service.seizures.paged import plan_for_what_is_asked
from service.substances.catalogue import Catalogue

MOST_POINTS = 600
EXTENT, BUFFER = 4096, 64
_TYPES = {"text": "text", "count": "bigint", "number": "float8"}


async def of_cells(session: AsyncSession, tile: Tile, question: Map, reach: Reach) -> tuple[bytes, Mapping[str, int]]:
    """The tile, and how many records of each owner are in it."""
    found = await mosaic(session, question, reach, resolution(tile.z), cells(tile))
    side = side_of(tile)
    columns: dict[str, tuple[str, list[Any]]] = {
        "cell": ("text", list(found.cells)),
        "seizures": ("count", [total.events for total in found.cells.values()]),
    }
    if question.group is not None:
        told = [of_lines(total, question) for total in found.cells.values()]
        columns |= {name: ("number", [each[name] for each in told]) for name in ("kg", "pct_confirmed")}
    shapes = [outline(cell, side) for cell in found.cells]
    return await _encoded(session, tile, CELLS.id, shapes, columns), found.owners


async def of_points(session: AsyncSession, tile: Tile, reach: Reach) -> tuple[bytes, dict[str, list[Any]]]:
    """The tile, and the ids of the records in it by owner."""
    await plan_for_what_is_asked(session)
    rows = (await session.execute(points(Box(*tile.box), MOST_POINTS, reach))).mappings().all()
    ids = [row["record_id"] for row in rows]
    lines = await lines_of(session, ids)
    told = [feature(row, lines.get(row["record_id"]))["properties"] for row in rows]
    columns: dict[str, tuple[str, list[Any]]] = {
        "id": ("text", [str(id_) for id_ in ids]),
        **{name: ("text", [each[name] for each in told]) for name in ("at", "owner", "substances")},
    }
    shapes = [struct.pack("<BIdd", 1, 1, *mercator(row["lon"], row["lat"])) for row in rows]
    owners: dict[str, list[Any]] = {}
    for row in rows:
        owners.setdefault(row["country"], []).append(row["record_id"])
    return await _encoded(session, tile, SEIZURES.id, shapes, columns), owners


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
    session: AsyncSession, tile: Tile, layer: str, shapes: list[bytes], columns: Mapping[str, tuple[str, list[Any]]]
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
        {"layer": layer, "z": tile.z, "col": tile.col, "row": tile.row, "shapes": shapes,
         **{name: values for name, (_, values) in columns.items()}},
    )  # fmt: skip
    return bytes(made or b"")
