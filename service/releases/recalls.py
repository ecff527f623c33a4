"""Recalls as their parties see them, and the acknowledgement of a recipient: what it did with what it had."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, Uuid, and_, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.notices.notify import notify, settle
from service.paging import Cursors, before
from service.problems import NotFound, Problem
from service.releases.ask import Words
from service.releases.models import RECALL, RECIPIENT

_ACKNOWLEDGE = text("SELECT gate.acknowledge_recall(:id, :done, :reference, :said, :by)")

State = Literal["open", "overdue", "acknowledged"]


class Listed(BaseModel):
    """Which recalls: those addressed to the caller's agency, or those of its country."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["recipient", "owner"] = "recipient"
    state: Annotated[
        State | None,
        Field(description="Recipient: of its own acknowledgement. Owner: any recipient open or overdue, or all done."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


class Acknowledgement(BaseModel):
    """What the recipient did with its copies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    done: Literal["deleted", "kept"]
    legal_reference: Annotated[Words | None, Field(description="Kept: the legal duty.")] = None
    text: Words | None = None

    @model_validator(mode="after")
    def _kept_by_law(self) -> "Acknowledgement":
        if (self.done == "kept") != (self.legal_reference is not None):
            raise ValueError("what is kept is kept under a legal duty, which is named; what is deleted under none")
        return self


class RecallAlreadyAcknowledged(Problem):
    """Your agency has acknowledged this recall."""

    status = HTTPStatus.CONFLICT


class RecipientRequired(Problem):
    """A recall is acknowledged by the agencies it is addressed to."""

    status = HTTPStatus.FORBIDDEN


async def listed(session: AsyncSession, caller: Caller, asked: Listed, cursors: Cursors) -> dict[str, Any]:
    """One page, newest first. Raises InvalidCursor."""
    now = datetime.now(UTC)
    bound_to = ["recalls", caller.country, caller.agency, asked.model_dump_json(exclude={"cursor", "limit"})]
    owner = asked.role == "owner"
    at, id_ = (RECALL.c.at, RECALL.c.id) if owner else (RECIPIENT.c.at, RECIPIENT.c.recall_id)
    query = select(RECALL) if owner else select(RECIPIENT).where(_addressed_to(caller))
    query = query.order_by(at.desc(), id_.desc())
    if asked.state is not None:
        query = query.where(_any_in(asked.state, now) if owner else _in_state(asked.state, now))
    if asked.cursor is not None:
        query = query.where(before(at, id_, cursors.open(asked.cursor, bound_to)))
    rows: Sequence[Any] = (await session.execute(query.limit(asked.limit + 1))).all()
    shown = rows[: asked.limit]
    items = await _of_owner(session, shown, now) if owner else [_of_recipient(row, now) for row in shown]
    following = None
    if len(rows) > asked.limit:
        last = shown[-1]
        following = cursors.seal((last.at, last.id if owner else last.recall_id), bound_to)
    return {"items": items, "next": following}


async def one(session: AsyncSession, caller: Caller, id_: UUID) -> dict[str, Any]:
    """Raises NotFound, also for a recall that is not addressed to the caller's agency."""
    now = datetime.now(UTC)
    own = (await session.execute(select(RECALL).where(RECALL.c.id == id_))).all()
    if own:
        return (await _of_owner(session, own, now))[0]
    return _of_recipient(await _addressed(session, caller, id_), now)


async def acknowledge(session: AsyncSession, caller: Caller, id_: UUID, said: Acknowledgement) -> dict[str, Any]:
    """Raises NotFound, RecipientRequired, RecallAlreadyAcknowledged."""
    if await session.scalar(select(RECALL.c.id).where(RECALL.c.id == id_)) is not None:
        raise RecipientRequired("your country made this recall")
    addressed = await _addressed(session, caller, id_)
    values = {
        "id": id_,
        "done": said.done,
        "reference": said.legal_reference,
        "said": said.text,
        "by": caller.key_id,
    }
    if not await session.scalar(_ACKNOWLEDGE, values):
        raise RecallAlreadyAcknowledged("the first acknowledgement stands")
    await log_act(
        session, caller.country, "acknowledge-recall", recall=str(id_), done=said.done,
        legal_reference=said.legal_reference, agency=caller.agency, by=caller.key_id,
    )  # fmt: skip
    path = f"/v1/recalls/{id_}"
    await settle(session, caller.key_id, path)
    await notify(session, addressed.owner, "recall-acknowledged", path, agency=caller.agency, done=said.done)
    return _of_recipient(await _addressed(session, caller, id_), datetime.now(UTC))


async def _addressed(session: AsyncSession, caller: Caller, id_: UUID) -> Any:
    query = select(RECIPIENT).where(RECIPIENT.c.recall_id == id_, _addressed_to(caller))
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("no such recall, or it does not concern you")
    return row


def _addressed_to(caller: Caller) -> ColumnElement[bool]:
    return and_(RECIPIENT.c.country == caller.country, RECIPIENT.c.agency == caller.agency)


def _in_state(state: State, now: datetime) -> ColumnElement[bool]:
    if state == "acknowledged":
        return RECIPIENT.c.acknowledged_at.is_not(None)
    due = RECIPIENT.c.deadline > now if state == "open" else RECIPIENT.c.deadline <= now
    return and_(RECIPIENT.c.acknowledged_at.is_(None), due)


def _any_in(state: State, now: datetime) -> ColumnElement[bool]:
    of_it = RECIPIENT.c.recall_id == RECALL.c.id
    if state == "acknowledged":
        return ~exists().where(of_it, RECIPIENT.c.acknowledged_at.is_(None))
    return exists().where(of_it, _in_state(state, now))


async def _of_owner(session: AsyncSession, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """Recalls of the caller's country, each with who has read the records and what became of it there."""
    ids = bindparam("ids", [row.id for row in rows], ARRAY(Uuid))
    query = select(RECIPIENT).where(RECIPIENT.c.recall_id == func.any(ids)).order_by(RECIPIENT.c.agency)
    recipients: dict[UUID, list[Any]] = {}
    for recipient in await session.execute(query):
        recipients.setdefault(recipient.recall_id, []).append(recipient)
    return [
        {
            **_common(row, row.id),
            "agency": row.agency,
            "recipients": [
                {"agency": r.agency, "records": [str(id_) for id_ in r.records], **_outcome(r, now)}
                for r in recipients.get(row.id, ())
            ],
        }
        for row in rows
    ]


def _of_recipient(row: Any, now: datetime) -> dict[str, Any]:
    return {**_common(row, row.recall_id), **_outcome(row, now)}


def _common(row: Any, id_: UUID) -> dict[str, Any]:
    return {
        "id": str(id_),
        "owner": row.owner,
        "records": [str(record) for record in row.records],
        "reason": row.reason,
        "at": row.at.isoformat(),
        "deadline": row.deadline.isoformat(),
    }


def _outcome(row: Any, now: datetime) -> dict[str, Any]:
    if row.acknowledged_at is None:
        return {"state": "overdue" if row.deadline <= now else "open"}
    outcome = {
        "state": "acknowledged",
        "done": row.done,
        "legal_reference": row.legal_reference,
        "text": row.said,
        "acknowledged_at": row.acknowledged_at.isoformat(),
    }
    return {name: value for name, value in outcome.items() if value is not None}
