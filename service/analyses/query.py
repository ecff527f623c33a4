"""One question to the shared analyses, as one SELECT over the views the reader may see.

Every condition acts on a disclosed value: what stands beside an analysis is in a view for those who are given the facet
that says it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, exists
from sqlalchemy.sql.expression import FromClause

from service.analyses.models import ANALYSIS, CONTENT, FINDING
from service.paging import Key
from service.policies.gate import Reach
from service.records.registry import BITS
from service.seizures.paged import ASKED, Paged, beside, conditions, given, newest

KINDS = ("analysis",)


class Search(Paged):
    """The filters of GET /v1/analyses."""

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
    min_purity: Annotated[Decimal | None, Field(ge=0, le=100, decimal_places=10, description="Per cent by mass.")] = (
        None
    )
    max_purity: Annotated[Decimal | None, Field(ge=0, le=100, decimal_places=10, description="Per cent by mass.")] = (
        None
    )

    def bound_to(self, *reader: str) -> list[str]:
        return super().bound_to(*reader, "analyses")

    def looked_at(self) -> Mapping[str, object]:
        measured = self.min_purity is not None or self.max_purity is not None
        return {
            **super().looked_at(),
            # with a purity the substance is the one that was measured, which the facet purity does not say
            "items": self.substance or self.role or self.level,
            "purity": measured or None,
            "laboratory": self.technique or self.exhibit,
        }


def page(search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, in the order of pages."""
    found, asked = given(search, reach, ASKED)
    asked += [found.c.kind.in_(KINDS), *conditions(found, search, {}), *_beside(found, search, substances)]
    return newest(found, asked, after, search.limit)


def _beside(leaf: FromClause, search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.technique is not None or search.exhibit is not None:
        asked = [
            column.contains([value])
            for column, value in ((ANALYSIS.c.techniques, search.technique), (ANALYSIS.c.exhibits, search.exhibit))
            if value is not None
        ]
        found.append(exists().where(beside(ANALYSIS, leaf), *asked))
    if search.needs() >> BITS["items"] & 1:
        found.append(exists().where(beside(FINDING, leaf), *_of_finding(search, substances)))
    if search.needs() >> BITS["purity"] & 1:
        found.append(exists().where(beside(CONTENT, leaf), *_of_content(search, substances)))
    return found


def _of_finding(search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.substance is not None:
        found.append(FINDING.c.substance.in_(sorted(substances)))
    if search.role is not None:
        found.append(FINDING.c.role == search.role)
    if search.level is not None:
        found.append(FINDING.c.level == search.level)
    return found


def _of_content(search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [CONTENT.c.unit == "%"]
    if search.substance is not None:
        found.append(_finding_measured(substances))
    if search.min_purity is not None:
        found.append(CONTENT.c.value >= search.min_purity)
    if search.max_purity is not None:
        found.append(CONTENT.c.value <= search.max_purity)
    return found


def _finding_measured(substances: frozenset[str]) -> ColumnElement[bool]:
    """The substance of a content is said by `items`, so the finding is asked, not the content."""
    finding = FINDING.alias()
    return exists().where(
        beside(finding, CONTENT), finding.c.line == CONTENT.c.line, finding.c.substance.in_(sorted(substances))
    )
