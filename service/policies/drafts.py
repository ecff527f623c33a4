"""Drafts of policies: what the officers of a country work on before one of them proposes it.

A draft binds nobody and may be unfinished: it is any JSON object, and says itself what still keeps it from being
proposed. Its country's policy officers see and change it, and nobody else does, not even its auditors.
"""

import uuid
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.paging import Cursors, before
from service.policies.life import Owner
from service.policies.models import DRAFT, PolicyDraft
from service.policies.named import judged
from service.policies.signed import MalformedPolicy
from service.problems import NotFound, Problem

MOST = 50  # drafts of one policy
_CHANGE = text("SELECT gate.change_draft(:id, :revision, :name, CAST(:document AS jsonb), :by)")
_DISCARD = text("SELECT gate.discard_draft(:id)")


class DraftChanged(Problem):
    """Another officer changed this draft since you read it: read it again, and save over its new revision."""

    status = HTTPStatus.CONFLICT


class TooManyDrafts(Problem):
    """This policy has as many drafts as the exchange keeps: discard those that nobody works on."""

    status = HTTPStatus.CONFLICT


class Draft(BaseModel):
    """What an officer saves: a name for the colleagues, and the document as far as it has come."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    document: dict[str, Any]


class Change(Draft):
    """The draft as it shall be; `revision` is that of the draft as it was read."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Page(BaseModel):
    """How much of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def begin(session: AsyncSession, officer: Caller, owner: Owner, draft: Draft) -> uuid.UUID:
    """Raises TooManyDrafts."""
    kept = select(func.count()).where(DRAFT.c.country == owner.country, DRAFT.c.layer == owner.layer)
    if (await session.scalar(kept) or 0) >= MOST:
        raise TooManyDrafts(f"there are {MOST}")
    id_ = uuid.uuid4()
    session.add(
        PolicyDraft(
            id=id_,
            country=owner.country,
            layer=owner.layer,
            name=draft.name,
            document=draft.document,
            begun_by=officer.key_id,
            changed_by=officer.key_id,
        )
    )
    await session.flush()
    return id_


async def change(session: AsyncSession, officer: Caller, owner: Owner, id_: uuid.UUID, wanted: Change) -> None:
    """Raises NotFound, DraftChanged."""
    found = await _row(session, owner, id_)
    values = {
        "id": id_,
        "revision": wanted.revision,
        "name": wanted.name,
        "document": orjson.dumps(wanted.document).decode(),
        "by": officer.key_id,
    }
    if not await session.scalar(_CHANGE, values):
        raise DraftChanged(f"it is at revision {found.revision}", pointer="/revision", expected=found.revision)


async def discard(session: AsyncSession, owner: Owner, id_: uuid.UUID) -> None:
    """Raises NotFound."""
    await _row(session, owner, id_)
    await session.execute(_DISCARD, {"id": id_})


async def proposed(session: AsyncSession, owner: Owner, document: dict[str, Any]) -> None:
    """A draft that has become a proposal is one no longer; the number of the version is given when it is proposed."""
    query = select(DRAFT.c.id, DRAFT.c.document).where(DRAFT.c.country == owner.country, DRAFT.c.layer == owner.layer)
    for id_, drafted in await session.execute(query):
        if {**drafted, "version": 0} == {**document, "version": 0}:
            await session.execute(_DISCARD, {"id": id_})


async def listed(session: AsyncSession, officer: Caller, owner: Owner, asked: Page, cursors: Cursors) -> dict[str, Any]:
    """A page without the documents, last changed first. Raises InvalidCursor."""
    at, id_ = DRAFT.c.changed_at, DRAFT.c.id
    bound_to = ["policy drafts", officer.key_id, str(owner)]
    query = select(DRAFT).where(DRAFT.c.country == owner.country, DRAFT.c.layer == owner.layer)
    if asked.cursor is not None:
        query = query.where(before(at, id_, cursors.open(asked.cursor, bound_to)))
    rows = (await session.execute(query.order_by(at.desc(), id_.desc()).limit(asked.limit + 1))).all()
    shown = rows[: asked.limit]
    following = None
    if len(rows) > asked.limit:
        following = cursors.seal((shown[-1].changed_at, shown[-1].id), bound_to)
    return {"items": [_brief(row) for row in shown], "next": following}


async def one(session: AsyncSession, owner: Owner, id_: uuid.UUID, group_bits: dict[str, int]) -> dict[str, Any]:
    """With its document, and in `fault` what keeps it from being proposed, if anything. Raises NotFound."""
    row = await _row(session, owner, id_)
    try:
        await judged(session, row.document, owner, group_bits)
        fault = None
    except MalformedPolicy as refused:
        fault = {"detail": refused.detail, **refused.members}
    return {**_brief(row), "document": row.document, "fault": fault}


async def document(session: AsyncSession, owner: Owner, id_: uuid.UUID) -> dict[str, Any]:
    """Raises NotFound."""
    return dict((await _row(session, owner, id_)).document)


async def _row(session: AsyncSession, owner: Owner, id_: uuid.UUID) -> Any:
    query = select(DRAFT).where(DRAFT.c.id == id_, DRAFT.c.country == owner.country, DRAFT.c.layer == owner.layer)
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("your country has no such draft of this policy")
    return row


def _brief(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "revision": row.revision,
        "begun": {"at": row.begun_at, "by": row.begun_by},
        "changed": {"at": row.changed_at, "by": row.changed_by},
    }
