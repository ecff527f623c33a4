"""One table of the records that a reader may count and not see, as far as its cells may be told."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.disclosure import MEMBERS, Cell, Disclosed, disclose, hierarchies
from service.identity.caller import Caller
from service.paging import Cursors

Month = Annotated[str, Field(pattern=r"^(19|20)\d{2}-(0[1-9]|1[0-2])$", examples=["2025-01"])]
_CELLS = text(
    """SELECT period, place, substance, events, weighed, kg, largest, agency_largest, key_sum
       FROM gate.aggregate_cells(:time, :place, :substance, :first, :last)"""
)
_VERSION = text("SELECT gate.policy_version()")
_OWNERS = text("SELECT owner, records FROM gate.aggregate_owners(:first, :last)")


class Question(BaseModel):
    """A level of each hierarchy, over whole periods of the level of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: hierarchies.Time
    place: hierarchies.Place = "region"
    substance: hierarchies.Substance = "group"
    first_month: Month
    last_month: Month
    limit: Annotated[int, Field(ge=1, le=10_000, description="Cells of a page.")] = 1000
    cursor: Annotated[str | None, Field(max_length=512, description="`next` of the page before.")] = None

    @model_validator(mode="after")
    def _whole_periods(self) -> "Question":
        if self.first_month > self.last_month:
            raise ValueError("first_month is after last_month")
        length = {"year": 12, "quarter": 3, "month": 1}[self.time]
        if (int(self.first_month[5:]) - 1) % length or int(self.last_month[5:]) % length:
            raise ValueError(f"the months must be whole {self.time}s")
        return self

    def months(self) -> dict[str, date]:
        return {
            "first": date.fromisoformat(f"{self.first_month}-01"),
            "last": date.fromisoformat(f"{self.last_month}-01"),
        }


class AggregateCell(BaseModel):
    """A disturbed figure; `kg` is null where the mass is withheld."""

    time: str
    place: str
    substance: str
    events: int
    kg: str | None


class Aggregates(BaseModel):
    """The cells that may be told, in the order of time, place and substance. A missing cell is not a zero."""

    time: Literal["year", "quarter", "month"]
    place: Literal["region", "country", "admin1"]
    substance: Literal["all", "group", "class", "substance"]
    threshold: int
    cells: list[AggregateCell]
    next: str | None


async def ask(session: AsyncSession, caller: Caller, question: Question, cursors: Cursors) -> Aggregates:
    """A page of the cells that may be told. Raises InvalidCursor."""
    version = await session.scalar(_VERSION) or ""
    asked = question.model_dump_json(exclude={"cursor", "limit"})
    bound_to = ["aggregates", caller.key_id, caller.purpose or "", version, asked]
    after = tuple(cursors.open_values(question.cursor, bound_to)) if question.cursor is not None else ()
    levels = question.model_dump(include={"time", "place", "substance"})
    rows: Any = await session.execute(_CELLS, {**levels, **question.months()})
    cells = [
        Cell(
            dimensions=(row.period, row.place, row.substance),
            events=row.events,
            weighed=row.weighed,
            kg=row.kg,
            largest=tuple(row.largest),
            agency_largest=row.agency_largest,
            key_sum=row.key_sum,
        )
        for row in rows
    ]
    told = [cell for cell in map(_told, disclose(cells)) if cell is not None]
    left = [cell for cell in told if (cell.time, cell.place, cell.substance) > after]  # in the order of the database
    shown = left[: question.limit]
    following = None
    if len(left) > question.limit:
        following = cursors.seal_values([shown[-1].time, shown[-1].place, shown[-1].substance], bound_to)
    return Aggregates(**levels, threshold=MEMBERS.least, cells=shown, next=following)


def _told(cell: Disclosed) -> AggregateCell | None:
    if cell.events is None:
        return None
    period, place, substance = cell.dimensions
    kg = None if cell.kg is None else format(cell.kg, "f")
    return AggregateCell(time=period, place=place, substance=substance, events=cell.events, kg=kg)


async def owners(session: AsyncSession, question: Question) -> dict[str, int]:
    """Whose records were counted, and how many of each: for the access log, not for the reader."""
    rows = await session.execute(_OWNERS, question.months())
    return {str(row.owner): int(row.records) for row in rows}
