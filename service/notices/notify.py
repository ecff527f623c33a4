"""Put a notice into an inbox, in the transaction of what it tells; mark notices as done with."""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.locks import Alone

# A reader that asks for what came since its last look must miss nothing, so notices commit in the order of their
# times: one writer at a time, from its first notice to its COMMIT.
_TURN = text(f"SELECT pg_advisory_xact_lock({Alone.NOTICES.value})")
_PUT = text("SELECT gate.put_notices(CAST(:notices AS jsonb))")
_ACKNOWLEDGE = text("SELECT gate.acknowledge_notices(:id, :subject, :by)")


class Notice(NamedTuple):
    """What an agency (`KZ-CUS`) is told, or all agencies of a country (`KZ`).

    `kind` is one of `inbox.KINDS`, `subject` the path of the thing it is about, `facts` JSON values that the recipient
    may know.
    """

    to: str
    kind: str
    subject: str
    facts: Mapping[str, object]


async def notify(session: AsyncSession, to: str, kind: str, subject: str, **facts: object) -> None:
    """One notice; see `notify_all`."""
    await notify_all(session, [Notice(to, kind, subject, facts)])


async def notify_all(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """All notices of a transaction, in order. Call it last: other writers of notices wait from here to the COMMIT.

    What one country tells another again in the same words stands once in the inbox, at its last time, while it is open:
    nobody buries other notices by saying and unsaying.
    """
    if not notices:
        return
    rows = [
        {
            "id": uuid.uuid4(),
            "country": notice.to[:2],
            "agency": notice.to if len(notice.to) > 2 else None,
            "kind": notice.kind,
            "subject": notice.subject,
            "facts": notice.facts,
        }
        for notice in notices
    ]
    await session.execute(_TURN)
    await session.execute(_PUT, {"notices": orjson.dumps(rows).decode()})


async def acknowledge(session: AsyncSession, by: str, id_: uuid.UUID) -> bool:
    """Whether a notice of this id, addressed to the caller, stood open until now. `by` is the caller's key."""
    return bool(await session.scalar(_ACKNOWLEDGE, {"id": id_, "subject": None, "by": by}))


async def settle(session: AsyncSession, by: str, subject: str) -> None:
    """Acknowledge all notices about `subject` that are addressed to the caller: it has acted on them."""
    await session.execute(_ACKNOWLEDGE, {"id": None, "subject": subject, "by": by})
