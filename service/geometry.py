"""Positions at the edge: decimal degrees on WGS 84 (EPSG:4326), longitude first (RFC 7946 §3.1.1)."""

from dataclasses import dataclass

import h3

CELL_RESOLUTION = 5  # about 253 km² (h3geo.org, table of cell areas): hides the village, keeps the district


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box west, south, east, north in degrees; west > east crosses the antimeridian (RFC 7946 §5.2)."""

    west: float
    south: float
    east: float
    north: float

    @property
    def halves(self) -> tuple["Box", ...]:
        """This box as boxes that do not cross the antimeridian."""
        if self.west <= self.east:
            return (self,)
        return (Box(self.west, self.south, 180.0, self.north), Box(-180.0, self.south, self.east, self.north))


def cell_centre(cell: str) -> tuple[float, float]:
    """(longitude, latitude) of the centre of an H3 cell."""
    latitude, longitude = h3.cell_to_latlng(cell)
    return longitude, latitude


def cell_ring(cell: str) -> list[tuple[float, float]]:
    """The corners of an H3 cell as (longitude, latitude)."""
    return [(longitude, latitude) for latitude, longitude in h3.cell_to_boundary(cell)]
