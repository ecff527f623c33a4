"""The kill switch: one officer stops what the country shares, at once; another officer lifts it."""

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.change import SecondOfficerRequired
from service.identity.governance import record
from service.identity.officers import same_hand
from service.paging import Cursors, before
from service.policies.models import OWN_SUSPENSION
from service.policies.pace import step
from service.problems import NotFound, Problem

_SUSPEND = text("SELECT gate.suspend(:of_agency, :towards_country, :towards_agency, :towards_key, :by, :reason)")
_LIFT = text("SELECT gate.lift(:id, :by)")
_FULL = "SG003"  # the gate's: no room for another narrow suspension
_AGENCY = r"^[A-Z]{2}-[A-Z0-9]{2,12}$"


class SuspensionLifted(Problem):
    """This suspension was lifted before."""

    status = HTTPStatus.CONFLICT


class TooManySuspensions(Problem):
    """Your country has as many suspensions of an agency or a key as the exchange holds."""

    status = HTTPStatus.CONFLICT


class NotYourAgency(Problem):
    """A country suspends what its own agencies share."""

    status = HTTPStatus.FORBIDDEN


class Order(BaseModel):
    """What stops: towards everyone whom each given member names, and everyone where none is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    towards_country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    towards_agency: Annotated[str | None, Field(pattern=_AGENCY)] = None
    towards_key: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="Of a person who signed in with it: towards the person."),
    ] = None
    of_agency: Annotated[str | None, Field(pattern=_AGENCY, description="Own agency; all records where absent.")] = None
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Lifting(BaseModel):
    """Why sharing goes on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Listed(BaseModel):
    """Which suspensions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["in-force", "lifted"] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str | None, Field(max_length=512)] = None


async def suspend(session: AsyncSession, officer: Caller, order: Order) -> dict[str, Any]:
    """Stop sharing: from the next statement of anyone on, in every worker. What is stopped already stays as it is.

    Raises NotYourAgency, TooManySuspensions.
    """
    if order.of_agency is not None and not order.of_agency.startswith(f"{officer.country}-"):
        raise NotYourAgency(f"your country is {officer.country}", pointer="/of_agency")
    given = order.model_dump(exclude={"reason"})
    try:
        id_ = await session.scalar(_SUSPEND, {**given, "by": officer.key_id, "reason": order.reason})
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) != _FULL:
            raise
        raise TooManySuspensions("lift some, or suspend a country or everyone, which is always possible") from None
    await record(
        session, officer.country, "suspend", suspension=str(id_), **given, reason=order.reason, by=officer.key_id
    )
    return await _one(session, id_)


async def lift(session: AsyncSession, officer: Caller, id_: UUID, reason: str, per_hour: int) -> dict[str, Any]:
    """End a suspension that another officer of the country ordered.

    Raises TooManyPolicyChanges, NotFound, SecondOfficerRequired, SuspensionLifted.
    """
    await step(session, officer.country, per_hour)
    found = await _one(session, id_)
    if found["lifted"] is not None:
        raise SuspensionLifted(f"lifted at {found['lifted']['at']}")
    if await same_hand(session, found["by"], officer.key_id):
        raise SecondOfficerRequired("another policy officer of your country must lift it")
    if not await session.scalar(_LIFT, {"id": id_, "by": officer.key_id}):
        raise SuspensionLifted("another officer lifted it a moment ago")
    await record(session, officer.country, "lift-suspension", suspension=str(id_), reason=reason, by=officer.key_id)
    return await _one(session, id_)


async def listed(session: AsyncSession, caller: Caller, asked: Listed, cursors: Cursors) -> dict[str, Any]:
    """A page of the suspensions of the caller's own country, newest first. Raises InvalidCursor."""
    at, id_ = OWN_SUSPENSION.c.created_at, OWN_SUSPENSION.c.id
    bound_to = ["suspensions", caller.key_id, asked.state or ""]
    query = select(OWN_SUSPENSION).order_by(at.desc(), id_.desc()).limit(asked.limit + 1)
    if asked.state is not None:
        lifted = OWN_SUSPENSION.c.lifted_at
        query = query.where(lifted.is_(None) if asked.state == "in-force" else lifted.is_not(None))
    if asked.cursor is not None:
        query = query.where(before(at, id_, cursors.open(asked.cursor, bound_to)))
    rows = (await session.execute(query)).mappings().all()
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    following = cursors.seal((shown[-1]["created_at"], shown[-1]["id"]), bound_to) if more else None
    return {"items": [_told(row) for row in shown], "next": following}


async def _one(session: AsyncSession, id_: UUID | None) -> dict[str, Any]:
    query = select(OWN_SUSPENSION).where(OWN_SUSPENSION.c.id == id_)
    row = (await session.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("your country has no such suspension")
    return _told(row)


def _told(row: Any) -> dict[str, Any]:
    members = ("id", "of_agency", "towards_country", "towards_agency", "towards_key", "reason", "by", "created_at")
    lifted = None if row["lifted_at"] is None else {"at": row["lifted_at"], "by": row["lifted_by"]}
    return {**{name: row[name] for name in members}, "lifted": lifted}
