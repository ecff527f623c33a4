"""The pending queue: exhibits of the caller's own country whose other half has not come.

An analysis waits for the report that carries its exhibit's number, a report's line for a laboratory's result. What
another country filed does not count, on either side, so that the queue tells nothing of others. A report whose result
has come, and which its rules keep off the line, says so: what it waits for is something else.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, DateTime, Integer, Table, Text, Uuid, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Base
from service.identity.caller import Caller
from service.paging import Cursors

WAITING = Table(
    "exhibit_waiting",
    Base.metadata,
    Column("side", Text),
    Column("record_id", Uuid),
    Column("agency", Text),
    Column("received_at", DateTime(timezone=True)),
    Column("exhibits", ARRAY(Text)),
    schema="shared",
    info={"is_view": True},
)

# Own results that stand off an own line, and why: it is marked more strictly than the report (`handling`), its
# substance is known to its own country alone (`unpublished`), or there is no room for a scope of the record's own with
# the substance's group (`group`).
HELD = Table(
    "exhibit_held",
    Base.metadata,
    Column("record_id", Uuid),
    Column("line", Integer),
    Column("agency", Text),
    Column("exhibit", Text),
    Column("analysis_id", Uuid),
    Column("reason", Text),
    schema="shared",
    info={"is_view": True},
)


class Asked(BaseModel):
    """A page of the queue, what has waited least first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: Annotated[
        Literal["analysis", "report"],
        Field(description="Analyses awaiting a report, or reports awaiting a result."),
    ] = "analysis"
    agency: Annotated[str | None, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def waiting(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """Raises InvalidCursor."""
    bound_to = [caller.country, "exhibits", asked.model_dump_json(exclude={"cursor", "limit"})]
    place = (WAITING.c.received_at, WAITING.c.record_id)
    query = select(WAITING).where(WAITING.c.side == asked.side)
    if asked.agency is not None:
        query = query.where(WAITING.c.agency == asked.agency)
    if asked.cursor is not None:
        query = query.where(tuple_(*place) < tuple_(*cursors.open(asked.cursor, bound_to)))
    query = query.order_by(*(column.desc() for column in place)).limit(asked.limit + 1)
    rows = (await session.execute(query)).all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    following = cursors.seal((shown[-1].received_at, shown[-1].record_id), bound_to) if more else None
    held = await _held(session, [row.record_id for row in shown] if asked.side == "report" else [])
    items = [
        {
            "record": str(row.record_id),
            "agency": row.agency,
            "since": row.received_at.isoformat(),
            "exhibits": row.exhibits,
            "held": held[row.record_id],
        }
        for row in shown
    ]
    return {"items": items, "next": following}


async def _held(session: AsyncSession, reports: Collection[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    """Of each report the results that have come and stand off its lines."""
    query = select(HELD).where(HELD.c.record_id.in_(reports)).order_by(HELD.c.record_id, HELD.c.line)
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in (await session.execute(query)).all() if reports else ():
        found[row.record_id].append(
            {"line": row.line, "exhibit": row.exhibit, "analysis": str(row.analysis_id), "reason": row.reason}
        )
    return found
