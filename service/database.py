"""PostgreSQL: the declarative base and the kinds of transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any

import psycopg
from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from service.problems import Problem
from service.settings import Settings

# Times come back in UTC wherever the server stands: what is hashed and signed spells them so.
# deploy/roles.sql gives the roles the same, for sessions that come by way of a pooler.
_OPTIONS = "-c timezone=UTC -c search_path=public"
# The read statements are parameterised and few; the server-side limits keep a runaway question from hurting others.
_READ_OPTIONS = f"{_OPTIONS} -c jit=off -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
_WRITE_OPTIONS = f"{_OPTIONS} -c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"
# A server that does not answer is given up, unless the URL says when.
_GIVEN_UP = {
    "connect_timeout": "10",  # seconds, as those that follow
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # milliseconds
}


class Base(DeclarativeBase):
    """Base tables live in the schema `core`; readers see only the views of the schema `shared`."""

    metadata = MetaData(
        schema="core",
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        },
    )


@dataclass(frozen=True, slots=True)
class Word:
    """What the leader said of a reader: the token that names its policies, and the time, on its clock and on ours."""

    token: str
    at: datetime
    since: float  # monotonic, from before the leader was asked

    @property
    def age(self) -> float:
        return monotonic() - self.since


class Database:
    """One pool per database role: what a role may not do, no code path through it can do."""

    def __init__(self, settings: Settings) -> None:
        self._reading = _engine(settings, "sarhad_read", _READ_OPTIONS)
        replica = settings.replica_as("sarhad_read")
        self._replica = None if replica is None else _engine(settings, "sarhad_read", _READ_OPTIONS, url=replica)
        self._writing = _engine(settings, "sarhad_write", _WRITE_OPTIONS)
        self._authn = _engine(settings, "sarhad_authn", _WRITE_OPTIONS)
        self._sequencer = _engine(settings, "sarhad_sequencer", _WRITE_OPTIONS, size=2)
        self._access_url = settings.database_as("sarhad_access")
        self._access_kept = kept(settings, _WRITE_OPTIONS)
        self._access: psycopg.AsyncConnection[Any] | None = None
        # Apart from the writers' pool: who waits for this one already holds a connection of that one.
        self._scoping = _engine(settings, "sarhad_write", _WRITE_OPTIONS, size=1)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One transaction in which PostgreSQL itself refuses every write, on one snapshot.

        It ends with COMMIT: the driver forgets its prepared statements on every ROLLBACK, and the views of the gate are
        slow to plan.
        """
        async with _on_one_snapshot(self._reading) as session:
            yield session

    @property
    def has_replica(self) -> bool:
        return self._replica is not None

    @asynccontextmanager
    async def replicated(self) -> AsyncIterator[AsyncSession]:
        """As `reading`, on the replica, which may be behind."""
        assert self._replica is not None
        async with _on_one_snapshot(self._replica) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed on success, rolled back on any exception."""
        async with async_sessionmaker(self._writing, expire_on_commit=False).begin() as session:
            yield session

    @asynccontextmanager
    async def authn(self) -> AsyncIterator[AsyncSession]:
        """One transaction that may look keys up, spend nonces and mint context tokens, and nothing else."""
        async with async_sessionmaker(self._authn, expire_on_commit=False).begin() as session:
            yield session

    @asynccontextmanager
    async def sequencing(self) -> AsyncIterator[AsyncSession]:
        """One transaction of the log's sequencer."""
        async with async_sessionmaker(self._sequencer, expire_on_commit=False).begin() as session:
            yield session

    @asynccontextmanager
    async def scoping(self) -> AsyncIterator[AsyncSession]:
        """A short transaction beside one of `writing`, for what must not wait until that one ends."""
        async with async_sessionmaker(self._scoping, expire_on_commit=False).begin() as session:
            yield session

    async def access_log(self) -> psycopg.AsyncConnection[Any]:
        """The worker's one connection that may add to the access log and do nothing else; each statement commits by
        itself. Opened anew where it was lost. The driver's own: every reading waits for it.
        """
        if self._access is None or self._access.closed:
            dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
            _, given = dialect.create_connect_args(self._access_url)  # type: ignore[no-untyped-call]
            self._access = await psycopg.AsyncConnection.connect(
                **_GIVEN_UP | given, **self._access_kept, autocommit=True
            )
        return self._access

    async def dispose(self) -> None:
        for engine in (self._reading, self._writing, self._authn, self._sequencer, self._scoping):
            await engine.dispose()
        if self._replica is not None:
            await self._replica.dispose()
        if self._access is not None:
            await self._access.close()


def withheld(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """What a log may say of an error: its type, and where it arose. Its message may quote values of a record."""
    return type(error), Exception("message withheld"), error.__traceback__


def violated(error: IntegrityError, *constraints: str) -> bool:
    """Whether a statement failed on one of these constraints or unique indexes, and not on anything else."""
    orig = error.orig
    return isinstance(orig, psycopg.Error) and orig.diag.constraint_name in constraints


def administration(settings: Settings) -> AsyncEngine:
    """An engine for migrations, loaders and the operator's commands: the user of the database URL."""
    return create_async_engine(settings.database_as())


@asynccontextmanager
async def _on_one_snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        await session.connection(execution_options={"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"})
        try:
            yield session
        except Problem:
            await session.commit()
            raise
        await session.commit()


def _engine(
    settings: Settings, role: str, options: str, size: int | None = None, url: URL | None = None
) -> AsyncEngine:
    url = url or settings.database_as(role)
    given_up = {name: url.query.get(name, value) for name, value in _GIVEN_UP.items()}
    return create_async_engine(
        url,
        pool_size=size or settings.database_pool,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={**given_up, **kept(settings, options)},
    )


def kept(settings: Settings, options: str) -> dict[str, Any]:
    """What a connection is opened with that its session keeps; a pooler of transactions keeps nothing."""
    if settings.database_pooler:
        return {"prepare_threshold": None}
    return {"options": options, "prepare_threshold": 3}
