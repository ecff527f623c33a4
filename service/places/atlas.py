"""The map in memory: which country and which first-level divisions a position lies in.

Boundaries are replaceable reference data and imply no endorsement. One area may hold several units where the
public boundaries are older than the division itself; a position in it gets all of them, because they
cannot be told apart.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncSession

from service.places.gazetteer import gazetteer_of
from service.places.models import read_tables
from service.places.resolve import PlaceMatch, Resolver
from service.places.spelling import key
from service.places.tables import COMMITTED, CountryRow, Tables, UnitRow, read

METRES_PER_DEGREE = 111_320.0  # of latitude, on the WGS 84 sphere of equal area
DEFAULT_TOLERANCE_M = 2_000.0  # the drawing error of a 1:10 million boundary


class Atlas:
    """Point questions over all areas, and text questions over all names.

    Longitude and latitude in WGS 84 degrees, tolerance in metres.
    """

    def __init__(self, tables: Tables) -> None:
        parts = [(index, part) for index, a in enumerate(tables.areas) for part in shapely.get_parts(a.boundary)]
        self.countries = {row.code: row for row in tables.countries}
        self.units = {row.code: row for row in tables.units}
        self.crossings = {row.code: row for row in tables.crossings}
        self._areas = tables.areas
        self._owner = [index for index, _ in parts]
        self._parts = np.array([part for _, part in parts], dtype=object)
        shapely.prepare(self._parts)
        self._tree = shapely.STRtree(self._parts)
        self._centres: dict[str, tuple[float, float] | None] = {}
        self._outlined = frozenset(area.country for area in tables.areas)
        self._resolver = Resolver(gazetteer_of(tables))

    @classmethod
    def from_files(cls, folder: Path = COMMITTED) -> "Atlas":
        """The atlas of a folder laid out like schemas/places."""
        return cls(read(folder))

    @classmethod
    async def from_database(cls, session: AsyncSession) -> "Atlas":
        """The atlas of the loaded tables; a member's own boundaries stand for those of its country."""
        return cls(await read_tables(session))

    def resolve(self, country: str, division: str | None = None, place: str | None = None) -> PlaceMatch:
        """What a text says: see `resolve.Resolver`. `country` is the reporting side's alpha-2 code."""
        return self._resolver.resolve(country, division or "", place or "")

    def find(self, name: str, country: str | None = None) -> tuple[list[CountryRow], list[UnitRow]]:
        """Countries and units that have this name, or a name that it begins; in any of the alphabets."""
        asked = key(name)
        units = [row for row in self.units.values() if country in (None, row.country)]
        countries = [row for row in self.countries.values() if country in (None, row.code)]
        return [row for row in countries if _begins(row, asked)], [row for row in units if _begins(row, asked)]

    def has_admin1(self, code: str) -> bool:
        """Whether this is an ISO 3166-2 code of the tables, current or former."""
        return code in self.units

    def knows(self, country: str) -> bool:
        """Whether the outline of this country is loaded."""
        return country in self._outlined

    def centre_of(self, country: str) -> tuple[float, float] | None:
        """A point in the largest part of a country, to stand for it on a map; None where no outline is loaded."""
        if country not in self._centres:
            parts = [self._parts[n] for n, owner in enumerate(self._owner) if self._areas[owner].country == country]
            inside = max(parts, key=lambda part: part.area).representative_point() if parts else None
            self._centres[country] = (inside.x, inside.y) if inside is not None else None
        return self._centres[country]

    def country_of(self, lon: float, lat: float, tolerance_m: float = 0.0) -> str | None:
        """The country of a position; of several within the tolerance, the nearest. None at sea and out of
        range."""
        near = self._near(lon, lat, tolerance_m)
        return self._areas[near[0][1]].country if near else None

    def countries_of(self, lon: float, lat: float, tolerance_m: float = DEFAULT_TOLERANCE_M) -> list[str]:
        """All countries within the tolerance, nearest first."""
        return list(dict.fromkeys(self._areas[index].country for _, index in self._near(lon, lat, tolerance_m)))

    def covers(self, country: str, ring: Sequence[tuple[float, float]]) -> bool:
        """Whether a ring of (longitude, latitude) lies inside one part of the country. False near any border."""
        area = shapely.Polygon(ring)
        inside = self._tree.query(area, predicate="within")
        return any(self._areas[self._owner[i]].country == country for i in inside)

    def contains(self, country: str, lon: float, lat: float, tolerance_m: float = DEFAULT_TOLERANCE_M) -> bool:
        """Whether the position lies in the country or within the tolerance of it."""
        if any(self._areas[index].country == country for _, index in self._near(lon, lat, 0.0)):
            return True
        return country in self.countries_of(lon, lat, tolerance_m)

    def admin1_of(self, lon: float, lat: float, tolerance_m: float = 0.0) -> list[str]:
        """ISO 3166-2 codes that the position may lie in, nearest first; a part is followed by the unit it
        is in."""
        codes: dict[str, None] = {}
        for _, index in self._near(lon, lat, tolerance_m):
            for unit in self._areas[index].units:
                codes[unit] = None
                known = self.units.get(unit)
                if known and known.parent:
                    codes[known.parent] = None
        return list(codes)

    def outlines(self) -> list[tuple[str, BaseGeometry]]:
        """(country, boundary) of every area: the parts of a country, in any number."""
        return [(area.country, area.boundary) for area in self._areas]

    def _near(self, lon: float, lat: float, tolerance_m: float) -> list[tuple[float, int]]:
        """(metres, area) of every area within the tolerance, sorted; the metres are those of a local
        plane."""
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


def _begins(row: CountryRow | UnitRow, asked: str) -> bool:
    return bool(asked) and any(key(n).startswith(asked) for n in (row.name_en, row.name_ru, *row.aliases))
