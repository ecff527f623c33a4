"""The place tables into the database: the committed ones, and a member's own boundaries and crossing
points."""

import asyncio
import csv
import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely.errors import ShapelyError
from shapely.geometry import shape
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.places import tables
from service.places.models import (
    PlaceAdmin1,
    PlaceBoundary,
    PlaceCountry,
    PlaceCrossing,
    PlaceName,
    PlaceSource,
)
from service.places.tables import COMMITTED, AreaRow, CrossingRow
from service.problems import Problem

_CROSSING_COLUMNS = frozenset(CrossingRow.__dataclass_fields__)
_STATUSES = frozenset({"unconfirmed", "confirmed", "closed"})


class UnusablePlaceFile(Problem):
    """The file of boundaries or crossing points cannot be used; nothing of it was loaded."""


async def load(connection: AsyncConnection, folder: Path = COMMITTED) -> bool:
    """Loads the committed tables unless they are the ones already loaded; True if anything was written.

    What members loaded of their own stays. The caller commits. Two loaders at once take turns.
    """
    digest = tables.digest(folder)
    if not await _is_new(connection, "committed", digest):
        return False
    rows = tables.read(folder)
    for model in (PlaceCountry, PlaceAdmin1, PlaceName):
        await connection.execute(delete(model))
    for owned in (PlaceBoundary, PlaceCrossing):
        await connection.execute(delete(owned).where(owned.source == "committed"))
    await connection.execute(insert(PlaceCountry), [asdict(row) for row in rows.countries])
    await connection.execute(insert(PlaceAdmin1), [asdict(row) for row in rows.units])
    await connection.execute(insert(PlaceName), [asdict(row) for row in rows.names])
    await connection.execute(insert(PlaceBoundary), [_area(row, "committed") for row in rows.areas])
    crossings = [asdict(row) | {"source": "committed"} for row in rows.crossings]
    await connection.execute(insert(PlaceCrossing).on_conflict_do_nothing(), crossings)
    await _remember(connection, "committed", digest)
    return True


async def load_member_file(connection: AsyncConnection, path: Path, country: str) -> int:
    """Loads a member's own file and returns how many rows it gave; 0 when it is the one already loaded.

    `*.geojson`/`*.json`: a FeatureCollection whose features carry `units` (ISO 3166-2 codes) or `code`; it
    stands for all boundaries of the country. `*.csv`: crossing points in the columns of
    schemas/places/crossings.csv, each with the country on one side; they are added or replaced by code.
    Running workers take them up by themselves (`renewal.py`). Raises UnusablePlaceFile, with the pointer
    or line that is wrong; then nothing was written.
    """
    content = await asyncio.to_thread(path.read_bytes)
    kind = "crossings" if path.suffix.lower() == ".csv" else "boundaries"
    name, digest = f"{country}/{kind}", hashlib.sha256(content).hexdigest()
    known = await connection.scalars(select(PlaceAdmin1.code).where(PlaceAdmin1.country == country))
    units = frozenset(known)
    if kind == "crossings":
        crossings = crossings_of(content, country, units)
        if await _is_new(connection, name, digest):
            await _replace_crossings(connection, crossings)
            await _remember(connection, name, digest)
            return len(crossings)
        return 0
    areas = areas_of(content, country, units)
    if not await _is_new(connection, name, digest):
        return 0
    own = PlaceBoundary.country == country, PlaceBoundary.source == "member"
    await connection.execute(delete(PlaceBoundary).where(*own))
    await connection.execute(insert(PlaceBoundary), [_area(row, "member") for row in areas])
    await _remember(connection, name, digest)
    return len(areas)


def areas_of(content: bytes, country: str, units: frozenset[str]) -> list[AreaRow]:
    """The areas of a GeoJSON FeatureCollection (RFC 7946); `units` are the codes the country has."""
    try:
        features = json.loads(content)["features"]
    except (ValueError, KeyError, TypeError):
        raise UnusablePlaceFile("a GeoJSON FeatureCollection was expected", expected="FeatureCollection") from None
    if not isinstance(features, list) or not features:
        raise UnusablePlaceFile("at least one feature was expected", pointer="/features")
    return [_feature_area(f, f"/features/{n}", country, units) for n, f in enumerate(features)]


def _feature_area(feature: Any, pointer: str, country: str, units: frozenset[str]) -> AreaRow:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise UnusablePlaceFile("a feature with properties was expected", pointer=pointer)
    codes = properties.get("units", [properties.get("code")])
    if not isinstance(codes, list) or not codes or not units.issuperset(c for c in codes if isinstance(c, str)):
        raise UnusablePlaceFile(f"`units` must be ISO 3166-2 codes of {country}", pointer=f"{pointer}/properties")
    if not all(isinstance(code, str) for code in codes):
        raise UnusablePlaceFile("`units` or `code` is missing", pointer=f"{pointer}/properties")
    try:
        area = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, ShapelyError):
        raise UnusablePlaceFile("a polygon was expected", pointer=f"{pointer}/geometry") from None
    if area.geom_type not in ("Polygon", "MultiPolygon") or area.is_empty or not area.is_valid:
        reason = shapely.is_valid_reason(area)
        raise UnusablePlaceFile(f"a valid polygon was expected: {reason}", pointer=f"{pointer}/geometry")
    west, south, east, north = area.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise UnusablePlaceFile("positions must be WGS 84 degrees, longitude first", pointer=f"{pointer}/geometry")
    return AreaRow(country, codes, shapely.MultiPolygon(shapely.get_parts(shapely.force_2d(area)).tolist()))


def crossings_of(content: bytes, country: str, units: frozenset[str]) -> list[CrossingRow]:
    """The crossing points of a CSV file in UTF-8 with the columns of schemas/places/crossings.csv."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusablePlaceFile(f"a CSV file in UTF-8 was expected: {error}") from None
    missing = sorted(_CROSSING_COLUMNS - set(reader.fieldnames or ()))
    if missing:
        raise UnusablePlaceFile(f"columns are missing: {', '.join(missing)}", line=1)
    return [_crossing(line, number, country, units) for number, line in enumerate(lines, start=2)]


def _crossing(line: dict[str, str], number: int, country: str, units: frozenset[str]) -> CrossingRow:
    try:
        row = tables.crossing(line)
    except (ValueError, AttributeError, TypeError):
        raise UnusablePlaceFile("every column filled, and numbers as lon and lat, were expected", line=number) from None
    sides = {row.country_a: row.admin1_a, row.country_b: row.admin1_b}
    if country not in sides:
        raise UnusablePlaceFile(f"one side must be {country}", line=number)
    if sides[country] and sides[country] not in units:
        raise UnusablePlaceFile(f"{sides[country]} is no unit of {country}", line=number)
    if row.status not in _STATUSES or not row.code:
        raise UnusablePlaceFile(f"a code, and a status of {sorted(_STATUSES)}, were expected", line=number)
    return row


async def _replace_crossings(connection: AsyncConnection, rows: list[CrossingRow]) -> None:
    statement = insert(PlaceCrossing)
    update = {c: statement.excluded[c] for c in (*_CROSSING_COLUMNS - {"code"}, "source")}
    values = [asdict(row) | {"source": "member"} for row in rows]
    if values:
        await connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=update), values)


def _area(row: AreaRow, source: str) -> dict[str, Any]:
    boundary = from_shape(row.boundary, srid=4326)
    return {"country": row.country, "units": row.units, "source": source, "boundary": boundary}


async def _is_new(connection: AsyncConnection, name: str, digest: str) -> bool:
    await connection.execute(text("LOCK TABLE core.place_source IN EXCLUSIVE MODE"))
    return await connection.scalar(select(PlaceSource.digest).where(PlaceSource.name == name)) != digest


async def _remember(connection: AsyncConnection, name: str, digest: str) -> None:
    statement = insert(PlaceSource).values(name=name, digest=digest)
    changed = {"digest": digest, "loaded": text("now()")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
