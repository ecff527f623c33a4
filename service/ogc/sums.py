"""Sums as features: H3 cells with what was seized in them, and routes between the points that stand for countries.

A period is of the months that it touches: sums are kept by month.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any

import h3
import shapely
from sqlalchemy.ext.asyncio import AsyncSession

from service.geometry import CELL_RESOLUTION, Box, cell_ring
from service.ogc.asking import Asked, InvalidParameter
from service.ogc.grid import around
from service.ogc.mosaic import Map, Sum, mosaic, named
from service.places.atlas import Atlas
from service.policies.gate import Reach
from service.substances.catalogue import Catalogue
from service.trends.ask import Answer, ask
from service.trends.places import Flows, flows
from service.trends.question import FIRST, LAST

_BEND = 0.18  # of the length: how far a line bends, to its right
_STEPS = 24
_WIDE = 400  # square degrees: cells of a wider box are not named one by one

Point = tuple[float, float]


def map_of(asked: Asked) -> Map:
    """Of the months that the interval touches. Raises InvalidParameter."""
    since, until = asked.interval or (None, None)
    if (since and since.date() < FIRST) or (until and until.date() >= LAST):
        raise InvalidParameter("it leaves the calendar", parameter="datetime", expected=[str(FIRST), str(LAST)])
    first = since.date().replace(day=1) if since else None
    last = date(until.year + until.month // 12, until.month % 12 + 1, 1) if until else None
    return Map(since=first, until=last, group=asked.group, owner=asked.owner)


async def cells(
    session: AsyncSession, asked: Asked, question: Map, reach: Reach, after: str
) -> tuple[list[dict[str, Any]], dict[str, int], str | None]:
    """A page of features from the name of the last on, how many records of each owner are in them, and the last name
    where more follow. A page may hold fewer than asked for.
    """
    at, box = asked.resolution, asked.box
    near = None if box is None or _wide(box) else [cell for half in box.halves for cell in around(half, at)]
    names, more = await named(session, question, reach, at, near, after=after, most=asked.limit)
    found = await mosaic(session, question, reach, at, [cell for cell in names if _within(cell, box)])
    features = [cell_feature(cell, total, question) for cell, total in found.cells.items()]
    return features, found.owners, names[-1] if more else None


async def one(session: AsyncSession, cell: str, reach: Reach) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """A cell as a feature, or nothing, and how many records of each owner are in it."""
    if not h3.is_valid_cell(cell) or not 2 <= h3.get_resolution(cell) <= CELL_RESOLUTION:
        return [], {}
    found = await mosaic(session, Map(), reach, h3.get_resolution(cell), [cell])
    return [cell_feature(cell, total, Map()) for cell, total in found.cells.items()], found.owners


def _wide(box: Box) -> bool:
    return sum((half.east - half.west) * (half.north - half.south) for half in box.halves) > _WIDE


def _within(cell: str, box: Box | None) -> bool:
    if box is None:
        return True
    outline = shapely.Polygon(_ring(cell))
    return any(outline.intersects(shapely.box(half.west, half.south, half.east, half.north)) for half in box.halves)


def cell_feature(cell: str, total: Sum, question: Map) -> dict[str, Any]:
    ring = [[round(longitude, 6), round(latitude, 6)] for longitude, latitude in _ring(cell)]
    return {
        "type": "Feature",
        "id": cell,
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": {
            "cell": cell,
            "resolution": int(cell[1], 16),
            "seizures": total.events,
            **of_lines(total, question),
        },
    }


def of_lines(total: Sum, question: Map) -> dict[str, float | None]:
    """Kilograms of all substances together say nothing: they are told of a group."""
    if question.group is None:
        return {"kg": None, "pct_confirmed": None}
    share = Decimal(100 * total.confirmed) / total.lines if total.lines else Decimal(0)
    return {"kg": float(total.kg), "pct_confirmed": float(share.quantize(Decimal("0.1"), ROUND_HALF_EVEN))}


def _ring(cell: str) -> list[Point]:
    """The corners; a cell across the antimeridian goes on beyond it (RFC 7946 §3.1.9 would cut it in two)."""
    ring = cell_ring(cell)
    longitudes = [longitude for longitude, _ in ring]
    if max(longitudes) - min(longitudes) > 180:
        return [(longitude + 360 if longitude < 0 else longitude, latitude) for longitude, latitude in ring]
    return ring


async def routes(
    session: AsyncSession, asked: Map, reach: Reach, *, catalogue: Catalogue, atlas: Atlas, box: Box | None = None
) -> tuple[list[dict[str, Any]], Answer]:
    """Features in the order of their ids: routes of which two countries are known and disclosed."""
    question = Flows(since=asked.since, until=asked.until, group=asked.group, owner=asked.owner)
    answer = await ask(session, question.trend(), catalogue, reach)
    made = [feature for flow in flows(answer) if (feature := route_feature(flow, atlas))]
    if box is not None:
        windows = [shapely.box(half.west, half.south, half.east, half.north) for half in box.halves]
        lines = [shapely.LineString(feature["geometry"]["coordinates"]) for feature in made]
        made = [f for f, line in zip(made, lines, strict=True) if any(line.intersects(window) for window in windows)]
    return sorted(made, key=lambda feature: feature["id"]), answer


def route_feature(flow: dict[str, Any], atlas: Atlas) -> dict[str, Any] | None:
    """None where fewer than two of its places are known."""
    transits = flow["transit"] or []
    named = [flow["origin"], *transits, flow["destination"]]
    stations = [centre for country in named if country and (centre := atlas.centre_of(country))]
    stations = [place for n, place in enumerate(stations) if n == 0 or place != stations[n - 1]]
    if len(stations) < 2:
        return None
    transit = ",".join(transits)
    return {
        "type": "Feature",
        "id": "-".join(
            (flow["origin"] or "", transit.replace(",", "."), flow["destination"] or "", flow["certainty"] or "")
        ),
        "geometry": {"type": "LineString", "coordinates": curve(stations)},
        "properties": {
            "origin": flow["origin"] or None,
            "transit": transit or None,
            "destination": flow["destination"] or None,
            "certainty": flow["certainty"] or None,
            "seizures": flow["seizures"],
            "items": flow["items"],
            "kg": float(flow["kg"]),
        },
    }


def curve(stations: Sequence[Point]) -> list[list[float]]:
    """A line through the stations that bends between them (quadratic Bézier), so that there and back lie apart."""
    line = [list(stations[0])]
    for (x0, y0), (x2, y2) in pairwise(stations):
        x1, y1 = (x0 + x2) / 2 + _BEND * (y2 - y0), (y0 + y2) / 2 - _BEND * (x2 - x0)
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
            line.append([round(a * x0 + b * x1 + c * x2, 5), round(a * y0 + b * y1 + c * y2, 5)])
    return line
