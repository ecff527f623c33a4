"""How the operator's commands reach the database: as the owner role, one transaction per command."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import typer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import administration
from service.problems import Problem
from service.settings import Settings

T = TypeVar("T")


@asynccontextmanager
async def owner_session(settings: Settings) -> AsyncIterator[AsyncSession]:
    """Committed when the block ends well."""
    engine = administration(settings)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            await session.execute(text("SET LOCAL ROLE sarhad_owner"))
            yield session
    finally:
        await engine.dispose()


def as_operator(act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Perform one act as the operator; a refusal ends the command with its reason and exit code 1."""

    async def perform() -> T:
        async with owner_session(Settings()) as session:
            return await act(session)

    try:
        return asyncio.run(perform())
    except Problem as refusal:
        typer.echo(f"Refused: {refusal.as_document()['title']} {refusal.detail}", err=True)
        raise typer.Exit(1) from refusal
    except DBAPIError as fault:
        typer.echo(f"The database refused: {fault.orig}", err=True)
        raise typer.Exit(1) from fault
