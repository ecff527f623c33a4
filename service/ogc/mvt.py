"""Polygons with their properties as a Mapbox Vector Tile 2.1 (§4: protobuf). Pure.

PostGIS makes the same, and draws each outline anew every time; outlines of cells stay as they are.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

import shapely

EXTENT, BUFFER = 4096, 64
_MOVE, _LINE, _CLOSE = 1, 2, 7  # §4.3.1
_POLYGON = 3
Value = str | int | float


def polygon(ring: Sequence[tuple[float, float]]) -> bytes:
    """Its geometry (§4.3), cut off beyond the tile's margin; empty where nothing of it is left. `ring`: in the units of
    the tile, from its north-western corner.
    """
    cut = shapely.clip_by_rect(shapely.Polygon(ring), -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    if cut.geom_type != "Polygon" or cut.is_empty:
        return b""
    corners = list(dict.fromkeys((round(x), round(y)) for x, y in cut.exterior.coords))
    if len(corners) < 3:
        return b""
    doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True))
    if doubled == 0:
        return b""
    if doubled < 0:  # an outer ring has a positive area where y grows to the south (§4.3.4.4)
        corners.reverse()
    steps = [(x - a, y - b) for (x, y), (a, b) in zip(corners, [(0, 0), *corners], strict=False)]
    numbers = [_MOVE | 1 << 3, *_zigzag(steps[:1]), _LINE | len(steps[1:]) << 3, *_zigzag(steps[1:]), _CLOSE | 1 << 3]
    return b"".join(map(_varint, numbers))


def layer(name: str, shapes: Iterable[bytes], columns: Mapping[str, Sequence[Value]]) -> bytes:
    """A tile of one layer. A shape without a geometry is left out; without any the tile is empty."""
    values: dict[tuple[type, Value], int] = {}  # 1 and 1.0 are two
    features = []
    for n, shape in enumerate(shapes):
        if shape:
            row = [column[n] for column in columns.values()]
            places = [values.setdefault((type(value), value), len(values)) for value in row]
            tags = b"".join(_varint(key) + _varint(place) for key, place in enumerate(places))
            features.append(_part(2, _part(2, tags) + b"\x18" + _varint(_POLYGON) + _part(4, shape)))
    if not features:
        return b""
    head = b"\x78\x02" + _part(1, name.encode())
    keys = b"".join(_part(3, key.encode()) for key in columns)
    told = b"".join(_part(4, _value(value)) for _, value in values)
    return _part(3, head + b"".join(features) + keys + told + b"\x28" + _varint(EXTENT))


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _part(1, value.encode())
    return b"\x19" + struct.pack("<d", value) if isinstance(value, float) else b"\x28" + _varint(value)


def _zigzag(steps: Iterable[tuple[int, int]]) -> list[int]:
    return [number << 1 if number >= 0 else (-number << 1) - 1 for step in steps for number in step]


def _part(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if number < 128:
        return number.to_bytes(1, "little")
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)
