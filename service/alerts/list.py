"""Candidates and alerts as lists, newest first, page by page; and one alert with the answers to it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.events import alert_of, candidate_of
from service.alerts.life import one
from service.alerts.models import ALERT, ANSWER, CANDIDATE
from service.identity.caller import Caller
from service.identity.groups import members
from service.paging import Cursors


class Asked(BaseModel):
    """Which of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[
        Literal["candidate", "raised", "dismissed", "reviewed", "issued", "closed", "retracted"] | None, Field()
    ] = None
    rule: Annotated[str | None, Field(max_length=40, pattern="^[A-Z_]+$")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def candidates(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """Of the caller's agency and for its purpose. Raises InvalidCursor."""
    rows, following = await _page(session, caller, asked, cursors, view=CANDIDATE, at=CANDIDATE.c.at)
    return {"items": [candidate_of(row) for row in rows], "next": following}


async def alerts(session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors) -> dict[str, Any]:
    """Those that reach the caller, and its own country's. Raises InvalidCursor."""
    rows, following = await _page(session, caller, asked, cursors, view=ALERT, at=ALERT.c.reviewed_at)
    return {"items": [alert_of(row) for row in rows], "next": following}


async def _page(
    session: AsyncSession, caller: Caller, asked: Asked, cursors: Cursors, *, view: Table, at: Any
) -> tuple[list[Any], str | None]:
    bound = [*caller.standing, view.name, asked.model_dump_json(exclude={"cursor", "limit"})]
    query = select(view).order_by(at.desc(), view.c.id.desc()).limit(asked.limit + 1)
    if view is CANDIDATE:
        query = query.where(view.c.purpose == caller.purpose)
    if asked.state is not None:
        query = query.where(view.c.state == asked.state)
    if asked.rule is not None:
        query = query.where(view.c.rule == asked.rule)
    if asked.cursor is not None:
        query = query.where(tuple_(at, view.c.id) < cursors.open(asked.cursor, bound))
    rows = (await session.execute(query)).mappings().all()
    last = rows[asked.limit - 1] if len(rows) > asked.limit else None
    return list(rows[: asked.limit]), cursors.seal((last[at.name], last["id"]), bound) if last else None


async def alert(session: AsyncSession, caller: Caller, id_: UUID) -> dict[str, Any]:
    """One alert, with the answers that the caller may know: its own country's, or all of them to the issuer.

    `awaiting`, for the issuer alone: the countries that it is addressed to and that have not acknowledged it. Whether
    they see what it rests on is their owners' secret: it is not told from who reads and says nothing.

    Raises NotFound.
    """
    row = await one(session, id_)
    found = await session.execute(select(ANSWER).where(ANSWER.c.alert_id == id_).order_by(ANSWER.c.country))
    answers = found.mappings().all()
    awaiting = None
    if row["country"] == caller.country and row["issued_at"] is not None:
        addressed = row["countries"] or await members(session)
        awaiting = sorted(set(addressed) - {answer["country"] for answer in answers} - {caller.country})
    return alert_of(row) | {
        "answers": [
            {
                "country": answer["country"],
                "agency": answer["acknowledged_agency"],
                "acknowledged": answer["acknowledged_at"].isoformat(),
                "action": answer["action"],
                "useful": answer["useful"],
            }
            for answer in answers
        ],
        "awaiting": awaiting,
    }
