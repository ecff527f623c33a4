"""The tiles of WebMercatorQuad (OGC 17-083r4, annex D.1) and the H3 cells that touch them. Pure.

Coordinates are metres of EPSG:3857 or degrees of WGS 84, longitude first. A cell of H3 that crosses the antimeridian
is drawn on the side of the tile that shows it.
"""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from math import atan, degrees, log, pi, radians, sinh, tan

import h3

from service.geometry import Box, cell_ring
from service.ogc.mvt import EXTENT, polygon
from service.problems import Problem

MATRIX_SET = "WebMercatorQuad"
HALF = 20_037_508.342789244  # of the side of the square, metres
POLES = 85.0511287798066  # where the square ends, degrees
WORLD = 360.0
EVERYWHERE = 3  # zooms below: the whole region is in a tile or two, so that no list of cells narrows it down
_EDGE_KM = {2: 182.5, 3: 69.0, 4: 26.1, 5: 9.9}  # the average edge of a cell (h3geo.org), rounded up
_KM = 111.32  # a degree of latitude


class TileOutOfRange(Problem):
    """There is no tile of this zoom, row and column."""

    status = HTTPStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: zoom, row from the north, column from the west."""

    z: int
    row: int
    col: int

    @classmethod
    def of(cls, z: int, row: int, col: int, zooms: tuple[int, int]) -> "Tile":
        """Raises TileOutOfRange."""
        first, last = zooms
        if not first <= z <= last:
            raise TileOutOfRange(f"this collection has zooms {first} to {last}", parameter="z", expected=[first, last])
        for name, value in (("row", row), ("col", col)):
            if not 0 <= value < 1 << z:
                raise TileOutOfRange(
                    f"{name} at zoom {z} is 0 to {(1 << z) - 1}", parameter=name, expected=[0, (1 << z) - 1]
                )
        return cls(z, row, col)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        side = 1 << self.z
        west, east = (WORLD * edge / side - 180 for edge in (self.col, self.col + 1))
        south, north = (degrees(atan(sinh(pi * (1 - 2 * edge / side)))) for edge in (self.row + 1, self.row))
        return west, south, east, north


def resolution(z: int) -> int:
    """The H3 resolution that a zoom shows: some hundreds of cells a tile at the most."""
    for last, found in ((3, 2), (5, 3), (6, 4)):
        if z <= last:
            return found
    return 5


@lru_cache(maxsize=4096)
def cells(tile: Tile) -> tuple[str, ...] | None:
    """The cells of the tile's resolution that are drawn on it; None: all of the world."""
    if tile.z < EVERYWHERE:
        return None
    return tuple(cell for cell in around(Box(*tile.box), resolution(tile.z)) if drawn(cell, tile))


def around(box: Box, at: int) -> list[str]:
    """The cells of a resolution that may touch a box, and some more, in the order of their names."""
    reach = 2 * _EDGE_KM[at] / _KM
    south, north = max(-89.9, box.south - reach), min(89.9, box.north + reach)
    widest = max(abs(south), abs(north))
    aside = reach / max(0.05, tan(radians(90 - widest)) / (1 + tan(radians(90 - widest)) ** 2) ** 0.5)
    found: set[str] = set()
    for left, right in _spans(box.west - aside, box.east + aside):
        corners = [(south, left), (south, right), (north, right), (north, left)]
        found.update(h3.h3shape_to_cells(h3.LatLngPoly(corners), at))
    return sorted(found)


def _spans(west: float, east: float) -> list[tuple[float, float]]:
    """The same in degrees within ±180, each less than half of the world wide."""
    spans: list[tuple[float, float]] = []
    for shift in (-WORLD, 0, WORLD):
        left, right = max(west + shift, -180), min(east + shift, 180)
        while left < right:
            spans.append((left, min(right, left + 90)))
            left += 90
    return spans


@lru_cache(maxsize=65536)
def drawn(cell: str, tile: Tile) -> bytes:
    """A cell's outline as the tile has it (`polygon`); empty where it is not on it."""
    ring = cell_ring(cell)
    longitudes = [longitude for longitude, _ in ring]
    if max(longitudes) - min(longitudes) > WORLD / 2:
        side = side_of(tile)
        ring = [(lon + WORLD * side if lon * side < 0 else lon, lat) for lon, lat in ring]
    scale, west, north = EXTENT * (1 << tile.z) / (2 * HALF), tile.col * EXTENT, tile.row * EXTENT
    points = (mercator(lon, lat) for lon, lat in ring)
    return polygon([((x + HALF) * scale - west, (HALF - y) * scale - north) for x, y in points])


def side_of(tile: Tile) -> int:
    """On which side a tile draws what crosses the antimeridian."""
    west, _, east, _ = tile.box
    return 1 if west + east >= 0 else -1


def mercator(longitude: float, latitude: float) -> tuple[float, float]:
    latitude = max(-POLES, min(POLES, latitude))
    return longitude * HALF / 180, log(tan(pi / 4 + radians(latitude) / 2)) * HALF / pi
