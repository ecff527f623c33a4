"""Read saved questions, one's own and those shared with one, and ask one as oneself."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.paging import Cursors
from service.policies.gate import reach
from service.problems import NotFound
from service.questions.models import QUESTION
from service.questions.save import trend
from service.substances.catalogue import Catalogue
from service.trends.tell import Told, tell

TIMES = ("made_at", "next_at", "told_at", "changed_at")


class Listed(BaseModel):
    """Which questions are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def listed(session: AsyncSession, caller: Caller, asked: Listed, cursors: Cursors) -> dict[str, Any]:
    """Newest first. Raises InvalidCursor."""
    bound = ["questions", caller.key_id]
    query = select(QUESTION).order_by(QUESTION.c.made_at.desc(), QUESTION.c.id.desc()).limit(asked.limit + 1)
    if asked.cursor is not None:
        query = query.where(tuple_(QUESTION.c.made_at, QUESTION.c.id) < cursors.open(asked.cursor, bound))
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return {
        "items": [shown_as(dict(row)) for row in shown],
        "next": cursors.seal((last["made_at"], last["id"]), bound) if last else None,
    }


async def one(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """Raises NotFound, also for a question that is not shared with the caller."""
    row = (await session.execute(select(QUESTION).where(QUESTION.c.id == id_))).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such question, or it is not shared with you")
    return shown_as(dict(row))


async def answered(session: AsyncSession, id_: UUID, catalogue: Catalogue) -> Told:
    """What the question says to the caller. Raises NotFound and what GET /v1/trends does."""
    question = trend((await one(session, id_))["asks"], catalogue)
    return await tell(session, question, catalogue, await reach(session))


def shown_as(row: dict[str, Any]) -> dict[str, Any]:
    made = {name: row[name] for name in ("agency", "purpose", "name", "asks", "view", "shared", "mine")}
    made = {"id": str(row["id"]), **made, "made_at": row["made_at"].isoformat()}
    if row["mine"]:
        made["schedule"] = row["schedule"]
        made["threshold"] = None if row["threshold"] is None else format(row["threshold"], "f")
        made |= {name: row[name] and row[name].isoformat() for name in TIMES if name != "made_at"}
    return made
