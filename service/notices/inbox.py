"""Read an inbox: newest first, page by page, or what came since the last look."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.notices.models import NOTICE
from service.notices.notify import acknowledge
from service.paging import Cursors
from service.problems import NotFound, Problem

KINDS = (
    "request-received",  # another country asks for a facet of a record of yours
    "request-answered",
    "request-refused",
    "request-withdrawn",
    "record-granted",  # an officer of your country has given a record of it to others, which it may alone
    "record-released",  # an officer of your country has ended a block, an embargo or a recall of a record of it
    "recall-received",  # records that you have read were recalled by their owner
    "recall-lifted",  # the owner has taken back its recall of one of them
    "recall-acknowledged",
    "alert-issued",  # an alert that your agency may see
    "alert-acknowledged",  # a country has read an alert of yours, or says what it did
    "alert-feedback",
    "alert-retracted",  # an alert that your country has acknowledged was wrong
    "question-changed",  # the answer of a saved question that is asked on a schedule is another
    "links-proposed",  # records of yours may belong together with others that you see
    "link-confirmed",  # the other party spoke on a link of one of your records
    "link-rejected",
    "link-undone",
    "pack-drafted",  # a report of your country waits for its focal point
    "result-changed",  # a laboratory's result, or its withdrawal, changed a line of a report of yours
    "result-waits",  # a result stands off a line of a report of yours, until somebody corrects or publishes something
)


class Look(BaseModel):
    """What of the inbox is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[Literal["open", "acknowledged"] | None, Field(description="All where it is not given.")] = None
    kind: Annotated[str | None, Field(max_length=40, pattern="^[a-z-]+$")] = None
    since: Annotated[str | None, Field(max_length=512, description="`since` of an earlier answer: what is newer.")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """`next` continues to older ones; `since` asks, another day, for what is newer than this answer; `open` counts
    every notice that is not acknowledged.
    """

    items: list[dict[str, Any]]
    next: str | None
    since: str | None
    open: int


async def look(session: AsyncSession, caller: Caller, asked: Look, cursors: Cursors) -> Inbox:
    """Raises InvalidCursor."""
    reader = ["inbox", caller.country, caller.agency]
    page = [*reader, asked.model_dump_json(exclude={"cursor", "limit"})]
    query = _of(asked)
    place = tuple_(NOTICE.c.at, NOTICE.c.id)
    if asked.since is not None:
        query = query.where(place > cursors.open(asked.since, reader))
    if asked.cursor is not None:
        query = query.where(place < cursors.open(asked.cursor, page))
    rows = (await session.execute(query.limit(asked.limit + 1))).all()
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    newest = (
        await session.execute(
            select(NOTICE.c.at, NOTICE.c.id).order_by(NOTICE.c.at.desc(), NOTICE.c.id.desc()).limit(1)
        )
    ).first()
    waiting = select(func.count()).select_from(NOTICE).where(NOTICE.c.acknowledged_at.is_(None))
    return Inbox(
        [_item(row) for row in shown],
        cursors.seal((last.at, last.id), page) if last else None,
        cursors.seal((newest.at, newest.id), reader) if newest else None,
        await session.scalar(waiting) or 0,
    )


def _of(asked: Look) -> Select[Any]:
    query = select(NOTICE).order_by(NOTICE.c.at.desc(), NOTICE.c.id.desc())
    if asked.kind is not None:
        query = query.where(NOTICE.c.kind == asked.kind)
    if asked.state is not None:
        acknowledged = NOTICE.c.acknowledged_at.is_not(None)
        query = query.where(acknowledged if asked.state == "acknowledged" else ~acknowledged)
    return query


def _item(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "subject": row.subject,
        "from": row.from_country,
        "to": row.to_agency or row.to_country,
        "facts": row.facts,
        "at": row.at.isoformat(),
        "acknowledged_at": row.acknowledged_at.isoformat() if row.acknowledged_at else None,
    }


class OwnAct(Problem):
    """What an officer did alone is taken note of by another hand than its own."""

    status = HTTPStatus.FORBIDDEN


async def take_note(session: AsyncSession, caller: Caller, id_: UUID) -> None:
    """Acknowledge one notice; once more does no harm. Raises NotFound, also for another's notice, and OwnAct."""
    if await acknowledge(session, caller.key_id, id_):
        return
    found = (await session.execute(select(NOTICE.c.acknowledged_at).where(NOTICE.c.id == id_))).first()
    if found is None:
        raise NotFound("your inbox has no such notice")
    if found.acknowledged_at is None:
        raise OwnAct("this tells of what you did: a colleague takes note of it")
