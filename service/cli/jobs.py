"""`sarhad jobs`: do the queued work, see what failed, have it done again."""

import asyncio
import importlib
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, TypeVar

import typer
from procrastinate.exceptions import ConnectorException
from sqlalchemy import create_engine

from service.cli.acting import command_settings, said_plainly
from service.jobs import Tasks, work_off
from service.jobs.queue import Queue
from service.jobs.worker import queue_app
from service.lasting import made_to_last
from service.records import sealing
from service.settings import Settings
from service.web import logs

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Queued work: do it, see what failed, have it done again.")


@app.command(epilog="Example: sarhad jobs run")
def run(
    beside: Annotated[int | None, typer.Option(hidden=True, help="Stop when the parent is another process.")] = None,
) -> None:
    """Do jobs until stopped (`sarhad serve` runs one of these unless SARHAD_JOBS is false).

    Asked to stop, it finishes what runs for 20 seconds and puts the rest back.
    """
    logs.configure()
    with made_to_last():
        features = importlib.import_module("service.cli.tasks").FEATURES
    asyncio.run(_until_stopped(features, beside))


async def _until_stopped(features: list[Tasks], parent: int | None) -> None:
    settings = Settings()
    sealing.use(settings)
    working = asyncio.ensure_future(work_off(settings, features))
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    while not (asked.is_set() or working.done() or _orphaned(parent)):
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), 1)
    working.cancel()  # once: a second time would cut the jobs short that are being finished
    with suppress(asyncio.CancelledError):
        await working


def _orphaned(parent: int | None) -> bool:
    return parent is not None and os.getppid() != parent


@app.command("list")
def list_jobs(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that are not tried again.")] = False,
) -> None:
    """The newest jobs that wait, run or failed: number, task, state, attempts and the name of the last fault.

    \b
    sarhad jobs list --failed
    """
    statuses = ("failed", "aborted") if failed else ("todo", "doing", "failed", "aborted")
    found = _with_queue(lambda queue: queue.list(*statuses))
    for job in found:
        typer.echo(f"{job['id']:>8}  {job['task']:<28} {job['status']:<7} {job['attempts']:>2}  {job['fault'] or ''}")
    if not found:
        typer.echo("No job failed." if failed else "Nothing waits, runs or failed.")


@app.command()
def retry(job: Annotated[int, typer.Argument(help="Number of a failed job.")]) -> None:
    """Have a failed job done again.

    \b
    sarhad jobs retry 17
    """
    try:
        _with_queue(lambda queue: queue.retry(job))
    except ConnectorException:
        typer.echo(f"Job {job} did not fail: see sarhad jobs list --failed", err=True)
        raise typer.Exit(1) from None


def _with_queue(act: Callable[[Queue], Awaitable[T]]) -> T:
    settings = command_settings()

    async def perform() -> T:
        async with queue_app(settings).open_async() as opened:
            return await act(Queue(opened, settings.jobs_lost_seconds))

    with said_plainly(settings), create_engine(settings.database_as("sarhad_jobs")).connect():
        pass  # the queue's own pool would try for long, and not say why
    return asyncio.run(perform())


if __name__ == "__main__":
    app()
