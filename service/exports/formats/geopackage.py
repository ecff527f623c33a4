"""GeoPackage 1.4 (OGC 12-128), written by SQLite as the lines come: the layer `seizures`, and beside it the table
`provenance`. The layer has its spatial index, and the triggers that keep it (Annex F.3) while a program edits the file.
"""

import sqlite3
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from service.exports.columns import AT, COLUMNS, Row
from service.exports.provenance import flat
from service.exports.rows import Record

_TYPES = {"text": "TEXT", "integer": "INTEGER", "decimal": "REAL", "degrees": "REAL", "flag": "BOOLEAN"}
_LONGITUDE, _LATITUDE = AT["longitude"], AT["latitude"]
_DECIMALS = frozenset(place for place, column in enumerate(COLUMNS) if column.kind == "decimal")
_POINT = struct.Struct("<2sBBiBIdd")  # §2.1.3: magic, version, little endian, reference system; WKB: type 1, x, y
_ADD = f"INSERT INTO seizures VALUES (?, ?, {', '.join('?' * len(COLUMNS))})"
_LOCATE = "INSERT INTO rtree_seizures_geometry VALUES (?, ?, ?, ?, ?)"
# What is written is no use before it is whole, so nothing is kept to undo it; little of it is held in memory.
_OPEN = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000;
PRAGMA application_id = 0x47504B47; PRAGMA user_version = 10400;
"""
_SCHEMA = f"""
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', NULL),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', NULL),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
  || 'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
  || 'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]', NULL);
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) VALUES
  ('seizures', 'features', 'seizures', '2000-01-01T00:00:00.000Z', 4326),
  ('provenance', 'attributes', 'provenance', '2000-01-01T00:00:00.000Z', 0);
INSERT INTO gpkg_geometry_columns VALUES ('seizures', 'geometry', 'POINT', 4326, 0, 0);
INSERT INTO gpkg_extensions VALUES ('seizures', 'geometry', 'gpkg_rtree_index',
  'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE TABLE seizures (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geometry POINT,
  {", ".join(f"{column.name} {_TYPES[column.kind]}" for column in COLUMNS)});
CREATE TABLE provenance (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT, text TEXT);
CREATE VIRTUAL TABLE rtree_seizures_geometry USING rtree(id, minx, maxx, miny, maxy);
"""  # the time of the last change is the same at any time
_IS, _IS_NOT = (
    "({0}.geometry NOTNULL AND NOT ST_IsEmpty({0}.geometry))",
    "({0}.geometry ISNULL OR ST_IsEmpty({0}.geometry))",
)
_BOX = "ST_MinX(NEW.geometry), ST_MaxX(NEW.geometry), ST_MinY(NEW.geometry), ST_MaxY(NEW.geometry)"
_PUT = f"INSERT OR REPLACE INTO rtree_seizures_geometry VALUES (NEW.fid, {_BOX});"
_TAKE = "DELETE FROM rtree_seizures_geometry WHERE id = OLD.fid;"
_SAME, _OTHER = "OLD.fid = NEW.fid AND ", "OLD.fid != NEW.fid AND "
_OF = "UPDATE OF geometry"
_TRIGGERS = (
    ("insert", "INSERT", _IS.format("NEW"), _PUT),
    ("update2", _OF, _SAME + _IS_NOT.format("NEW"), _TAKE),
    ("update4", "UPDATE", _OTHER + _IS_NOT.format("NEW"), _TAKE.replace("= OLD.fid", "IN (OLD.fid, NEW.fid)")),
    ("update5", "UPDATE", _OTHER + _IS.format("NEW"), _TAKE + _PUT),
    ("update6", _OF, f"{_SAME}{_IS.format('NEW')} AND {_IS.format('OLD')}", _PUT),
    ("update7", _OF, f"{_SAME}{_IS.format('NEW')} AND {_IS_NOT.format('OLD')}", _PUT),
    ("delete", "DELETE", "OLD.geometry NOTNULL", _TAKE),
)


class GeoPackage:
    """Decimals become doubles: the format has no others."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.executescript(_OPEN)
        self._file.execute("BEGIN")
        for statement in filter(str.strip, _SCHEMA.split(";\n")):
            self._file.execute(statement)
        self._lines = 0

    def add(self, records: list[Record], rows: list[Row]) -> None:
        numbered = list(enumerate(rows, self._lines + 1))
        self._lines += len(rows)
        self._file.executemany(_ADD, ((number, _point(row), *_values(row)) for number, row in numbered))
        located = ((n, row[_LONGITUDE], row[_LATITUDE]) for n, row in numbered if row[_LONGITUDE] is not None)
        self._file.executemany(_LOCATE, ((n, x, x, y, y) for n, x, y in located))

    def close(self, sheet: Mapping[str, Any]) -> None:
        self._file.executemany("INSERT INTO provenance (name, text) VALUES (?, ?)", flat(sheet))
        self._file.execute(
            "UPDATE gpkg_contents SET (min_x, min_y, max_x, max_y) = (SELECT min(longitude), min(latitude), "
            "max(longitude), max(latitude) FROM seizures) WHERE table_name = 'seizures'"
        )
        for name, event, when, do in _TRIGGERS:
            self._file.execute(
                f"CREATE TRIGGER rtree_seizures_geometry_{name} AFTER {event} ON seizures WHEN {when} BEGIN {do} END"
            )
        self._file.execute("COMMIT")
        self._file.close()


def _point(row: Row) -> bytes | None:
    if row[_LONGITUDE] is None:
        return None
    return _POINT.pack(b"GP", 0, 1, 4326, 1, 1, row[_LONGITUDE], row[_LATITUDE])


def _values(row: Row) -> Iterable[Any]:
    return (float(v) if n in _DECIMALS and v is not None else v for n, v in enumerate(row))
