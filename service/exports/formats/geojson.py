"""GeoJSON (RFC 7946): a feature a line, at the disclosed point or the centre of the disclosed cell, or nowhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from service.exports.columns import AT, COLUMNS, Row
from service.exports.rows import Record

_LONGITUDE, _LATITUDE = AT["longitude"], AT["latitude"]
_PROPERTIES = [
    (place, column.name, column.kind == "decimal")
    for place, column in enumerate(COLUMNS)
    if column.name not in ("longitude", "latitude")
]


def feature(row: Row) -> dict[str, Any]:
    """Decimals as JSON numbers with all their digits."""
    longitude, latitude = row[_LONGITUDE], row[_LATITUDE]
    return {
        "type": "Feature",
        "geometry": None if longitude is None else {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": {
            name: orjson.Fragment(str(row[place])) if exact and row[place] is not None else row[place]
            for place, name, exact in _PROPERTIES
        },
    }


class GeoJson:
    """One FeatureCollection; the sheet of provenance is its foreign member `provenance` (§6.1)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(b'{"type":"FeatureCollection","features":[')
        self._between = b"\n"

    def add(self, records: list[Record], rows: list[Row]) -> None:
        for row in rows:
            self._file.write(self._between + orjson.dumps(feature(row)))
            self._between = b",\n"

    def close(self, sheet: Mapping[str, Any]) -> None:
        self._file.write(b'\n],"provenance":' + orjson.dumps(sheet) + b"}\n")
        self._file.close()
