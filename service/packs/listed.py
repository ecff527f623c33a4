"""The packs of the caller's own country, newest first, page by page."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.packs.models import PACK
from service.paging import Cursors, before

_LISTED = tuple(column for column in PACK.c if column.name not in ("content", "workbook"))


class Listed(BaseModel):
    """Which packs are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[str | None, Field(pattern="^[a-z]{1,20}$", description="drafted, approved or discarded.")] = None
    form: Annotated[str | None, Field(max_length=30)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def listed(
    session: AsyncSession, caller: Caller, asked: Listed, cursors: Cursors
) -> tuple[list[dict[str, Any]], str | None]:
    """A page, and the cursor of the next one. Raises InvalidCursor."""
    bound = ["packs", caller.country, caller.agency, asked.model_dump_json(exclude={"cursor", "limit"})]
    query = select(*_LISTED).order_by(PACK.c.drafted_at.desc(), PACK.c.id.desc()).limit(asked.limit + 1)
    for column, value in ((PACK.c.state, asked.state), (PACK.c.form, asked.form)):
        if value is not None:
            query = query.where(column == value)
    if asked.cursor is not None:
        query = query.where(before(PACK.c.drafted_at, PACK.c.id, cursors.open(asked.cursor, bound)))
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return [dict(row) for row in shown], cursors.seal((last["drafted_at"], last["id"]), bound) if last else None
