"""Look through the eyes of a standing order: a transaction under the context of the key that ordered.

The context is minted anew for each look, and for no key that was revoked, has ended or reads nothing any more; what was
suspended, recalled or withdrawn since is not seen, because the views say so and not because anything here remembers it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.models import SUBSCRIPTION
from service.database import Database
from service.identity.behalf import KeyGone, enter, on_behalf
from service.identity.caller import Caller

_WATCHERS = text("SELECT id, key_id, purpose, delivery, country FROM gate.watchers()")


@dataclass(frozen=True, slots=True)
class Watcher:
    """An order that stands: `key_id` and `purpose` make the eyes, `country` says whose it is."""

    id: UUID
    key_id: str
    purpose: str
    delivery: str
    country: str


@dataclass(frozen=True, slots=True)
class Eyes:
    """A token that opens transactions of the next two minutes, and whose it is."""

    token: str
    caller: Caller

    @asynccontextmanager
    async def reading(self, database: Database) -> AsyncIterator[tuple[AsyncSession, str]]:
        """(a read-only transaction in this context, the version of the policies that apply to it)."""
        async with database.reading() as session:
            yield session, await enter(session, self.token)

    @asynccontextmanager
    async def writing(self, database: Database) -> AsyncIterator[AsyncSession]:
        async with database.writing() as session:
            await enter(session, self.token)
            yield session


async def watchers(database: Database) -> list[Watcher]:
    """The orders that stand, oldest first."""
    async with database.authn() as session:
        return [Watcher(*row) for row in await session.execute(_WATCHERS)]


async def eyes_of(database: Database, key_id: str, purpose: str) -> Eyes | None:
    """None where the key may sign no request any more, or holds no role that reads."""
    try:
        acting = await on_behalf(database, key_id, purpose)
    except KeyGone:
        return None
    return Eyes(acting.token, acting.caller)


async def order(session: AsyncSession, id_: UUID) -> dict[str, Any] | None:
    """A standing order of the context's own agency; None where it has ended or is another's."""
    query = select(SUBSCRIPTION).where(SUBSCRIPTION.c.id == id_, SUBSCRIPTION.c.ended_at.is_(None))
    row = (await session.execute(query)).mappings().first()
    return dict(row) if row else None
