"""One request is one transaction, and no country holds more than its share of a worker's connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Word
from service.web.rendering import Unavailable

PATIENCE = 10.0  # seconds, as long as for a connection of the pool


class Shares:
    """Half of the connections of a pool for any one country: a body that arrives slowly, a long batch or a heavy
    question keeps its own country waiting, not the others. Who is not known shares with all who are not.
    """

    def __init__(self, connections: int) -> None:
        self._most = max(1, connections // 2)
        self._shares: dict[str | None, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def of(self, country: str | None) -> AsyncIterator[None]:
        """Raises Unavailable when the country's share stays in use."""
        share = self._shares.setdefault(country, asyncio.Semaphore(self._most))
        try:
            await asyncio.wait_for(share.acquire(), PATIENCE)
        except TimeoutError:
            raise Unavailable("too many requests of your country are under way") from None
        try:
            yield
        finally:
            share.release()


def sharing_country(request: Request) -> str | None:
    """Whose share it is: a preview draws on that of the officer who looks, not of the reader it looks through."""
    charged: str | None = getattr(request.state, "charged", None)
    if charged is not None:
        return charged
    caller = getattr(request.state, "caller", None)
    return getattr(caller, "country", None)


@asynccontextmanager
async def writing(request: Request) -> AsyncIterator[AsyncSession]:
    """One of several transactions of a request that waits for somebody else in between."""
    state = request.app.state
    async with state.writing_shares.of(sharing_country(request)), state.database.writing() as session:
        yield session


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    async with writing(request) as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    state = request.app.state
    async with state.reading_shares.of(sharing_country(request)), AsyncExitStack() as until:
        session = await _replicated(request, until)
        if session is not None:
            yield session
            return
        leader: AsyncSession = await until.enter_async_context(state.database.reading())
        yield leader


async def _replicated(request: Request, until: AsyncExitStack) -> AsyncSession | None:
    """On the replica, where the caller may be answered by it and it proves what it has."""
    word: Word | None = getattr(request.state, "word", None)
    opened = await request.app.state.replica.open(word, until) if word is not None else None
    if opened is None:
        return None
    session, request.state.as_of = opened
    return session  # type: ignore[no-any-return]


# scope="function" ends the transaction before the response leaves: we never
# acknowledge a report that failed to commit.
WriteSession = Annotated[AsyncSession, Depends(_writing, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]
