"""One question to the shared records of an observed kind, as one SELECT over the views the reader may see.

Every condition acts on a disclosed value: what stands beside a record is in a view for those who are given the facet
that says it.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, exists, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import FromClause

from service.observations.models import CLANDESTINE_SITE, OBSERVATION
from service.paging import Key
from service.policies.gate import Reach
from service.records.registry import BITS
from service.seizures.models import LEAVES, SHARED, SHARED_REFERENCE
from service.seizures.query import BY_TIME, UNDATED, follows

_ASKED = ("record_id", "version", "at", "kind", "country", "scope_id", "agency", "status", "place_country", "admin1")


class Search(BaseModel):
    """The filters of records of observed kinds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[datetime | None, Field(alias="from", description="Disclosed time from (inclusive).")] = None
    until: Annotated[datetime | None, Field(alias="to", description="Disclosed time to (exclusive).")] = None
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the event.")] = None
    admin1: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2.")] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code of an item; its descendants are included.", max_length=40)
    ] = None
    aspect: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Z_]{2,24}$",
            description="Of an item: type of incident, role in the laboratory, or level of the market.",
        ),
    ] = None
    site: Annotated[str | None, Field(pattern=r"^[A-Z_]{2,24}$", description="Type of a clandestine laboratory.")] = (
        None
    )
    reference: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    min_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="An item of at least this mass, kilograms."),
    ] = None
    max_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="The same item, of at most this mass."),
    ] = None
    retracted: Annotated[bool, Field(description="Retracted records instead of those that stand.")] = False
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def bound_to(self, kind: str, *reader: str) -> list[str]:
        """What a cursor of this question is sealed for."""
        return [*reader, kind, self.model_dump_json(exclude={"cursor", "limit"})]

    @property
    def of_items(self) -> bool:
        return any(value is not None for value in (self.substance, self.aspect, self.min_kg, self.max_kg))

    def needs(self) -> int:
        """The facets that the filters look at: where none of them is given, nothing can match."""
        looked_at = {
            "items": self.of_items or None,
            "laboratory": self.site,
            "where.country": self.country,
            "where.admin1": self.admin1,
            "reference": self.reference,
        }
        return sum(1 << BITS[facet] for facet, value in looked_at.items() if value is not None)


# The harmonised items of records, where the reader is given them.
ITEMS = (
    select(OBSERVATION)
    .where(OBSERVATION.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid))))
    .order_by(OBSERVATION.c.record_id, OBSERVATION.c.line)
)


def page(kind: str, search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, newest first; ties, and what has no time, in the order of their ids."""
    needs = search.needs()
    leaves = [LEAVES[level] for level in BY_TIME if reach.levels[level] and reach.levels[level] & needs == needs]
    if not leaves:
        return select(SHARED.c.record_id, SHARED.c.version, SHARED.c.at).where(literal(False))
    found = union_all(*(select(*(leaf.c[name] for name in _ASKED)) for leaf in leaves)).subquery()
    given = reach.given_by(search.owner, found)
    conditions = [given, *_conditions(kind, found, search), *_beside(found, search, substances)]
    if after is not None:
        conditions.append(follows(found, after))
    at = func.nullif(found.c.at, UNDATED).label("at")
    return (
        select(found.c.record_id, found.c.version, at)
        .where(*conditions)
        .order_by(found.c.at.desc(), found.c.record_id)
        .limit(search.limit + 1)
    )


def _conditions(kind: str, leaf: FromClause, search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        leaf.c.kind == kind,
        leaf.c.status == ("retracted" if search.retracted else "reported"),
    ]
    if search.agency is not None:
        conditions.append(leaf.c.agency == search.agency)
    masked = {"place_country": search.country, "admin1": search.admin1}
    conditions += [func.gate.same(leaf.c[name], value) for name, value in masked.items() if value is not None]
    if search.reference is not None:
        named = select(SHARED_REFERENCE.c.record_id).where(SHARED_REFERENCE.c.reference == search.reference)
        conditions.append(leaf.c.record_id.in_(named))
    if search.since is not None:
        conditions.append(leaf.c.at >= search.since)
    if search.until is not None:
        conditions.append(leaf.c.at < search.until)
    return conditions


def _beside(leaf: FromClause, search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.of_items:
        asked: list[ColumnElement[bool]] = []
        if search.substance is not None:
            asked.append(OBSERVATION.c.substance.in_(sorted(substances)))
        if search.aspect is not None:
            asked.append(OBSERVATION.c.aspect == search.aspect)
        if search.min_kg is not None:
            asked.append(OBSERVATION.c.kg >= search.min_kg)
        if search.max_kg is not None:
            asked.append(OBSERVATION.c.kg <= search.max_kg)
        conditions.append(exists().where(_same(OBSERVATION, leaf), *asked))
    if search.site is not None:
        conditions.append(
            exists().where(_same(CLANDESTINE_SITE, leaf), CLANDESTINE_SITE.c.types.contains([search.site]))
        )
    return conditions


def _same(beside: FromClause, leaf: FromClause) -> ColumnElement[bool]:
    return and_(beside.c.record_id == leaf.c.record_id, beside.c.version == leaf.c.version)
