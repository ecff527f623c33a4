"""Standing orders of an agency: what it wants to hear of, through whose eyes, and how it is told."""

import uuid
from http import HTTPStatus
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts import events
from service.alerts.models import DELIVERY, SUBSCRIPTION, Subscription
from service.alerts.reach import check
from service.alerts.rules import Rule
from service.identity import acts
from service.identity.caller import Caller
from service.identity.governance import record
from service.problems import NotFound, Problem
from service.settings import Settings
from service.substances.catalogue import Catalogue

MOST = 20  # of one agency: each looks at every record that is filed
_END = text("SELECT gate.end_subscription(:id)")
_AGAIN = text("SELECT gate.delivered(:subscription, :kind, :subject, 'waiting', 0, NULL)")
RULES: tuple[str, ...] = get_args(Rule)


class TooManySubscriptions(Problem):
    """Your agency has as many standing orders as the exchange keeps for one."""

    status = HTTPStatus.CONFLICT


class UnknownGroup(Problem):
    """The catalogue has no such substance group."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotWaiting(Problem):
    """Only a delivery that was given up is delivered again."""

    status = HTTPStatus.CONFLICT


class Ordered(BaseModel):
    """What is ordered. The purpose is the one that is signed; the eyes are those of the key that signs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
    delivery: Literal["stream", "webhook", "digest"]
    url: Annotated[str | None, Field(max_length=500, description="Of a webhook: https, in the public network.")] = None
    rules: Annotated[list[Rule] | None, Field(min_length=1, max_length=len(RULES))] = None
    groups: Annotated[list[Annotated[str, Field(max_length=40)]] | None, Field(min_length=1, max_length=31)] = None

    @model_validator(mode="after")
    def _address_of_a_webhook(self) -> "Ordered":
        if (self.delivery == "webhook") != (self.url is not None):
            raise ValueError("a webhook has a url, and nothing else has")
        return self


async def subscribe(
    session: AsyncSession, caller: Caller, ordered: Ordered, catalogue: Catalogue, settings: Settings
) -> UUID:
    """Raises TooManyActs, AddressRefused, UnknownGroup, TooManySubscriptions."""
    await acts.step(session, caller.country, settings.acts_per_day)
    if ordered.url is not None:
        check(ordered.url, settings.webhook_networks)
    for place, group in enumerate(ordered.groups or ()):
        if group not in catalogue.groups:
            raise UnknownGroup(f"{group} is no group", pointer=f"/groups/{place}", expected=sorted(catalogue.groups))
    standing = select(func.count()).select_from(SUBSCRIPTION).where(SUBSCRIPTION.c.ended_at.is_(None))
    if (await session.scalar(standing) or 0) >= MOST:
        raise TooManySubscriptions(f"end one of {MOST}")
    id_ = uuid.uuid4()
    session.add(
        Subscription(
            id=id_,
            country=caller.country,
            agency=caller.agency,
            key_id=caller.key_id,
            purpose=caller.purpose,
            **ordered.model_dump(),
        )
    )
    await session.flush()
    facts = {"subscription": str(id_), "delivery": ordered.delivery, "purpose": caller.purpose}
    await record(session, caller.country, "subscribe", **facts, agency=caller.agency, by=caller.key_id)
    return id_


async def end(session: AsyncSession, caller: Caller, id_: UUID) -> None:
    """Raises NotFound, also where it has ended."""
    if not await session.scalar(_END, {"id": id_}):
        raise NotFound("your agency has no such standing order")
    await record(session, caller.country, "unsubscribe", subscription=str(id_), by=caller.key_id)


async def listed(session: AsyncSession) -> list[dict[str, Any]]:
    """The orders of the caller's agency: those that stand first, then newest first. An agency has few."""
    order = (SUBSCRIPTION.c.ended_at.is_not(None), SUBSCRIPTION.c.ordered_at.desc(), SUBSCRIPTION.c.id)
    rows = await session.execute(select(SUBSCRIPTION).order_by(*order).limit(200))
    return [view(row) for row in rows.mappings()]


async def one(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """The row of a standing order of the caller's agency. Raises NotFound."""
    query = select(SUBSCRIPTION).where(SUBSCRIPTION.c.id == id_, SUBSCRIPTION.c.ended_at.is_(None))
    row = (await session.execute(query)).mappings().first()
    if row is None:
        raise NotFound("your agency has no such standing order")
    return dict(row)


async def deliveries(
    session: AsyncSession, ordered: dict[str, Any], catalogue: Catalogue, state: str | None
) -> list[dict[str, Any]]:
    """The newest deliveries of an order, of events that the caller may still see."""
    query = select(DELIVERY).where(DELIVERY.c.subscription_id == ordered["id"])
    if state is not None:
        query = query.where(DELIVERY.c.state == state)
    rows = (await session.execute(query.order_by(DELIVERY.c.at.desc(), DELIVERY.c.subject).limit(200))).mappings()
    return [
        {
            "kind": row["kind"],
            "subject": str(row["subject"]),
            "state": row["state"],
            "attempts": row["attempts"],
            "fault": row["fault"],
            "at": row["at"].isoformat(),
        }
        for row in rows.all()
        if await events.one(session, ordered, row["kind"], row["subject"], catalogue) is not None
    ]


async def again(session: AsyncSession, id_: UUID, kind: str, subject: UUID) -> None:
    """Put a delivery that was given up back. Raises NotWaiting."""
    query = select(DELIVERY.c.state).where(
        DELIVERY.c.subscription_id == id_, DELIVERY.c.kind == kind, DELIVERY.c.subject == subject
    )
    if await session.scalar(query) != "dead":
        raise NotWaiting("see the deliveries of this order in the state dead")
    await session.execute(_AGAIN, {"subscription": id_, "kind": kind, "subject": subject})


def view(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "agency": row["agency"],
        "key": row["key_id"],
        "purpose": row["purpose"],
        "name": row["name"],
        "rules": row["rules"],
        "groups": row["groups"],
        "delivery": row["delivery"],
        "url": row["url"],
        "ordered": row["ordered_at"].isoformat(),
        "ended": row["ended_at"].isoformat() if row["ended_at"] else None,
    }
