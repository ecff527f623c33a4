"""The ids of scopes, remembered per worker: there are a few hundred, they never change, and every report has one."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.policies.gate import Scope, hold, lacking, private_scopes, scopes, siblings


class ScopeIds:
    """New scopes are made in a transaction of their own, so that a long batch holds up no one else's new scope."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[tuple[str, Scope], int] = {}

    async def of(self, session: AsyncSession, country: str, wanted: Iterable[Scope]) -> dict[Scope, int]:
        wanted = set(wanted)
        if missing := {scope for scope in wanted if (country, scope) not in self._ids}:
            async with self._beside(session) as own:
                found = await scopes(own, missing)
            self._ids |= {(country, scope): id_ for scope, id_ in found.items()}
        return {scope: self._ids[country, scope] for scope in wanted}

    async def keep(self, session: AsyncSession, corrected: Mapping[str, tuple[int, str]]) -> None:
        """By record its next version's scope in general, and the end of its month. Records with rules of their own stay
        under them: what scopes the versions need for that stands when this returns, and is not made with the versions.
        """
        if private := await hold(session, corrected):
            async with self._beside(session) as own:
                await private_scopes(own, [(record, *corrected[record]) for record in sorted(private)])

    async def regroup(self, session: AsyncSession, records: Iterable[UUID]) -> None:
        """Reports whose exhibits these records share can be judged by what laboratories found when this returns."""
        if wanted := await lacking(session, records):
            async with self._beside(session) as own:
                await siblings(own, wanted)

    @asynccontextmanager
    async def _beside(self, session: AsyncSession) -> AsyncIterator[AsyncSession]:
        token = await session.scalar(text("SELECT gate.renew()"))  # a batch may outlive the first
        async with self._database.scoping() as own:
            await own.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            yield own
