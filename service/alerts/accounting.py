"""Every event that leaves names records of somebody: the access log has it before it leaves, whichever way it goes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.events import records_of
from service.alerts.models import CANDIDATE
from service.identity.caller import Caller
from service.readings.account import Account
from service.readings.entry import Reading, rows
from service.readings.write import AccessWriter
from service.seizures.models import SHARED

_OWNERS = select(SHARED.c.record_id, SHARED.c.country).where(
    SHARED.c.record_id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
)
_FIGURES = select(CANDIDATE.c.owners).where(
    CANDIDATE.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))), CANDIDATE.c.owners != text("'{}'::jsonb")
)


async def owners(session: AsyncSession, events: Sequence[Mapping[str, Any]]) -> Account:
    """The records that the events name, by owner, as this reader sees them; and how many their figures are of."""
    found = Account()
    ids = list(dict.fromkeys(record for event in events for record in records_of(event)))
    for row in await session.execute(_OWNERS, {"ids": ids}) if ids else ():
        found.counts[row.country] += 1
        found.ids.setdefault(row.country, {})[row.record_id] = None
    told = [UUID(event["candidate"]["id"]) for event in events if "candidate" in event]
    for counted in await session.scalars(_FIGURES, {"ids": told}) if told else ():
        found.counts.update(counted)
    return found


async def settle(
    writer: AccessWriter,
    caller: Caller,
    policy: str,
    route: str,
    *,
    by_owner: Account,
    sent: bytes,
) -> None:
    """Write the entry of one delivery: method PUSH, the route of its order, what was sent. Raises where it cannot."""
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
    await writer.write(rows(reading, by_owner))
