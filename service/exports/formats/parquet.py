"""Parquet, and GeoParquet 1.1 (geoparquet.org): columns with their types, row groups as the chunks come."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.exports.columns import AT, COLUMNS, Column, Row
from service.exports.formats.arrow import LOCATED, located, schema, table
from service.exports.rows import Record

GROUP = 5_000  # lines of a row group, or more by a chunk
LONGITUDE, LATITUDE = AT["longitude"], AT["latitude"]


class Parquet:
    """The sheet of provenance stands in the footer, under the key `sarhad`."""

    def __init__(self, path: Path, columns: Sequence[Column] = COLUMNS) -> None:
        self._columns = columns
        self._writer = pq.ParquetWriter(str(path), self._schema(), compression="zstd")
        self._waiting: list[pa.Table] = []
        self._box = [180.0, 90.0, -180.0, -90.0]

    def add(self, records: list[Record], rows: list[Row]) -> None:
        if rows:
            self._waiting.append(self._table(rows))
        if sum(made.num_rows for made in self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting = []

    def _schema(self) -> pa.Schema:
        return schema(self._columns)

    def _table(self, rows: list[Row]) -> pa.Table:
        return table(rows, self._columns)

    def close(self, sheet: Mapping[str, Any]) -> None:
        if self._waiting:
            self._write()
        self._writer.add_key_value_metadata({"sarhad": orjson.dumps(sheet).decode(), **self._more()})
        self._writer.close()

    def _more(self) -> dict[str, str]:
        return {}


class GeoParquet(Parquet):
    """With a column `geometry` of WKB points, and the metadata of GeoParquet 1.1.0."""

    def _schema(self) -> pa.Schema:
        return LOCATED

    def _table(self, rows: list[Row]) -> pa.Table:
        for row in rows:
            x, y = row[LONGITUDE], row[LATITUDE]
            if isinstance(x, float) and isinstance(y, float):
                west, south, east, north = self._box
                self._box = [min(west, x), min(south, y), max(east, x), max(north, y)]
        return located(rows)

    def _more(self) -> dict[str, str]:
        column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
        if self._box[0] <= self._box[2]:
            column["bbox"] = self._box
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        return {"geo": orjson.dumps(geo).decode()}
