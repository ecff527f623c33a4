"""One request is one transaction."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.writing() as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.database.reading() as session:
        yield session


# scope="function" ends the transaction before the response leaves: we never
# acknowledge a report that failed to commit.
WriteSession = Annotated[AsyncSession, Depends(_writing, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]
