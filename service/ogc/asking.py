"""The query parameters of a page of features, read as OGC API Features reads them: what does not fit is a 400."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from http import HTTPStatus

from service.geometry import Box
from service.ogc.api import MOST, parameters
from service.ogc.collections import CELLS, Collection
from service.ogc.cql import MOST_BYTES
from service.ogc.documents import CRS, CRS84, EPSG4326
from service.problems import Problem

Interval = tuple[datetime | None, datetime | None]


class InvalidParameter(Problem):
    """A query parameter is unknown here, comes twice, or has not the form expected."""

    status = HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is of. `swapped`: latitude first, as EPSG:4326 has it."""

    limit: int = 100
    box: Box | None = None
    interval: Interval | None = None
    filter: str | None = None
    group: str | None = None
    owner: str | None = None
    resolution: int = 5
    crs: str = CRS84
    cursor: str | None = None

    @property
    def swapped(self) -> bool:
        return self.crs == EPSG4326


def asked(found: Collection, given: Iterable[tuple[str, str]]) -> Asked:
    """Raises InvalidParameter."""
    values = _once(given, [parameter["name"] for parameter in parameters(found)])
    _one_of(values, "filter-lang", ("cql2-text",))
    _one_of(values, "filter-crs", (CRS84,))
    crs = _one_of(values, "crs", CRS) or CRS84
    swapped = _one_of(values, "bbox-crs", CRS) == EPSG4326
    owner = values.get("owner")
    if owner is not None and not (len(owner) == 2 and owner.isascii() and owner.isupper()):
        raise InvalidParameter("two capital letters", parameter="owner")
    return Asked(
        limit=_integer(values, "limit", 1, MOST, 100),
        box=_box(values["bbox"], swapped) if "bbox" in values else None,
        interval=interval(values["datetime"]) if "datetime" in values else None,
        filter=values.get("filter"),
        group=values.get("group"),
        owner=owner,
        resolution=_integer(values, "resolution", 2, 5, 5) if found is CELLS else 5,
        crs=crs,
        cursor=values.get("cursor"),
    )


def of_one(given: Iterable[tuple[str, str]]) -> bool:
    """Whether one feature is asked for with latitude first. Raises InvalidParameter."""
    return _one_of(_once(given, ["crs"]), "crs", CRS) == EPSG4326


def nothing(given: Iterable[tuple[str, str]]) -> None:
    """Raises InvalidParameter where there is any."""
    _once(given, [])


def _once(given: Iterable[tuple[str, str]], known: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            raise InvalidParameter("no such parameter", parameter=name[:40], expected=known)
        if name in values:
            raise InvalidParameter("given twice", parameter=name)
        if len(value) > 64 * MOST_BYTES:
            raise InvalidParameter("too long", parameter=name)
        values[name] = value
    return values


def _one_of(values: dict[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = values.get(name)
    if value is not None and value not in allowed:
        raise InvalidParameter("not served here", parameter=name, expected=list(allowed))
    return value


def _integer(values: dict[str, str], name: str, least: int, most: int, default: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text)):
        raise InvalidParameter("a whole number", parameter=name, expected=[least, most])
    if int(text) > most and name != "limit":
        raise InvalidParameter("a whole number", parameter=name, expected=[least, most])
    return min(int(text), most)  # a limit beyond the largest is the largest (/req/core/fc-limit-response-1)


def _box(text: str, swapped: bool) -> Box:
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise InvalidParameter("four numbers: west,south,east,north", parameter="bbox")
    west, south, east, north = (numbers[n] for n in ((1, 0, 3, 2) if swapped else (0, 1, 2, 3)))
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidParameter("degrees within ±180 and ±90, south not above north", parameter="bbox")
    return Box(west, south, east, north)


def interval(text: str) -> Interval:
    """An instant, or an interval with one end open (RFC 3339 §5.6; OGC 17-069r4 §7.15.4). Raises InvalidParameter."""
    parts = text.split("/")
    ends = [_instant(part, last=n == len(parts) - 1) for n, part in enumerate(parts)]
    if len(parts) > 2 or ends == [None] or (ends[0] and ends[-1] and ends[0] > ends[-1]):
        raise InvalidParameter("an instant or an interval that ends after it begins", parameter="datetime")
    return ends[0], ends[-1]


def _instant(text: str, *, last: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    try:
        if len(text) == 10:  # a day: from its beginning to its end
            return datetime.combine(date.fromisoformat(text), time.max if last else time.min, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidParameter("an instant of RFC 3339, a day, or ..", parameter="datetime") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
