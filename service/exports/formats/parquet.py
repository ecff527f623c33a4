"""Parquet, and GeoParquet 1.1 (geoparquet.org): columns with their types, row groups as the chunks come."""

import struct
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.exports.columns import AT, COLUMNS, Column, Row, Value
from service.exports.rows import Record

GROUP = 5_000  # lines of a row group, or more by a chunk
SCALE = 24  # eighteen significant digits, as a quantity may have, of milligrams in kilograms
_DECIMAL = pa.decimal128(38, SCALE)
_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": _DECIMAL,
    "degrees": pa.float64(),
    "flag": pa.bool_(),
}
_EXACT = Context(prec=38)
_STEP = Decimal(1).scaleb(-SCALE)
_LONGITUDE, _LATITUDE = AT["longitude"], AT["latitude"]
_POINT = struct.Struct("<BIdd")  # WKB: little endian, type 1, x, y


def table(rows: list[Row], columns: Sequence[Column] = COLUMNS) -> pa.Table:
    """The rows as a table of these columns."""
    arrays = [
        pa.array([_decimal(value) for value in values] if column.kind == "decimal" else values, _TYPES[column.kind])
        for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.table(arrays, schema=schema(columns))


def schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in columns])


pa.set_memory_pool(pa.system_memory_pool())  # gives back what it took: a build is to stay small
SCHEMA = schema(COLUMNS)


def _decimal(value: Value) -> Decimal | None:
    """To `SCALE` places, half to even. None for what is too large for the type: 10^14 and more."""
    if value is None:
        return None
    number = Decimal(str(value))
    return number.quantize(_STEP, context=_EXACT) if number.adjusted() < 38 - SCALE else None


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

    schema: ClassVar[pa.Schema] = SCHEMA.append(pa.field("geometry", pa.binary()))

    def _schema(self) -> pa.Schema:
        return self.schema

    def _table(self, rows: list[Row]) -> pa.Table:
        points = [(row[_LONGITUDE], row[_LATITUDE]) for row in rows]
        for x, y in points:
            if isinstance(x, float) and isinstance(y, float):
                west, south, east, north = self._box
                self._box = [min(west, x), min(south, y), max(east, x), max(north, y)]
        encoded = [None if x is None else _POINT.pack(1, 1, x, y) for x, y in points]
        return table(rows).append_column("geometry", pa.array(encoded, pa.binary())).cast(self.schema)

    def _more(self) -> dict[str, str]:
        column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
        if self._box[0] <= self._box[2]:
            column["bbox"] = self._box
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        return {"geo": orjson.dumps(geo).decode()}
