"""What an order has to tell: its agency's candidates, and alerts addressed to it; as this reader may see them now.

An event has a kind, a subject and a time. It is read anew from the views whenever it is delivered, in every way of
delivery; there is no copy of it anywhere. Events come in the order of their times, which commit in that order.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.models import ALERT, CANDIDATE, DELIVERY
from service.substances.catalogue import Catalogue

Kind = Literal["candidate", "issued", "closed", "retracted"]
KINDS: tuple[Kind, ...] = ("candidate", "issued", "closed", "retracted")


async def told(
    session: AsyncSession,
    ordered: Mapping[str, Any],
    catalogue: Catalogue,
    *,
    after: tuple[datetime, UUID] | None = None,
    before: datetime | None = None,
    limit: int = 100,
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    """Events of an order after one moment and subject, oldest first; and from where to go on."""
    events = _events(ordered).subquery()
    query = select(events).order_by(events.c.at, events.c.id).limit(limit)
    if after is not None:
        at, id_ = after
        query = query.where(or_(events.c.at > at, and_(events.c.at == at, events.c.id > id_)))
    if before is not None:
        query = query.where(events.c.at < before)
    found, place = [], after
    for row in (await session.execute(query)).mappings().all():
        place = row["at"], row["id"]
        if (event := await one(session, ordered, row["kind"], row["id"], catalogue)) is not None:
            found.append(event)
    return found, place


async def all_told(
    session: AsyncSession,
    ordered: Mapping[str, Any],
    catalogue: Catalogue,
    after: tuple[datetime, UUID] | None = None,
    before: datetime | None = None,
) -> list[dict[str, Any]]:
    """Every event of an order between two moments, oldest first."""
    found: list[dict[str, Any]] = []
    while True:
        more, place = await told(session, ordered, catalogue, after=after, before=before)
        found += more
        if place is None or place == after:
            return found
        after = place


async def fresh(
    session: AsyncSession, ordered: Mapping[str, Any], catalogue: Catalogue, since: datetime | None
) -> list[tuple[str, UUID]]:
    """(kind, subject) of a webhook's events from a moment on that were not handed to its deliveries, oldest first."""
    events = _events(ordered).subquery()
    handed = exists().where(
        DELIVERY.c.subscription_id == ordered["id"],
        DELIVERY.c.kind == events.c.kind,
        DELIVERY.c.subject == events.c.id,
    )
    query = select(events).where(~handed).order_by(events.c.at, events.c.id)
    if since is not None:
        query = query.where(events.c.at >= since)
    rows = (await session.execute(query)).mappings()
    return [(row["kind"], row["id"]) for row in rows if _of_groups(ordered, row["substance"], catalogue)]


async def one(
    session: AsyncSession, ordered: Mapping[str, Any], kind: str, subject: UUID, catalogue: Catalogue
) -> dict[str, Any] | None:
    """The event as this reader may see it now; None where it may not, or where the order does not ask for it."""
    events = _events(ordered).subquery()
    row = (
        (await session.execute(select(events).where(events.c.kind == kind, events.c.id == subject))).mappings().first()
    )
    if row is None or not _of_groups(ordered, row["substance"], catalogue):
        return None
    document: dict[str, Any] = {"kind": kind, "id": str(subject), "at": row["at"].isoformat()}
    if kind == "candidate":
        found = (await session.execute(select(CANDIDATE).where(CANDIDATE.c.id == subject))).mappings().one()
        return document | {"candidate": candidate_of(found)}
    alert = (await session.execute(select(ALERT).where(ALERT.c.id == subject))).mappings().one()
    return document | {"alert": alert_of(alert)}


def _events(ordered: Mapping[str, Any]) -> Select[Any]:
    """(kind, id, at, substance) of all that the order asks for by its rules."""
    wanted: list[ColumnElement[bool]] = []
    alerts: list[ColumnElement[bool]] = [ALERT.c.issued_at.is_not(None)]
    if ordered["rules"] is not None:
        wanted.append(CANDIDATE.c.rule.in_(ordered["rules"]))
        alerts.append(ALERT.c.rule.in_(ordered["rules"]))
    candidates = select(literal("candidate").label("kind"), CANDIDATE.c.id, CANDIDATE.c.at, CANDIDATE.c.substance)
    parts = [
        candidates.where(CANDIDATE.c.purpose == ordered["purpose"], *wanted),
        select(literal("issued"), ALERT.c.id, ALERT.c.issued_at, ALERT.c.substance).where(*alerts),
        select(ALERT.c.state, ALERT.c.id, ALERT.c.ended_at, ALERT.c.substance).where(
            *alerts, ALERT.c.ended_at.is_not(None)
        ),
    ]
    events = union_all(*parts).subquery()
    return select(events).where(events.c.at >= ordered["ordered_at"])


def _of_groups(ordered: Mapping[str, Any], substance: str | None, catalogue: Catalogue) -> bool:
    if ordered["groups"] is None or substance is None:
        return True
    return catalogue.get(substance) is not None and catalogue.group(substance) in ordered["groups"]


def candidate_of(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "rule": row["rule"],
        "substance": row["substance"],
        "record": str(row["record_id"]) if row["record_id"] else None,
        "facts": row["facts"],
        "purpose": row["purpose"],
        "state": row["state"],
        "at": row["at"].isoformat(),
    }


def alert_of(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "issuer": row["country"],
        "agency": row["agency"],
        "rule": row["rule"],
        "substance": row["substance"],
        "title": row["title"],
        "text": row["text"],
        "state": row["state"],
        "level": row["level"],
        "handling": row["handling"],
        "countries": row["countries"],
        "records": [str(record) for record in row["records"]],
        "issued": row["issued_at"].isoformat() if row["issued_at"] else None,
        "ended": row["ended_at"].isoformat() if row["ended_at"] else None,
        "reason": row["reason"],
    }


def records_of(event: Mapping[str, Any]) -> list[UUID]:
    """The records that an event names: whose owners must be told that they were shown."""
    if "candidate" in event:
        found = event["candidate"]
        return [UUID(record) for record in (found["record"], found["facts"].get("other")) if record]
    return [UUID(record) for record in event["alert"]["records"]]
