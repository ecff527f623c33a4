"""One question to the shared records of an observed kind, as one SELECT over the views the reader may see.

Every condition acts on a disclosed value: what stands beside a record is in a view for those who are given the facet
that says it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, Uuid, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import FromClause

from service.observations.models import CLANDESTINE_SITE, OBSERVATION
from service.paging import Key
from service.policies.gate import Reach
from service.seizures.paged import ASKED, Paged, beside, conditions, given, newest


class Search(Paged):
    """The filters of records of observed kinds."""

    admin1: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2.")] = None
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
    min_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="An item of at least this mass, kilograms."),
    ] = None
    max_kg: Annotated[
        Decimal | None,
        Field(ge=0, le=10**12, decimal_places=24, description="The same item, of at most this mass."),
    ] = None

    @property
    def of_items(self) -> bool:
        return any(value is not None for value in (self.substance, self.aspect, self.min_kg, self.max_kg))

    def looked_at(self) -> Mapping[str, object]:
        return {
            **super().looked_at(),
            "items": self.of_items or None,
            "laboratory": self.site,
            "where.admin1": self.admin1,
        }


# The harmonised items of records, where the reader is given them.
ITEMS = (
    select(OBSERVATION)
    .where(OBSERVATION.c.record_id == func.any(bindparam("record_ids", type_=ARRAY(Uuid))))
    .order_by(OBSERVATION.c.record_id, OBSERVATION.c.line)
)


def page(kind: str, search: Search, reach: Reach, substances: frozenset[str], after: Key | None) -> Select[Any]:
    """The ids of one page and one row more, in the order of pages."""
    found, asked = given(search, reach, (*ASKED, "admin1"))
    asked += [found.c.kind == kind, *conditions(found, search, {"admin1": search.admin1})]
    return newest(found, [*asked, *_beside(found, search, substances)], after, search.limit)


def _beside(leaf: FromClause, search: Search, substances: frozenset[str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
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
        found.append(exists().where(beside(OBSERVATION, leaf), *asked))
    if search.site is not None:
        at_site = CLANDESTINE_SITE.c.types.contains([search.site])
        found.append(exists().where(beside(CLANDESTINE_SITE, leaf), at_site))
    return found
