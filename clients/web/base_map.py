"""The base map of the console: first-level divisions of the region, outlines of the rest, borders between countries.

Made at build of `schemas/places/boundaries.geojson`, whose areas carry the units they may belong to. Two decimals of a
degree are about a kilometre: no coarser than boundaries drawn for 1:10 million.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BOUNDARIES = Path(__file__).resolve().parents[2] / "schemas" / "places" / "boundaries.geojson"
Position = tuple[float, float]
Edge = tuple[Position, Position]


def base_map() -> dict[str, Any]:
    """`areas`: features with `country` and `units`; `borders` of countries with units: edges of one area of theirs."""
    areas = json.loads(BOUNDARIES.read_text(encoding="utf-8"))
    edges: dict[str, Counter[Edge]] = defaultdict(Counter)
    for feature in areas["features"]:
        geometry = feature["geometry"]
        geometry["coordinates"] = _coarser(geometry["coordinates"])
        for ring in _rings(geometry) if feature["properties"]["units"] else ():
            edges[feature["properties"]["country"]].update(min((a, b), (b, a)) for a, b in zip(ring, ring[1:]))
    outer = [edge for counted in edges.values() for edge, times in counted.items() if times == 1]
    return {"areas": areas, "borders": {"type": "MultiLineString", "coordinates": _lines(outer)}}


def _coarser(coordinates: Any) -> Any:
    if isinstance(coordinates[0], int | float):
        return round(coordinates[0], 2), round(coordinates[1], 2)
    parts = [_coarser(part) for part in coordinates]
    if isinstance(parts[0], tuple):
        return [at for n, at in enumerate(parts) if n in (0, len(parts) - 1) or at != parts[n - 1]]
    return parts


def _rings(geometry: dict[str, Any]) -> Iterator[list[Position]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for polygon in polygons:
        yield from polygon


def _lines(edges: list[Edge]) -> list[list[Position]]:
    """Edges strung together, as far as they go on."""
    following: dict[Position, list[Position]] = defaultdict(list)
    for a, b in edges:
        following[a].append(b)
        following[b].append(a)
    lines = []
    for begin in list(following):
        while following[begin]:
            line = [begin]
            while following[line[-1]]:
                at = following[line[-1]].pop()
                following[at].remove(line[-1])
                line.append(at)
            lines.append(line)
    return lines
