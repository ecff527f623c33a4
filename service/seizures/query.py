"""One question to the shared reports, as one SELECT over the views the reader may see: filters, order, page.

A box finds records whose disclosed position, the point or the centre of the cell, lies in it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, Uuid, bindparam, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import FromClause

from service.geometry import Box
from service.paging import Key
from service.policies.gate import Reach
from service.problems import Problem
from service.records.registry import REPORTS
from service.seizures.models import RECALLED, RECORD, SHARED_LINE
from service.seizures.paged import ASKED, BY_TIME, SHOWN, Filters, Paged, beside, conditions, given, newest, overlaps

BY_PLACE = ("point", "cell")
_ASKED = (*ASKED, "admin1", "transport_mode", "place_type", "concealment")


class InvalidBox(Problem):
    """The bounding box is not west,south,east,north in degrees (RFC 7946 §5)."""


class Conditions(Filters):
    """Which reports: on disclosed values only."""

    kind: Literal["seizure", "zero"] = "seizure"
    admin1: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2.")] = None
    bbox: Annotated[str | None, Field(description="west,south,east,north in degrees.", max_length=100)] = None
    status: Annotated[
        Literal["SUSP", "PRES", "CONF", "NEGA", "INCL"] | None, Field(description="Identification of a line.")
    ] = None
    transport: Annotated[str | None, Field(pattern=r"^[0-9]$", description="UNECE Recommendation 19.")] = None
    concealment: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$")] = None
    place_type: Annotated[str | None, Field(pattern=r"^[A-Z]{4}$")] = None
    min_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="A line of at least this mass, kilograms."),
    ] = None
    max_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="The same line, of at most this mass."),
    ] = None

    def box(self) -> Box | None:
        """Raises InvalidBox."""
        if self.bbox is None:
            return None
        try:
            west, south, east, north = (float(number) for number in self.bbox.split(","))
        except ValueError:
            raise InvalidBox("expected four numbers: west,south,east,north", parameter="bbox") from None
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise InvalidBox("expected degrees within ±180 and ±90, south not above north", parameter="bbox")
        return Box(west, south, east, north)

    @property
    def of_lines(self) -> bool:
        return any(value is not None for value in (self.substance, self.status, self.min_kg, self.max_kg))

    def looked_at(self) -> Mapping[str, object]:
        return {
            **super().looked_at(),
            "items": self.of_lines or None,
            "transport": self.transport or self.concealment or self.place_type,
            "where.admin1": self.admin1,
        }


class Search(Conditions, Paged):
    """The parameters of GET /v1/seizures."""


def page(search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, in the order of pages."""
    names = _ASKED if search.bbox is None else (*_ASKED, "position")
    return newest(*_found(search, reach, substances, names), after, search.limit)


def every(search: Conditions, reach: Reach, substances: frozenset[str], kind: str | None = None) -> Select[Any]:
    """The disclosed columns of all records that are asked for, and their scopes, in the order of pages; to be read as a
    stream. `kind` is of other records than reports.
    """
    names = dict.fromkeys((*_ASKED, *SHOWN, "position"))
    found, asked = _found(search, reach, substances, names, kind)
    shown = (found.c[name] for name in (*SHOWN, "scope_id"))
    return select(*shown).where(*asked).order_by(found.c.at.desc(), found.c.record_id)


def _found(
    search: Conditions, reach: Reach, substances: frozenset[str], names: Iterable[str], kind: str | None = None
) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """The views of the levels that this reader has at all, and what is asked of their rows."""
    box = search.box()
    found, asked = given(search, reach, names, BY_TIME if box is None else BY_PLACE)
    asked += [*_conditions(found, search, kind), *_line_conditions(found, search, substances)]
    if box is not None:
        asked.append(or_(*(overlaps(found, half) for half in box.halves)))
    return found, asked


def _of_one(*names: str) -> Select[Any]:
    return select(*(RECORD.c[name] for name in names)).where(RECORD.c.record_id == bindparam("record_id"))


# The latest version of a record, as disclosed: its facets; its signed form; its place in the log.
ONE = _of_one(*SHOWN, "recalled")
SIGNED = _of_one("record_id", "version", "country", "jwt", "disclosures", "recalled")
LOGGED = _of_one("country", "leaf_hash", "log_salt")

# The harmonised lines of records, where the reader is given them.
LINES = (
    select(SHARED_LINE)
    .where(SHARED_LINE.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid))))
    .order_by(SHARED_LINE.c.record_id, SHARED_LINE.c.line)
)


# Which of some own records are recalled.
RECALLINGS = select(RECALLED.c.record_id).where(
    RECALLED.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid)))
)


def _conditions(leaf: FromClause, search: Conditions, kind: str | None) -> list[ColumnElement[bool]]:
    masked = {"admin1": search.admin1, "transport_mode": search.transport, "place_type": search.place_type}
    asked = conditions(leaf, search, masked)
    if search.retracted and kind is None:
        asked.append(leaf.c.kind.in_(REPORTS))
    else:
        asked.append(leaf.c.kind == (kind or search.kind))
    if search.concealment is not None:
        asked.append(literal(search.concealment) == func.any(leaf.c.concealment))
    return asked


def _line_conditions(leaf: FromClause, search: Conditions, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    line = SHARED_LINE.alias()
    asked: list[ColumnElement[bool]] = []
    if search.substance is not None:
        asked.append(line.c.substance.in_(sorted(substances)))
    if search.status is not None:
        asked.append(line.c.status == search.status)
    if search.min_kg is not None:
        asked.append(line.c.kg >= search.min_kg)
    if search.max_kg is not None:
        asked.append(line.c.kg <= search.max_kg)
    return [exists().where(beside(line, leaf), *asked)] if asked else []
