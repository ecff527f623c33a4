"""The policies of the caller's own country: what is in force, what comes next, what waits, what was.

Documents are large and versions many, so a document is fetched only where it is shown.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.identity.caller import Caller
from service.paging import Cursors
from service.policies.document import PolicyDocument
from service.policies.life import LAPSE, Owner, State, states
from service.policies.models import OwnPolicy
from service.problems import NotFound

RECENT = 50  # versions that an overview tells of
_LIFE = (OwnPolicy.version, OwnPolicy.proposed_at, OwnPolicy.decision, OwnPolicy.effective_at)
_BRIEF = (
    *_LIFE,
    *(OwnPolicy.proposed_by, OwnPolicy.key_id, OwnPolicy.decided_at, OwnPolicy.decided_by),
    *(OwnPolicy.approval_key_id, OwnPolicy.reason),
    func.sha256(func.convert_to(OwnPolicy.signed, "UTF8")).label("sha256"),
)
_FULL = (*_BRIEF, OwnPolicy.document, OwnPolicy.signed, OwnPolicy.approval)


class Page(BaseModel):
    """How much of the history."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = RECENT
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def overview(session: AsyncSession, caller: Caller, owner: Owner) -> dict[str, Any]:
    """In force, next and proposed in full, and the newest versions in brief, newest first. Raises NotFound.

    `latest` is the highest number used so far, 0 where no policy was ever proposed: the next one is `latest` + 1.
    """
    _of_own_country(caller, owner)
    state = await lives(session, owner)
    current: dict[State, int] = {
        found: version for version, found in state.items() if found in ("in-force", "scheduled", "proposed")
    }
    rows = await session.execute(_of(owner, *_FULL).where(OwnPolicy.version.in_(current.values())))
    shown = {row.version: view(row, state[row.version]) for row in rows}

    def full(wanted: State) -> dict[str, Any] | None:
        return shown.get(current.get(wanted, 0))

    return {
        "owner": str(owner),
        "latest": max(state, default=0),
        "in_force": full("in-force"),
        "next": full("scheduled"),
        "proposed": full("proposed"),
        "history": await _briefs(session, owner, state, RECENT),
    }


async def page(session: AsyncSession, caller: Caller, owner: Owner, asked: Page, cursors: Cursors) -> dict[str, Any]:
    """A page of the versions in brief, newest first. Raises NotFound, InvalidCursor."""
    _of_own_country(caller, owner)
    bound_to = ["policy versions", caller.key_id, str(owner)]
    below = None if asked.cursor is None else int(cursors.open_values(asked.cursor, bound_to)[0])
    items = await _briefs(session, owner, await lives(session, owner), asked.limit + 1, below)
    more = len(items) > asked.limit
    items = items[: asked.limit]
    return {"items": items, "next": cursors.seal_values([items[-1]["version"]], bound_to) if more else None}


async def lives(session: AsyncSession, owner: Owner) -> dict[int, State]:
    """The state of every version now; none where the policy is not of the caller's country."""
    return states((await session.execute(_of(owner, *_LIFE))).all(), datetime.now(UTC))


async def one(session: AsyncSession, owner: Owner, version: int) -> tuple[Row[Any], State]:
    """Raises NotFound, the same for a policy of another country and for a version that is not."""
    row = (await session.execute(_of(owner, *_FULL).where(OwnPolicy.version == version))).one_or_none()
    if row is None:
        raise NotFound("no policy of this country is shared with you")
    return row, (await lives(session, owner))[version]


async def document(session: AsyncSession, owner: Owner, version: int) -> PolicyDocument:
    """The document of a version. Raises NotFound."""
    found = await session.scalar(_of(owner, OwnPolicy.document).where(OwnPolicy.version == version))
    if found is None:
        raise NotFound("no policy of this country is shared with you")
    return PolicyDocument.model_validate(found)


async def in_force(session: AsyncSession, owner: Owner) -> PolicyDocument | None:
    """The document in force, None where none is."""
    state = await lives(session, owner)
    current = next((version for version, found in state.items() if found == "in-force"), None)
    return None if current is None else await document(session, owner, current)


def view(row: Row[Any], state: State) -> dict[str, Any]:
    """One version with its document and both signatures."""
    return {**brief(row, state), "document": row.document, "signed": row.signed, "approval": row.approval}


def brief(row: Row[Any], state: State) -> dict[str, Any]:
    """What became of one version, when, by whose key."""
    told: dict[str, Any] = {
        "version": row.version,
        "state": state,
        "sha256": encode(row.sha256),  # as an approval says it
        "proposed": {"at": row.proposed_at, "by": row.proposed_by, "signed_by": row.key_id},
    }
    if row.decision is None:
        told["lapses"] = row.proposed_at + LAPSE
    else:
        decided = {"at": row.decided_at, "by": row.decided_by, "signed_by": row.approval_key_id, "reason": row.reason}
        told[row.decision] = {name: value for name, value in decided.items() if value is not None}
    if row.effective_at is not None:
        told["effective"] = row.effective_at
    return told


def _of_own_country(caller: Caller, owner: Owner) -> None:
    if owner.country != caller.country:
        raise NotFound("no policy of this country is shared with you")


def _of(owner: Owner, *columns: Any) -> Select[Any]:
    """Of the versions of one policy, oldest first; row security leaves those of the caller's country."""
    query = select(*columns).where(OwnPolicy.country == owner.country, OwnPolicy.layer == owner.layer)
    return query.order_by(OwnPolicy.version)


async def _briefs(
    session: AsyncSession, owner: Owner, state: dict[int, State], most: int, below: int | None = None
) -> list[dict[str, Any]]:
    query = _of(owner, *_BRIEF).order_by(None).order_by(OwnPolicy.version.desc()).limit(most)
    if below is not None:
        query = query.where(OwnPolicy.version < below)
    return [brief(row, state[row.version]) for row in await session.execute(query)]
