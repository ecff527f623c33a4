"""Every event that leaves names records of somebody: the access log has it before it leaves, whichever way it goes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.events import records_of
from service.identity.caller import Caller
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.seizures.models import SHARED

_OWNERS = select(SHARED.c.record_id, SHARED.c.country).where(
    SHARED.c.record_id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
)


async def owners(session: AsyncSession, events: Iterable[Mapping[str, Any]]) -> dict[str, list[UUID]]:
    """The records that the events name, by owner, as this reader sees them."""
    ids = list(dict.fromkeys(record for event in events for record in records_of(event)))
    found: dict[str, list[UUID]] = {}
    if ids:
        for row in await session.execute(_OWNERS, {"ids": ids}):
            found.setdefault(row.country, []).append(row.record_id)
    return found


async def settle(
    writer: AccessWriter,
    caller: Caller,
    policy: str,
    route: str,
    *,
    by_owner: Mapping[str, list[UUID]],
    sent: bytes,
) -> None:
    """Write the entry of one delivery: method PUSH, the route of its order, what was sent. Raises where it cannot."""
    made = Account()
    for owner, ids in by_owner.items():
        made.counts[owner] = len(ids)
        made.ids[owner] = dict.fromkeys(ids)
    reading = Reading(
        at=datetime.now(UTC),
        caller=caller,
        method="PUSH",
        route=route,
        policy=policy,
        status=200,
        question=sha256(route.encode()).digest(),
        answer=sha256(sent).digest(),
    )
    await writer.write(rows(reading, made))
