"""List the requests that concern the caller, on either side, with what is overdue."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.paging import Cursors, before
from service.policies import obligations
from service.records.registry import named
from service.releases.answer import find
from service.releases.models import REQUEST

STATES = ("open", "overdue", "answered", "refused", "withdrawn")


class Asked(BaseModel):
    """Which requests: those to answer, or those that the caller's agency made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["owner", "asker"] = "owner"
    state: Annotated[
        Literal["open", "overdue", "answered", "refused", "withdrawn"] | None,
        Field(description="`open` is within its deadline, `overdue` past it."),
    ] = None
    record: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def listed(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """One page, newest first, and how many of the role there are in each state. Raises InvalidCursor."""
    now = datetime.now(UTC)
    bound_to = ["requests", caller.country, caller.agency, asked.model_dump_json(exclude={"cursor", "limit"})]
    mine = _side(caller, asked.role)
    query = select(REQUEST).where(mine).order_by(REQUEST.c.asked_at.desc(), REQUEST.c.id.desc())
    if asked.state is not None:
        query = query.where(_in_state(asked.state, now))
    if asked.record is not None:
        query = query.where(REQUEST.c.record_id == asked.record)
    if asked.cursor is not None:
        query = query.where(before(REQUEST.c.asked_at, REQUEST.c.id, cursors.open(asked.cursor, bound_to)))
    rows = (await session.execute(query.limit(asked.limit + 1))).all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    in_states = [func.count().filter(_in_state(state, now)).label(state) for state in STATES]
    counts = (await session.execute(select(*in_states).select_from(REQUEST).where(mine))).mappings().one()
    return {
        "items": [document(row, now) for row in shown],
        "next": cursors.seal((last.asked_at, last.id), bound_to) if last else None,
        "counts": dict(counts),
    }


async def one(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """Raises NotFound, also for a request between others."""
    return document(await find(session, id_), datetime.now(UTC))


def document(row: Any, now: datetime) -> dict[str, Any]:
    """A request as JSON, the same for both sides."""
    said: dict[str, Any] = {
        "id": str(row.id),
        "record": str(row.record_id),
        "owner": row.owner,
        "agency": row.asker_agency,
        "purpose": row.purpose,
        "case": row.case_reference,
        "reason": row.reason,
        "facets": named(row.wanted),
        "asked_at": row.asked_at.isoformat(),
        "deadline": row.deadline.isoformat(),
        "state": "overdue" if row.state == "open" and row.deadline <= now else row.state,
    }
    if row.state == "answered":
        said["answer"] = {
            "facets": named(row.given),
            "until": row.given_until.isoformat(),
            "expired": row.given_until <= now,
            "obligations": obligations.named(row.duties),
            "text": row.said,
        }
    if row.state == "refused":
        said["answer"] = {"refusal": row.refusal, "text": row.said}
    if row.settled_at is not None:
        said["settled_at"] = row.settled_at.isoformat()
    return said


def _side(caller: Caller, role: str) -> ColumnElement[bool]:
    if role == "owner":
        return REQUEST.c.owner == caller.country
    return and_(REQUEST.c.asker_country == caller.country, REQUEST.c.asker_agency == caller.agency)


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    if state == "open":
        return and_(REQUEST.c.state == "open", REQUEST.c.deadline > now)
    if state == "overdue":
        return and_(REQUEST.c.state == "open", REQUEST.c.deadline <= now)
    return REQUEST.c.state == state
