"""One question to the shared reports, as one SELECT over the views the reader may see: filters, order, page.

Every condition acts on a disclosed value: the view has replaced what is withheld by NULL before the condition sees it.
Time means the disclosed start: a record disclosed by month counts as its first day (UTC). A box finds records whose
disclosed position, the point or the centre of the cell, lies in it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import FromClause

from service.geometry import Box
from service.paging import Key
from service.policies.gate import Reach
from service.problems import Problem
from service.records.registry import BITS, REPORTS
from service.seizures.models import LEAVES, RECALLED, RECORD, SHARED_LINE, SHARED_REFERENCE

BY_TIME = ("instant", "day", "month", "undated")
BY_PLACE = ("point", "cell")
# The disclosed time of a record whose time is withheld.
UNDATED: ColumnElement[datetime] = literal_column("'-infinity'::timestamptz")

SHOWN = ("record_id", "version", "kind", "agency", "country", "handling", "status", "mask", "disclosures", "duties")
_ASKED = (
    *("record_id", "version", "at", "kind", "country", "agency", "status", "scope_id"),
    *("place_country", "admin1", "transport_mode", "place_type", "concealment"),
)


class InvalidBox(Problem):
    """The bounding box is not west,south,east,north in degrees (RFC 7946 §5)."""


class Conditions(BaseModel):
    """Which records: on disclosed values only."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[datetime | None, Field(alias="from", description="Disclosed time from (inclusive).")] = None
    until: Annotated[datetime | None, Field(alias="to", description="Disclosed time to (exclusive).")] = None
    kind: Literal["seizure", "zero"] = "seizure"
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the seizure.")] = None
    admin1: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2.")] = None
    bbox: Annotated[str | None, Field(description="west,south,east,north in degrees.", max_length=100)] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code; its descendants are included.", max_length=40)
    ] = None
    status: Annotated[
        Literal["SUSP", "PRES", "CONF", "NEGA", "INCL"] | None, Field(description="Identification of a line.")
    ] = None
    transport: Annotated[str | None, Field(pattern=r"^[0-9]$", description="UNECE Recommendation 19.")] = None
    concealment: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$")] = None
    place_type: Annotated[str | None, Field(pattern=r"^[A-Z]{4}$")] = None
    reference: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    min_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="A line of at least this mass, kilograms."),
    ] = None
    max_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="The same line, of at most this mass."),
    ] = None
    retracted: Annotated[bool, Field(description="Retracted records instead of those that stand.")] = False

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

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

    def needs(self) -> int:
        """The facets that the filters look at: where none of them is given, nothing can match."""
        looked_at = {
            "items": self.of_lines or None,
            "transport": self.transport or self.concealment or self.place_type,
            "where.country": self.country,
            "where.admin1": self.admin1,
            "reference": self.reference,
        }
        return sum(1 << BITS[facet] for facet, value in looked_at.items() if value is not None)


class Search(Conditions):
    """The parameters of GET /v1/seizures."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None

    def bound_to(self, *reader: str) -> list[str]:
        """What a cursor of this question is sealed for."""
        return [*reader, self.model_dump_json(exclude={"cursor", "limit"})]


def page(search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, newest first; ties, and what has no time, in the order of their ids."""
    asked = _ASKED if search.bbox is None else (*_ASKED, "position")
    found, conditions = _found(search, reach, substances, asked)
    if after is not None:
        conditions.append(follows(found, after))
    at = func.nullif(found.c.at, UNDATED).label("at")
    return (
        select(found.c.record_id, found.c.version, at)
        .where(*conditions)  # outside the union: only a union without conditions merges its leaves in index order
        .order_by(found.c.at.desc(), found.c.record_id)
        .limit(search.limit + 1)
    )


def every(search: Conditions, reach: Reach, substances: frozenset[str], kind: str | None = None) -> Select[Any]:
    """The disclosed columns of all records that are asked for, in the order of pages; to be read as a stream. `kind` is
    of other records than reports.
    """
    asked = tuple(dict.fromkeys((*_ASKED, *SHOWN, "position")))
    found, conditions = _found(search, reach, substances, asked, kind)
    shown = (found.c[name] for name in SHOWN)
    return select(*shown).where(*conditions).order_by(found.c.at.desc(), found.c.record_id)


def _found(
    search: Conditions, reach: Reach, substances: frozenset[str], names: Iterable[str], kind: str | None = None
) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """The views of the levels that this reader has at all, and what is asked of their rows."""
    box = search.box()
    leaves = [
        LEAVES[level]
        for level in (BY_TIME if box is None else BY_PLACE)
        if reach.levels[level] and reach.levels[level] & search.needs() == search.needs()
    ]
    nothing = [] if leaves else [literal(False)]
    columns = list(names)
    found = union_all(
        *(select(*(leaf.c[name] for name in columns)) for leaf in leaves or [LEAVES[BY_TIME[0]]])
    ).subquery()
    given = reach.given_by(search.owner, found)
    conditions = [*nothing, given, *_conditions(found, search, kind), *_line_conditions(found, search, substances)]
    if box is not None:
        conditions.append(or_(*(_overlaps(found, half) for half in box.halves)))
    return found, conditions


def details(ids: Select[Any]) -> Select[Any]:
    """The disclosed columns of a page of ids, in its order."""
    at = ids.cte("page")
    return (
        select(*(RECORD.c[name] for name in SHOWN), RECORD.c.recalled, at.c.at.label("sort_key"))
        .join(at, and_(RECORD.c.record_id == at.c.record_id, RECORD.c.version == at.c.version))
        .order_by(at.c.at.desc().nulls_last(), at.c.record_id)
    )


def _of_one(*names: str) -> Select[Any]:
    return select(*(RECORD.c[name] for name in names)).where(RECORD.c.record_id == bindparam("record_id"))


# The latest version of a record, as disclosed: its facets; its signed form; its place in the log.
ONE = _of_one(*SHOWN, "recalled")
SIGNED = _of_one("country", "jwt", "disclosures", "recalled")
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
    clear = {
        "kind": kind or (None if search.retracted else search.kind),
        "agency": search.agency,
        "status": "retracted" if search.retracted else "reported",
    }
    masked = {
        "place_country": search.country,
        "admin1": search.admin1,
        "transport_mode": search.transport,
        "place_type": search.place_type,
    }
    conditions: list[ColumnElement[bool]] = [
        leaf.c[name] == value for name, value in clear.items() if value is not None
    ]
    if search.retracted and kind is None:
        conditions.append(leaf.c.kind.in_(REPORTS))
    conditions += [func.gate.same(leaf.c[name], value) for name, value in masked.items() if value is not None]
    if search.reference is not None:
        named = select(SHARED_REFERENCE.c.record_id).where(SHARED_REFERENCE.c.reference == search.reference)
        conditions.append(leaf.c.record_id.in_(named))
    if search.concealment is not None:
        conditions.append(literal(search.concealment) == func.any(leaf.c.concealment))
    if search.since is not None:
        conditions.append(leaf.c.at >= search.since)
    if search.until is not None:
        conditions.append(leaf.c.at < search.until)
    return conditions


def _line_conditions(leaf: FromClause, search: Conditions, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    line = SHARED_LINE.alias()
    conditions: list[ColumnElement[bool]] = []
    if search.substance is not None:
        conditions.append(line.c.substance.in_(sorted(substances)))
    if search.status is not None:
        conditions.append(line.c.status == search.status)
    if search.min_kg is not None:
        conditions.append(line.c.kg >= search.min_kg)
    if search.max_kg is not None:
        conditions.append(line.c.kg <= search.max_kg)
    if not conditions:
        return []
    same = and_(line.c.record_id == leaf.c.record_id, line.c.version == leaf.c.version)
    return [exists().where(same, *conditions)]


def _overlaps(leaf: FromClause, box: Box) -> ColumnElement[bool]:
    envelope = func.ST_MakeEnvelope(box.west, box.south, box.east, box.north, 4326)
    return leaf.c.position.op("OPERATOR(gate.&&)", is_comparison=True)(envelope)


def follows(leaf: FromClause, after: Key) -> ColumnElement[bool]:
    """What comes after the last row of a page."""
    at, record_id = after
    moment: Any = literal(at) if at is not None else UNDATED
    return or_(leaf.c.at < moment, and_(leaf.c.at == moment, leaf.c.record_id > record_id))
