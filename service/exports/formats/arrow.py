"""Lines as Arrow tables: columns with their types, for the formats that are written from such."""

import struct
from collections.abc import Sequence
from decimal import Context, Decimal

import pyarrow as pa

from service.exports.columns import AT, COLUMNS, Column, Row, Value

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


LOCATED = SCHEMA.append(pa.field("geometry", pa.binary()))


def located(rows: list[Row]) -> pa.Table:
    """The rows with a column `geometry` of WKB points."""
    points = [(row[_LONGITUDE], row[_LATITUDE]) for row in rows]
    encoded = [None if x is None else _POINT.pack(1, 1, x, y) for x, y in points]
    return table(rows).append_column("geometry", pa.array(encoded, pa.binary())).cast(LOCATED)
