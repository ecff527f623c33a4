"""How the operator's commands reach the database: as the owner role, one transaction per command."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import typer
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database, administration
from service.problems import Problem
from service.settings import Settings

RUNNING = Path(__file__).parents[2] / ".sarhad" / "running.toml"
"""What `deploy/up` of this clone says about what it runs, as long as it runs."""

T = TypeVar("T")


def command_settings() -> Settings:
    """The settings as declared; where they name no database, those of the exchange that this clone runs."""
    declared = Settings()
    if "database_url" in declared.model_fields_set:
        return declared
    try:
        running = tomllib.loads(RUNNING.read_text())
    except OSError:
        return declared
    return Settings(**{**running, **{name: getattr(declared, name) for name in declared.model_fields_set}})


def as_service(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """One piece of work over the service's own connections, by role."""

    async def performed() -> T:
        database = Database(settings)
        try:
            return await work(database)
        finally:
            await database.dispose()

    return asyncio.run(performed())


@contextmanager
def said_plainly(settings: Settings) -> Iterator[None]:
    """A refusal, a database that cannot be reached or one that refuses ends the command with what to do, and 1."""
    try:
        yield
    except Problem as refusal:
        typer.echo(f"Refused: {refusal.as_document()['title']} {refusal.detail}", err=True)
        raise typer.Exit(1) from refusal
    except DBAPIError as fault:
        typer.echo(_reason(fault, settings), err=True)
        raise typer.Exit(1) from fault


def _reason(fault: DBAPIError, settings: Settings) -> str:
    said = str(fault.orig).splitlines()[0]
    url = settings.database_as().set(drivername="postgresql")
    if fault.statement is None:  # it was refused before anything was said
        return (
            f"No database answers at {url.render_as_string()}: start ./deploy/up in this clone, or name one that runs "
            f"with SARHAD_DATABASE_URL ({said})."
        )
    if isinstance(fault.orig, InsufficientPrivilege):
        return (
            f"The user {url.username!r} of SARHAD_DATABASE_URL has too few rights: {said}.\n"
            "Setting up and upgrading needs a superuser; serving does not. See deploy/runbook.md, "
            "“A PostgreSQL of your own”."
        )
    return f"The database refused: {fault.orig}"


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
    """Perform one act as the operator."""
    settings = command_settings()

    async def perform() -> T:
        async with owner_session(settings) as session:
            return await act(session)

    with said_plainly(settings):
        return asyncio.run(perform())
