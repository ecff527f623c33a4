"""The process that does the jobs: quick ones, heavy ones and lanes side by side, until it is cancelled.

It logs in to the queue as `sarhad_jobs`, which reaches nothing else; a task reaches data through `Database`, as
requests do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import psycopg
import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from service.database import Database, kept, withheld
from service.jobs.queue import Queue
from service.jobs.tasks import HEAVY, LANE, QUICK, Tasks
from service.settings import Settings

AT_ONCE = {QUICK: 4, HEAVY: 1, LANE: 64}  # more than countries have lanes: none waits for another's
LOOK_SECONDS = 0.5  # what waits for its time, or for another of its serial, begins this much later at most
GRACE_SECONDS = 20  # what runs may finish when the process is asked to stop; then it is put back

_log = structlog.get_logger("sarhad.jobs")


def queue_app(settings: Settings, features: Iterable[Tasks] = ()) -> App:
    """The library's application: its connector, and the tasks of the features."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    _, given = dialect.create_connect_args(settings.database_as("sarhad_jobs"))  # type: ignore[no-untyped-call]
    options = "-c timezone=UTC -c search_path=jobs -c statement_timeout=60s"
    connector = PsycopgConnector(kwargs=given | kept(settings, options), min_size=1, max_size=8, timeout=10)
    app = App(connector=connector)
    for feature in features:
        app.add_tasks_from(feature.blueprint, namespace=feature.feature)
    return app


async def work_off(settings: Settings, features: Iterable[Tasks]) -> None:
    """Do jobs until cancelled; a database that is away is waited for."""
    app = queue_app(
        settings, features
    )  # once: the library puts the feature's name before a task's each time it is given one
    database = Database(settings)
    try:
        while True:
            try:
                await _work(settings, app, database)
            except (ConnectorException, psycopg.Error, OSError) as fault:
                _log.warning("waiting for the database", fault=type(fault).__name__)
            await asyncio.sleep(1)
    finally:
        await database.dispose()


async def _work(settings: Settings, app: App, database: Database) -> None:
    """Until cancelled, or until a worker gives up because its connection is lost."""
    async with app.open_async():
        queue = Queue(app, settings.jobs_lost_seconds)
        tasks = [asyncio.create_task(_sweep(queue, settings.jobs_lost_seconds / 3))]
        for name, number in AT_ONCE.items():
            working = app.run_worker_async(
                queues=[name],
                name=name,
                concurrency=number,
                fetch_job_polling_interval=LOOK_SECONDS,
                shutdown_graceful_timeout=GRACE_SECONDS,
                update_heartbeat_interval=settings.jobs_lost_seconds / 3,
                stalled_worker_timeout=settings.jobs_lost_seconds,
                install_signal_handlers=False,
                additional_context={"database": database, "settings": settings},
                worker_middleware=[_noting(queue)],
            )
            tasks.append(asyncio.create_task(working))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, ConnectorException, psycopg.Error, OSError):
                    await task


def _noting(queue: Queue) -> Callable[[Callable[[], Awaitable[object]], JobContext, Worker], Awaitable[object]]:
    """Around each attempt: the name of a fault is kept for the operator."""

    async def note(run: Callable[[], Awaitable[object]], context: JobContext, _worker: Worker) -> object:
        try:
            return await run()
        except Exception as fault:
            _log.warning("job failed", task=context.job.task_name, job=context.job.id, exc_info=withheld(fault))
            with suppress(ConnectorException):
                await queue.note(context.job, type(fault).__name__)
            raise

    return note


async def _sweep(queue: Queue, seconds: float) -> None:
    while True:
        await queue.recover()
        await queue.forget()
        await asyncio.sleep(seconds)
