"""The map of a bulletin: countries from our own boundaries, in an equal-area projection, as polygons in millimetres.

Albers' conic projection (Snyder, Map Projections, USGS 1395, section 14) on a sphere: areas compare. Pure.
"""

from collections.abc import Iterable, Mapping
from math import cos, radians, sin, sqrt
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

WINDOW = (44.0, 34.5, 89.0, 56.5)  # west, south, east, north: the members, and Russia's border with them
CENTRE, PARALLELS = (66.5, 45.0), (38.0, 52.0)
WIDTH_MM = 118.0
DETAIL_DEGREES = 0.06
LEAST_MM2 = 0.6


def _albers(longitude: float, latitude: float) -> tuple[float, float]:
    one, two = (radians(parallel) for parallel in PARALLELS)
    n = (sin(one) + sin(two)) / 2
    c = cos(one) ** 2 + 2 * n * sin(one)

    def rho(phi: float) -> float:
        return sqrt(c - 2 * n * sin(phi)) / n

    theta = n * radians(longitude - CENTRE[0])
    return rho(radians(latitude)) * sin(theta), rho(radians(CENTRE[1])) - rho(radians(latitude)) * cos(theta)


class Sheet:
    """The window on paper: where a position is, in millimetres from the upper left."""

    def __init__(self) -> None:
        west, south, east, north = WINDOW
        edge = [_albers(x, y) for x in (west, CENTRE[0], east) for y in (south, north)]
        self._left, self._top = min(x for x, _ in edge), max(y for _, y in edge)
        self._scale = WIDTH_MM / (max(x for x, _ in edge) - self._left)
        self.height = (self._top - min(y for _, y in edge)) * self._scale

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = _albers(longitude, latitude)
        return round((x - self._left) * self._scale, 2), round((self._top - y) * self._scale, 2)


def outlines(areas: Iterable[tuple[str, BaseGeometry]]) -> dict[str, BaseGeometry]:
    """Country → its area in and near the window, thinned. `areas` are (country, boundary), in any number of parts."""
    west, south, east, north = WINDOW
    frame = shapely.box(west - 12, south - 8, east + 14, north + 9)
    parts: dict[str, list[BaseGeometry]] = {}
    for country, boundary in areas:
        parts.setdefault(country, []).append(boundary)
    found = {}
    for country, boundaries in sorted(parts.items()):
        whole = shapely.unary_union([shapely.make_valid(part) for part in boundaries])
        seen = shapely.intersection(whole.simplify(DETAIL_DEGREES), frame)
        if not seen.is_empty:
            found[country] = seen
    return found


def shapes(countries: Mapping[str, BaseGeometry], fills: Mapping[str, str], other: str) -> list[dict[str, Any]]:
    """Polygons in the order of their countries, those that are told about last."""
    sheet = Sheet()
    drawn = []
    for country in sorted(countries, key=lambda code: (code in fills, code)):
        for part in shapely.get_parts(countries[country]):
            if part.geom_type != "Polygon":
                continue
            points = [sheet.place(x, y) for x, y in part.exterior.coords]
            if shapely.Polygon(points).area >= LEAST_MM2:
                drawn.append({"fill": fills.get(country, other), "stroke": "#ffffff", "points": points})
    return drawn


def labels(
    countries: Mapping[str, BaseGeometry], names: Mapping[str, str], dark: Iterable[str]
) -> list[dict[str, Any]]:
    """The name of each country where it is widest within the window."""
    sheet, found, inverted = Sheet(), [], set(dark)
    frame = shapely.box(*WINDOW)
    for country, name in names.items():
        if country not in countries:
            continue
        seen = shapely.intersection(countries[country], frame)
        if seen.is_empty:
            continue
        largest = max(shapely.get_parts(seen), key=lambda part: part.area)
        at = shapely.maximum_inscribed_circle(largest, tolerance=0.05).coords[0]
        x, y = sheet.place(at[0], at[1])
        found.append({"x": x, "y": y, "text": name, "colour": "#ffffff" if country in inverted else "#1b2a3a"})
    return found
