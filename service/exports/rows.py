"""From the reader's views to lines: a stream of records, each decoded from the owner's own disclosures.

Records whose obligations say `no_export` are left out and counted by owner; own records that are recalled are flagged.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from service.exports.columns import Row
from service.geometry import cell_centre
from service.identity.caller import Caller
from service.policies import obligations
from service.records import sealing
from service.records.registry import ALL
from service.seizures import present
from service.seizures.query import LINES
from service.seizures.read import recalled_among
from service.substances.catalogue import Catalogue

CHUNK = 250  # records: what is disclosed of each is held several times while it is taken apart
NO_EXPORT = obligations.bits(["no_export"])


@dataclass(frozen=True, slots=True)
class Record:
    """A disclosed record: the columns of its view, its decoded facets, its lines as harmonised."""

    row: Mapping[str, Any]
    facets: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    recalled: bool

    @property
    def id(self) -> UUID:
        return self.row["record_id"]  # type: ignore[no-any-return]

    @property
    def owner(self) -> str:
        return self.row["country"]  # type: ignore[no-any-return]

    @property
    def scope(self) -> int:
        return self.row["scope_id"]  # type: ignore[no-any-return]


@dataclass(slots=True)
class Found:
    """What a stream held: records and left out ones by owner, obligations met, recalled records; by owner, records of
    which a facet that is given could not be opened.
    """

    records: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    obligations: Counter[str] = field(default_factory=Counter)
    recalled: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)


async def stream(
    session: AsyncSession, caller: Caller, query: Select[Any], found: Found, lines: Select[Any] = LINES
) -> AsyncIterator[list[Record]]:
    """The records of `query` (`seizures.query.every`) in chunks, from one snapshot, with their `lines`; counts them in
    `found`.
    """
    result = await session.stream(query, execution_options={"yield_per": CHUNK})
    async for chunk in result.mappings().partitions(CHUNK):
        rows = []
        for row in chunk:
            if row["duties"] & NO_EXPORT and row["country"] != caller.country:
                found.left_out[row["country"]] += 1
            else:
                rows.append(dict(row))
        if rows:
            yield await _records(session, caller, rows, found, lines)


async def _records(
    session: AsyncSession, caller: Caller, rows: list[dict[str, Any]], found: Found, beside: Select[Any]
) -> list[Record]:
    lines: dict[UUID, list[Mapping[str, Any]]] = {}
    for line in (await session.execute(beside, {"record_ids": [row["record_id"] for row in rows]})).mappings():
        lines.setdefault(line["record_id"], []).append(dict(line))
    recalled = await recalled_among(session, [row["record_id"] for row in rows if row["country"] == caller.country])
    found.records.update(row["country"] for row in rows)
    found.recalled += len(recalled)
    for row in rows:
        found.obligations.update(obligations.named(row["duties"]))
    said = [sealing.opened(row) for row in rows]
    found.unreadable.update(row["country"] for row, opened in zip(rows, said, strict=True) if opened.unreadable)
    return [
        Record(
            row,
            present.facets(opened.disclosures),
            tuple(lines.get(row["record_id"], ())),
            row["record_id"] in recalled,
        )
        for row, opened in zip(rows, said, strict=True)
    ]


def seen(record: Record) -> tuple[UUID, int, int]:
    """What of a record a file holds: id, version, and the facets that were given."""
    return record.id, record.row["version"], record.row["mask"] & ALL


def opening(record: Record) -> Row:
    """The columns OPENING after the record's id, its version and the line."""
    row, facets = record.row, record.facets
    time, precision = _when(facets)
    kind = row["kind"] if row["status"] != "retracted" else "retraction"
    return (
        *(record.owner, row["agency"], kind, row["handling"], facets.get("reference"), time, precision),
        *(facets.get("where.country"), (facets.get("where.admin1") or {}).get("code")),
        *_where(facets),
    )


def closing(record: Record, copy_for: str) -> Row:
    """The columns CLOSING."""
    account: Mapping[str, Any] = record.facets.get("narrative") or {}
    duties = " ".join(obligations.named(record.row["duties"])) or None
    return account.get("text"), duties, record.recalled, copy_for


class Flat:
    """Records as rows of COLUMNS: one a line, or one for a record whose items are not disclosed. Pure."""

    def __init__(self, catalogue: Catalogue, copy_for: str) -> None:
        self._catalogue, self._copy_for = catalogue, copy_for

    def rows(self, records: Iterable[Record]) -> list[Row]:
        return [row for record in records for row in self._of(record)]

    def _of(self, record: Record) -> list[Row]:
        row, facets = record.row, record.facets
        transport: Mapping[str, Any] = facets.get("transport") or {}
        of_record = (str(record.id), row["version"])
        before = opening(record)
        after: Row = (
            *(transport.get("mode"), transport.get("conveyance"), transport.get("place_type")),
            " ".join(transport.get("concealment") or ()) or None,
            route(facets),
            (facets.get("persons") or {}).get("arrested"),
            *closing(record, self._copy_for),
        )
        reported = {item.get("line"): item for item in facets.get("items") or ()}
        if not record.lines:
            return [(*of_record, None, *before, *(None,) * 14, *after)]
        return [
            (*of_record, line["line"], *before, *self._line(line, reported.get(line["line"]) or {}), *after)
            for line in record.lines
        ]

    def _line(self, line: Mapping[str, Any], item: Mapping[str, Any]) -> Row:
        words: Mapping[str, Any] = item.get("reported") or {}
        return (
            *(line["substance"], self._named(line["substance"]), self._catalogue.resolution(line["substance"])),
            line["status"],
            *(words.get("substance"), words.get("quantity"), words.get("unit")),
            line["form"],
            *(plain(line["quantity"]), line["unit"]),
            *(plain(line["kg"]), plain(line["kg_low"]), plain(line["kg_high"]), line["rule"]),
        )

    def _named(self, code: str) -> str | None:
        entry = self._catalogue.get(code)
        return entry.substance.name_en if entry else None


def plain(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _when(facets: Mapping[str, Any]) -> tuple[str | None, str | None]:
    for precision in ("instant", "day", "month"):
        if (told := facets.get(f"when.{precision}")) is not None:
            return told, precision
    return None, None


def _where(facets: Mapping[str, Any]) -> tuple[float | None, float | None, str | None, int | None]:
    point: Mapping[str, Any] = facets.get("where.point") or {}
    if "lat" in point and "lon" in point:
        return float(point["lon"]), float(point["lat"]), "point", point.get("accuracy_m")
    if cell := facets.get("where.cell"):
        return *_centre(cell), "cell", None
    return None, None, None, None


@lru_cache(10_000)
def _centre(cell: str) -> tuple[float, float]:
    longitude, latitude = cell_centre(cell)
    return round(longitude, 6), round(latitude, 6)


def route(facets: Mapping[str, Any]) -> str | None:
    legs = facets.get("route") or ()
    return " ".join(f"{leg['role']}:{leg['country']}:{leg['certainty']}" for leg in legs) or None
