"""Tasks of the features, how a request defers one, and what a running one is given."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from procrastinate import BaseRetryStrategy, Blueprint, JobContext, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.settings import Settings

QUICK, HEAVY, LANE = "quick", "heavy", "lane"

_DEFER = text("SELECT jobs.defer(:task, :queue, CAST(:args AS jsonb), :run_at, :serial)")
_WAKE = text("SELECT jobs.wake(:task, :queue, CAST(:args AS jsonb), :serial)")
_RELAY = text("SELECT jobs.relay(:task, :queue, CAST(:args AS jsonb), :serial)")
_SETTLE = text("SELECT jobs.settle(:job)")


class Pointless(Exception):
    """Raised by a task that would fail again however often it is run: it ends as failed at once."""


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt at a job. `attempt` counts from 1; `database` does what its roles may, outside any context."""

    job: int
    attempt: int
    database: Database
    settings: Settings

    async def settle(self, session: AsyncSession) -> bool:
        """Whether the effects of this job are yet to be made; to be asked first, in a transaction of `writing` that
        then makes all of them.
        """
        return bool(await session.scalar(_SETTLE, {"job": self.job}))


class Again(BaseRetryStrategy):
    """After a fault a job waits 4, 16, 64 … seconds; one that was stopped with its process is run at once again."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, (CancelledError, JobAborted)):
            return RetryDecision(retry_at=datetime.now(UTC))
        if isinstance(exception, Pointless) or job.attempts + 1 >= self.attempts:
            return None
        return RetryDecision(retry_in={"seconds": min(4 ** (job.attempts + 1), 3600)})


@dataclass(frozen=True, slots=True)
class Task:
    """A registered task, which requests defer."""

    name: str
    queue: str

    async def defer(
        self, session: AsyncSession, *, run_at: datetime | None = None, serial: str | None = None, **args: Any
    ) -> int:
        """Queue a job in the transaction of `session` (a WriteSession): not before `run_at`, and never two jobs of one
        `serial` at once. Answers with its number.
        """
        job: int | None = await session.scalar(
            _DEFER,
            {
                "task": self.name,
                "queue": self.queue,
                "args": orjson.dumps(args).decode(),
                "run_at": run_at,
                "serial": serial,
            },
        )
        assert job is not None
        return job

    async def wake(self, session: AsyncSession, *, serial: str, **args: Any) -> None:
        """For a task that drains what waits elsewhere: a job of `serial` begins after the transaction of `session` was
        committed. However many ask, one waits.
        """
        await session.execute(_WAKE, self._named(serial, args))

    async def relay(self, session: AsyncSession, *, serial: str, **args: Any) -> None:
        """To be called by a task that is woken, in a transaction of its own, before it looks at what waits: whoever
        woke it and has not committed yet is looked after by another job, a second later.
        """
        await session.execute(_RELAY, self._named(serial, args))

    def _named(self, serial: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"task": self.name, "queue": self.queue, "args": orjson.dumps(args).decode(), "serial": serial}


class Tasks:
    """The tasks of one feature."""

    def __init__(self, feature: str) -> None:
        self.feature = feature
        self.blueprint = Blueprint()

    def task(
        self, *, attempts: int = 5, heavy: bool = False, lane: bool = False
    ) -> Callable[[Callable[..., Awaitable[None]]], Task]:
        """Registers `async def do(work, …)`. A heavy one (much data, minutes) does not keep the quick ones waiting, nor
        does a job of a lane: each country has its own (`serial`), and as many run at once as there are countries.
        """
        queue = HEAVY if heavy else LANE if lane else QUICK

        def register(function: Callable[..., Awaitable[None]]) -> Task:
            self._register(function, queue, attempts)
            return Task(f"{self.feature}:{function.__name__}", queue)

        return register

    def every(self, cron: str) -> Callable[[Callable[..., Awaitable[None]]], Task]:
        """Registers `async def do(work, timestamp)`, run at the times of `cron` (UTC), once however many processes
        work; a time that passed while none did is caught up for ten minutes.
        """

        def register(function: Callable[..., Awaitable[None]]) -> Task:
            task = self._register(function, QUICK, attempts=1)
            self.blueprint.periodic(cron=cron)(task)
            return Task(f"{self.feature}:{function.__name__}", QUICK)

        return register

    def _register(self, function: Callable[..., Awaitable[None]], queue: str, attempts: int) -> Any:
        async def run(context: JobContext, /, **args: Any) -> None:
            job, given = context.job, context.additional_context
            assert job.id is not None
            await function(Work(job.id, job.attempts + 1, given["database"], given["settings"]), **args)

        wrap = self.blueprint.task(name=function.__name__, queue=queue, pass_context=True, retry=Again(attempts))
        return wrap(run)
