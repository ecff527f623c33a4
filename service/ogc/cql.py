"""CQL2 text (OGC 21-065r2) as conditions on disclosed columns. Pure.

The language is parsed by the library `cql2`; what it means here is this list: comparisons of a column with values,
LIKE, BETWEEN, IN, IS NULL, CASEI, AND, OR, NOT, and S_INTERSECTS with the geometry. A column that is not among the
queryables is refused in the same words, whether the tables have it or not. The parser descends into what is nested, so
nesting is bounded before it begins.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any

import cql2
import orjson
from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, true
from sqlalchemy.sql.operators import eq, ge, gt, le, lt, ne

from service.problems import Problem

MOST_BYTES = 8_192
DEEPEST = 24  # brackets in brackets
MOST_WORK = (
    1 << 18
)  # characters, each as often as the parser may read it: what is in brackets twice, in those four times
MOST_VERTICES = 500
MOST_TERMS = 100
_NESTED = re.compile(r"(?:NOT\s*\(?\s*){4,}|(?:[-+]\s*){3,}", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_MIRROR = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

Columns = Mapping[str, tuple[str, ColumnElement[Any]]]
"""By name of the queryable: its type (`text`, `number`, `time`, `geometry`) and what it stands for."""


class InvalidFilter(Problem):
    """The filter is no CQL2 text that this collection answers."""

    status = HTTPStatus.BAD_REQUEST


class UnknownQueryable(Problem):
    """A filter names the queryables of its collection and nothing else."""

    status = HTTPStatus.BAD_REQUEST


class FilterTooLarge(Problem):
    """A filter is short: its text, its nesting, its terms and the vertices of its geometries are bounded."""

    status = HTTPStatus.BAD_REQUEST


def condition(text: str, columns: Columns) -> ColumnElement[bool]:
    """Raises InvalidFilter, UnknownQueryable, FilterTooLarge."""
    return _Meaning(columns).condition(parse(text))


def parse(text: str) -> Any:
    """The filter as CQL2 JSON. Raises InvalidFilter, FilterTooLarge."""
    _bounded(text)
    try:
        return cql2.parse_text(text).to_json()
    except Exception:  # of a geometry that cannot be read the library says so with the bare class
        raise InvalidFilter("it cannot be read as CQL2 text", parameter="filter") from None


def _bounded(text: str) -> None:
    size = len(text.encode())
    if size > MOST_BYTES:
        raise _too_large(f"{size} bytes", MOST_BYTES, "bytes")
    bare = _QUOTED.sub("''", text)
    depth = work = 0
    for character in bare:
        depth = max(0, depth + (character in "([") - (character in ")]"))
        work += 1 << min(depth, DEEPEST)
        if depth > DEEPEST or work > MOST_WORK:
            raise _too_large("nested too deeply for its length", DEEPEST, "brackets")
    if _NESTED.search(bare):
        raise _too_large("nested too deeply", DEEPEST, "brackets")


def _too_large(detail: str, most: int, of: str) -> FilterTooLarge:
    return FilterTooLarge(detail, parameter="filter", expected=f"<= {most} {of}")


class _Meaning:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._terms = 0

    def condition(self, node: Any) -> ColumnElement[bool]:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise _too_large("too many terms", MOST_TERMS, "terms")
        match node:
            case bool():
                return true() if node else false()
            case {"op": "and" | "or" | "not" as op, "args": [*parts]}:
                found = [self.condition(part) for part in parts]
                return not_(found[0]) if op == "not" else and_(*found) if op == "and" else or_(*found)
            case {"op": str(op), "args": [one, other]} if op in _COMPARE:
                return self._compared(op, one, other)
            case {"op": "s_intersects", "args": [one, other]}:
                return self._intersects(one, other)
        return self._of_column(node)

    def _of_column(self, node: Any) -> ColumnElement[bool]:
        """Conditions on one column."""
        match node:
            case {"op": "isNull", "args": [part]}:
                return self._column(part)[1].is_(None)
            case {"op": "like", "args": [part, pattern]}:
                return self._like(part, pattern)
            case {"op": "between", "args": [part, low, high]}:
                kind, column = self._column(part)
                return column.between(_value(kind, low), _value(kind, high))
            case {"op": "in", "args": [part, [*values]]}:
                kind, column = self._column(part)
                self._terms += len(values)
                return column.in_([_value(kind, value) for value in values])
        raise _not_here(node)

    def _compared(self, op: str, one: Any, other: Any) -> ColumnElement[bool]:
        if not _names(one) and _names(other):
            op, one, other = _MIRROR[op], other, one
        kind, column = self._column(one)
        if _names(other):
            with_kind, with_column = self._column(other)
            if with_kind != kind:
                raise InvalidFilter("columns of one type are compared", parameter="filter")
            return _COMPARE[op](column, with_column)  # type: ignore[no-any-return]
        return _COMPARE[op](column, _value(kind, other, folded=_is_folded(one)))  # type: ignore[no-any-return]

    def _like(self, part: Any, pattern: Any) -> ColumnElement[bool]:
        kind, column = self._column(part)
        value = _value("text", pattern, folded=_is_folded(part))
        if kind != "text":
            raise InvalidFilter("LIKE is of texts", parameter="filter")
        return column.like(value)

    def _intersects(self, one: Any, other: Any) -> ColumnElement[bool]:
        if not _names(one):
            one, other = other, one
        kind, column = self._column(one)
        if kind != "geometry":
            raise InvalidFilter("S_INTERSECTS is of the geometry", parameter="filter")
        shape = func.ST_SetSRID(func.ST_GeomFromGeoJSON(literal(orjson.dumps(geometry(other)).decode())), 4326)
        overlaps = column.op("OPERATOR(gate.&&)", is_comparison=True)(shape)  # finds by index what may intersect
        return and_(overlaps, func.ST_Intersects(column, shape))

    def _column(self, node: Any) -> tuple[str, ColumnElement[Any]]:
        match node:
            case {"op": "casei", "args": [{"property": str(name)}]}:
                kind, column = self._named(name)
                if kind != "text":
                    raise InvalidFilter("CASEI is of texts", parameter="filter")
                return kind, func.lower(column)
            case {"property": str(name)}:
                return self._named(name)
        raise _not_here(node)

    def _named(self, name: str) -> tuple[str, ColumnElement[Any]]:
        try:
            return self._columns[name]
        except KeyError:
            raise UnknownQueryable(
                "the filter names a column that is not among the queryables",
                parameter="filter",
                expected=sorted(self._columns),
            ) from None


def _names(node: Any) -> bool:
    """Whether this part of a comparison is a column."""
    return isinstance(node, dict) and ("property" in node or (_is_folded(node) and isinstance(node["args"][0], dict)))


def _is_folded(node: Any) -> bool:
    return isinstance(node, dict) and node.get("op") == "casei"


def _not_here(node: Any) -> InvalidFilter:
    asked = node.get("op") if isinstance(node, dict) else None
    expected = ["AND", "OR", "NOT", *_COMPARE, "LIKE", "BETWEEN", "IN", "IS NULL", "CASEI", "S_INTERSECTS"]
    named = f"{asked[:40]} is not answered here" if isinstance(asked, str) else "a condition was expected"
    return InvalidFilter(named, parameter="filter", expected=expected)


def _value(kind: str, node: Any, *, folded: bool = False) -> Any:
    """A literal of the column's type. Raises InvalidFilter."""
    match kind, node:
        case "text", {"op": "casei", "args": [str(text)]}:
            return _text(text).lower()
        case "text", str(text):
            return _text(text).lower() if folded else _text(text)
        case "number", int() | float() if not isinstance(node, bool):
            return node
        case "time", {"timestamp": str(text)} | {"date": str(text)}:
            return moment(text)
        case "time", str(text):
            return moment(text)
    raise InvalidFilter(f"a {kind} was expected", parameter="filter")


def _text(value: str) -> str:
    if "\x00" in value:
        raise InvalidFilter("a text has no NUL", parameter="filter")
    return value


def moment(text: str) -> datetime:
    """An instant or the beginning of a day, UTC unless it says otherwise. Raises InvalidFilter."""
    try:
        found = (
            datetime.fromisoformat(text)
            if len(text) > 10
            else datetime.combine(date.fromisoformat(text), datetime.min.time())
        )
    except ValueError:
        raise InvalidFilter("an instant or a day of RFC 3339 was expected", parameter="filter") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def geometry(node: Any) -> dict[str, Any]:
    """GeoJSON of the filter, within degrees and bounds. Raises InvalidFilter, FilterTooLarge."""
    match node:
        case {"bbox": [west, south, east, north]}:
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            node = {"type": "Polygon", "coordinates": [ring]}
        case {"type": "Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon"}:
            pass
        case _:
            raise InvalidFilter("a geometry was expected", parameter="filter")
    positions = list(_positions(node.get("coordinates")))
    if len(positions) > MOST_VERTICES:
        raise _too_large(f"{len(positions)} vertices", MOST_VERTICES, "vertices")
    if not positions or not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y, *_ in positions):
        raise InvalidFilter("positions are degrees within ±180 and ±90", parameter="filter")
    return {"type": node["type"], "coordinates": node["coordinates"]}


def _positions(coordinates: Any) -> Any:
    if isinstance(coordinates, list) and coordinates and isinstance(coordinates[0], int | float):
        yield coordinates
    elif isinstance(coordinates, list):
        for part in coordinates:
            yield from _positions(part)
