"""The map in memory: which country and which first-level divisions a position lies in.

Boundaries are replaceable reference data and imply no endorsement. One area may hold several units where the public
boundaries are older than the division itself; a position in it gets all of them, because they cannot be told apart.
"""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

METRES_PER_DEGREE = 111_320.0  # of latitude, on the WGS 84 sphere of equal area
DEFAULT_TOLERANCE_M = 2_000.0  # the drawing error of a 1:10 million boundary
COMMITTED = Path(__file__).parents[2] / "schemas" / "places"


@dataclass(frozen=True, slots=True)
class Area:
    """One polygon set of a country: `units` are ISO 3166-2 codes, none where only the outline is known."""

    country: str
    units: tuple[str, ...]
    boundary: BaseGeometry


class Atlas:
    """Point questions over all areas. Longitude and latitude in WGS 84 degrees, tolerance in metres."""

    def __init__(self, areas: Sequence[Area], parents: dict[str, str]) -> None:
        parts = [(index, part) for index, area in enumerate(areas) for part in shapely.get_parts(area.boundary)]
        self._areas = tuple(areas)
        self._parents = parents
        self._owner = [index for index, _ in parts]
        self._parts = np.array([part for _, part in parts], dtype=object)
        shapely.prepare(self._parts)
        self._tree = shapely.STRtree(self._parts)

    @classmethod
    def from_files(cls, folder: Path = COMMITTED) -> "Atlas":
        """Reads boundaries.geojson and the parents of admin1.csv from a folder laid out like schemas/places."""
        collection = json.loads((folder / "boundaries.geojson").read_text(encoding="utf-8"))
        areas = [
            Area(f["properties"]["country"], tuple(f["properties"]["units"]), shape(f["geometry"]))
            for f in collection["features"]
        ]
        with (folder / "admin1.csv").open(newline="", encoding="utf-8") as file:
            parents = {row["code"]: row["parent"] for row in csv.DictReader(file) if row["parent"]}
        return cls(areas, parents)

    def country_of(self, lon: float, lat: float, tolerance_m: float = 0.0) -> str | None:
        """The country of a position; of several within the tolerance, the nearest. None at sea and out of range."""
        near = self._near(lon, lat, tolerance_m)
        return self._areas[near[0][1]].country if near else None

    def countries_of(self, lon: float, lat: float, tolerance_m: float = DEFAULT_TOLERANCE_M) -> list[str]:
        """All countries within the tolerance, nearest first."""
        return list(dict.fromkeys(self._areas[index].country for _, index in self._near(lon, lat, tolerance_m)))

    def contains(self, country: str, lon: float, lat: float, tolerance_m: float = DEFAULT_TOLERANCE_M) -> bool:
        """Whether the position lies in the country or within the tolerance of it."""
        inside = any(self._areas[index].country == country for _, index in self._near(lon, lat, 0.0))
        return inside or country in self.countries_of(lon, lat, tolerance_m)

    def admin1_of(self, lon: float, lat: float, tolerance_m: float = 0.0) -> list[str]:
        """ISO 3166-2 codes that the position may lie in, nearest first; a part is followed by the unit it is in."""
        codes: dict[str, None] = {}
        for _, index in self._near(lon, lat, tolerance_m):
            for unit in self._areas[index].units:
                codes[unit] = None
                if unit in self._parents:
                    codes[self._parents[unit]] = None
        return list(codes)

    def knows_units_of(self, country: str) -> bool:
        """Whether first-level boundaries of this country are loaded at all."""
        return any(area.units for area in self._areas if area.country == country)

    def _near(self, lon: float, lat: float, tolerance_m: float) -> list[tuple[float, int]]:
        """(metres, area) of every area within the tolerance, sorted; the metres are those of a local plane."""
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            return []
        point = shapely.Point(lon, lat)
        inside = self._tree.query(point, predicate="intersects")
        found = {self._owner[i]: 0.0 for i in inside}
        if tolerance_m > 0:
            shrink = max(math.cos(math.radians(lat)), 0.01)
            reach = tolerance_m / METRES_PER_DEGREE
            window = shapely.box(lon - reach / shrink, lat - reach, lon + reach / shrink, lat + reach)
            for i in self._tree.query(window):
                distance = _metres(self._parts[i], window, lon, lat, shrink)
                owner = self._owner[i]
                if distance <= tolerance_m and distance < found.get(owner, math.inf):
                    found[owner] = distance
        return sorted((distance, index) for index, distance in found.items())


def _metres(part: BaseGeometry, window: BaseGeometry, lon: float, lat: float, shrink: float) -> float:
    """Distance to the piece of a polygon inside the window; infinite when none of it is there."""
    piece = part.intersection(window)
    if piece.is_empty:
        return math.inf
    local = shapely.transform(piece, lambda xy: (xy - [lon, lat]) * [shrink, 1.0])
    return float(local.distance(shapely.Point(0, 0))) * METRES_PER_DEGREE
