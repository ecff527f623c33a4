"""A page of records of any kind: the filters that all kinds have, the views that a reader has, and the order.

Every condition acts on a disclosed value: the view has replaced what is withheld by NULL before the condition sees it.
Time means the disclosed start: a record disclosed by month counts as its first day (UTC).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import FromClause

from service.geometry import Box
from service.paging import Cursors, Key
from service.policies.gate import Reach
from service.records.registry import BITS
from service.seizures.models import LEAVES, RECORD, SHARED_REFERENCE

BY_TIME = ("instant", "day", "month", "undated")
# The disclosed time of a record whose time is withheld.
UNDATED: ColumnElement[datetime] = literal_column("'-infinity'::timestamptz")
_PLAN_ANEW = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
SHOWN = ("record_id", "version", "kind", "agency", "country", "handling", "status", "mask", "disclosures", "duties")
# What the filters of all kinds are compared with.
ASKED = ("record_id", "version", "at", "kind", "country", "agency", "status", "scope_id", "place_country")


class Filters(BaseModel):
    """Which records: on disclosed values only."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[datetime | None, Field(alias="from", description="Disclosed time from (inclusive).")] = None
    until: Annotated[datetime | None, Field(alias="to", description="Disclosed time to (exclusive).")] = None
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None
    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country of the event.")] = None
    substance: Annotated[
        str | None, Field(description="Catalogue code; its descendants are included.", max_length=40)
    ] = None
    reference: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    retracted: Annotated[bool, Field(description="Retracted records instead of those that stand.")] = False

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def looked_at(self) -> Mapping[str, object]:
        """By facet, what the filters say of it; None where they say nothing."""
        return {"where.country": self.country, "reference": self.reference}

    def needs(self) -> int:
        """The facets that the filters look at: where none of them is given, nothing can match."""
        return sum(1 << BITS[facet] for facet, value in self.looked_at().items() if value is not None)


class Paged(Filters):
    """The filters, a page at a time."""

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None

    def bound_to(self, *reader: str) -> list[str]:
        """What a cursor of this question is sealed for."""
        return [*reader, self.model_dump_json(exclude={"cursor", "limit"})]


def given(
    search: Filters, reach: Reach, names: Iterable[str], levels: Collection[str] = BY_TIME
) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """The views of the levels that this reader has at all, with these columns, and whose rows an answer may hold."""
    needs, columns = search.needs(), list(names)
    leaves = [LEAVES[level] for level in levels if reach.levels[level] and reach.levels[level] & needs == needs]
    nothing = [] if leaves else [literal(False)]
    found = union_all(
        *(select(*(leaf.c[name] for name in columns)) for leaf in leaves or [LEAVES[BY_TIME[0]]])
    ).subquery()
    return found, [*nothing, reach.given_by(search.owner, found)]


def conditions(leaf: FromClause, search: Filters, masked: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    """What the filters of all kinds ask, and that these masked columns be equal to what is asked."""
    asked: list[ColumnElement[bool]] = [leaf.c.status == ("retracted" if search.retracted else "reported")]
    if search.agency is not None:
        asked.append(leaf.c.agency == search.agency)
    equal = {"place_country": search.country, **masked}
    asked += [func.gate.same(leaf.c[name], value) for name, value in equal.items() if value is not None]
    if search.reference is not None:
        named = select(SHARED_REFERENCE.c.record_id).where(SHARED_REFERENCE.c.reference == search.reference)
        asked.append(leaf.c.record_id.in_(named))
    if search.since is not None:
        asked.append(leaf.c.at >= search.since)
    if search.until is not None:
        asked.append(leaf.c.at < search.until)
    return asked


def newest(found: FromClause, asked: Iterable[ColumnElement[bool]], after: Key | None, limit: int) -> Select[Any]:
    """The ids of one page and one row more, newest first; ties, and what has no time, in the order of their ids."""
    at = func.nullif(found.c.at, UNDATED).label("at")
    # conditions stand outside the union: only a union without any merges its leaves in index order
    page = select(found.c.record_id, found.c.version, at).where(*asked)
    if after is not None:
        page = page.where(follows(found, after))
    return page.order_by(found.c.at.desc(), found.c.record_id).limit(limit + 1)


def details(ids: Select[Any]) -> Select[Any]:
    """The disclosed columns of a page of ids, in its order."""
    at = ids.cte("page")
    return (
        select(*(RECORD.c[name] for name in SHOWN), RECORD.c.recalled, at.c.at.label("sort_key"))
        .join(at, and_(RECORD.c.record_id == at.c.record_id, RECORD.c.version == at.c.version))
        .order_by(at.c.at.desc().nulls_last(), at.c.record_id)
    )


async def plan_for_what_is_asked(session: AsyncSession) -> None:
    """From here on in this transaction statements are planned for the values that they are given.

    A plan for any box walks through all that lies in a wide one for the page of a few.
    """
    await session.execute(_PLAN_ANEW)


def overlaps(leaf: FromClause, box: Box) -> ColumnElement[bool]:
    """What lies in a box that does not cross the antimeridian. See `plan_for_what_is_asked`."""
    envelope = func.ST_MakeEnvelope(box.west, box.south, box.east, box.north, 4326)
    return leaf.c.position.op("OPERATOR(gate.&&)", is_comparison=True)(envelope)


def follows(leaf: FromClause, after: Key) -> ColumnElement[bool]:
    """What comes after the last row of a page."""
    at, record_id = after
    moment: Any = literal(at) if at is not None else UNDATED
    return or_(leaf.c.at < moment, and_(leaf.c.at == moment, leaf.c.record_id > record_id))


def beside(table: FromClause, leaf: FromClause) -> ColumnElement[bool]:
    """What stands in another view of the same version of the record."""
    return and_(table.c.record_id == leaf.c.record_id, table.c.version == leaf.c.version)


async def turn_to(
    session: AsyncSession,
    question: Paged,
    bound_to: list[str],
    cursors: Cursors,
    page: Callable[[Key | None], Select[Any]],
) -> tuple[list[RowMapping], str | None]:
    """(the records of the page that the question's cursor opens, the cursor of the next one). Raises InvalidCursor."""
    after = cursors.open(question.cursor, bound_to) if question.cursor else None
    rows = (await session.execute(details(page(after)))).mappings().all()
    shown = list(rows[: question.limit])
    last = shown[-1] if len(rows) > question.limit else None
    return shown, cursors.seal((last["sort_key"], last["record_id"]), bound_to) if last else None
