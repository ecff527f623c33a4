"""One question to the shared analyses, as one SELECT over the views the reader may see.

Every condition acts on a disclosed value: what stands beside an analysis is in a view for those who are given the facet
that says it.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select, union_all
from sqlalchemy.sql.expression import FromClause

from service.analyses.models import ANALYSIS, CONTENT, FINDING
from service.paging import Key
from service.policies.gate import Reach
from service.records.registry import BITS
from service.seizures.models import LEAVES, SHARED, SHARED_REFERENCE
from service.seizures.query import BY_TIME, UNDATED, follows

KINDS = ("analysis",)
_ASKED = ("record_id", "version", "at", "kind", "country", "scope_id", "agency", "status", "place_country")


class Search(BaseModel):
    """The filters of GET /v1/analyses."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[datetime | None, Field(alias="from", description="Disclosed time from (inclusive).")] = None
    until: Annotated[datetime | None, Field(alias="to", description="Disclosed time to (exclusive).")] = None
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the laboratory.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$", description="Laboratory.")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code of a finding; its descendants are included.", max_length=40)
    ] = None
    role: Annotated[
        Literal["MAIN", "MINOR", "ADULTERANT", "DILUENT", "PRECURSOR", "IMPURITY"] | None,
        Field(description="Of the finding."),
    ] = None
    level: Annotated[
        Literal["IDENTIFIED", "CONSISTENT_WITH", "CLASS_ONLY", "UNKNOWN", "NOT_DETECTED"] | None,
        Field(description="Of the finding."),
    ] = None
    technique: Annotated[str | None, Field(pattern=r"^[A-Z]{2,3}$")] = None
    exhibit: Annotated[str | None, Field(max_length=60, pattern=r"^[^\x00]*$", description="Exhibit number.")] = None
    reference: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    min_purity: Annotated[Decimal | None, Field(ge=0, le=100, decimal_places=10, description="Per cent by mass.")] = (
        None
    )
    max_purity: Annotated[Decimal | None, Field(ge=0, le=100, decimal_places=10, description="Per cent by mass.")] = (
        None
    )
    retracted: Annotated[bool, Field(description="Retracted analyses instead of those that stand.")] = False
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def bound_to(self, *reader: str) -> list[str]:
        """What a cursor of this question is sealed for."""
        return [*reader, "analyses", self.model_dump_json(exclude={"cursor", "limit"})]

    def needs(self) -> int:
        """The facets that the filters look at: where none of them is given, nothing can match."""
        measured = self.min_purity is not None or self.max_purity is not None
        looked_at = {
            # with a purity the substance is the one that was measured, which the facet purity does not say
            "items": self.substance or self.role or self.level,
            "purity": measured or None,
            "laboratory": self.technique or self.exhibit,
            "where.country": self.country,
            "reference": self.reference,
        }
        return sum(1 << BITS[facet] for facet, value in looked_at.items() if value is not None)


def page(search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, newest first; ties, and what has no time, in the order of their ids."""
    needs = search.needs()
    leaves = [LEAVES[level] for level in BY_TIME if reach.levels[level] and reach.levels[level] & needs == needs]
    if not leaves:
        return select(SHARED.c.record_id, SHARED.c.version, SHARED.c.at).where(literal(False))
    found = union_all(*(select(*(leaf.c[name] for name in _ASKED)) for leaf in leaves)).subquery()
    given = reach.given_by(search.owner, found)
    conditions = [given, *_conditions(found, search), *_beside(found, search, substances)]
    if after is not None:
        conditions.append(follows(found, after))
    at = func.nullif(found.c.at, UNDATED).label("at")
    return (
        select(found.c.record_id, found.c.version, at)
        .where(*conditions)
        .order_by(found.c.at.desc(), found.c.record_id)
        .limit(search.limit + 1)
    )


def _conditions(leaf: FromClause, search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        leaf.c.kind.in_(KINDS),
        leaf.c.status == ("retracted" if search.retracted else "reported"),
    ]
    if search.agency is not None:
        conditions.append(leaf.c.agency == search.agency)
    if search.country is not None:
        conditions.append(func.gate.same(leaf.c.place_country, search.country))
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
    if search.technique is not None or search.exhibit is not None:
        asked = [
            column.contains([value])
            for column, value in ((ANALYSIS.c.techniques, search.technique), (ANALYSIS.c.exhibits, search.exhibit))
            if value is not None
        ]
        conditions.append(exists().where(_same(ANALYSIS, leaf), *asked))
    if search.needs() >> BITS["items"] & 1:
        conditions.append(exists().where(_same(FINDING, leaf), *_of_finding(search, substances)))
    if search.needs() >> BITS["purity"] & 1:
        conditions.append(exists().where(_same(CONTENT, leaf), *_of_content(search, substances)))
    return conditions


def _of_finding(search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if search.substance is not None:
        conditions.append(FINDING.c.substance.in_(sorted(substances)))
    if search.role is not None:
        conditions.append(FINDING.c.role == search.role)
    if search.level is not None:
        conditions.append(FINDING.c.level == search.level)
    return conditions


def _of_content(search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [CONTENT.c.unit == "%"]
    if search.substance is not None:
        conditions.append(_finding_measured(substances))
    if search.min_purity is not None:
        conditions.append(CONTENT.c.value >= search.min_purity)
    if search.max_purity is not None:
        conditions.append(CONTENT.c.value <= search.max_purity)
    return conditions


def _finding_measured(substances: frozenset[str]) -> ColumnElement[bool]:
    """The substance of a content is said by `items`, so the finding is asked, not the content."""
    finding = FINDING.alias()
    return exists().where(
        _same(finding, CONTENT), finding.c.line == CONTENT.c.line, finding.c.substance.in_(sorted(substances))
    )


def _same(beside: FromClause, leaf: FromClause) -> ColumnElement[bool]:
    return and_(beside.c.record_id == leaf.c.record_id, beside.c.version == leaf.c.version)
