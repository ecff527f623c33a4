"""Tasks of the tests, and a process that does them: `python -m tests.jobs.errands`.

Each leaves rows in `errand.run` (a run began) and `errand.effect` (what it changed), so that both can be counted.
"""

import asyncio
import os

from sqlalchemy import text

from service.cli import jobs, tasks
from service.jobs import Pointless, Tasks, Work

TABLES = """
CREATE SCHEMA errand;
CREATE TABLE errand.run (job bigint, attempt int, pid int, stamp text);
CREATE TABLE errand.effect (job bigint, stamp text);
CREATE TABLE errand.open (gate text);
GRANT USAGE ON SCHEMA errand TO sarhad_write;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA errand TO sarhad_write;
"""
errands = Tasks("errand")


async def _began(work: Work, stamp: str) -> None:
    async with work.database.writing() as session:
        await session.execute(
            text("INSERT INTO errand.run VALUES (:job, :attempt, :pid, :stamp)"),
            {"job": work.job, "attempt": work.attempt, "pid": os.getpid(), "stamp": stamp},
        )


async def _opened(work: Work, gate: str) -> None:
    while True:
        async with work.database.writing() as session:
            if await session.scalar(text("SELECT count(*) FROM errand.open WHERE gate = :gate"), {"gate": gate}):
                return
        await asyncio.sleep(0.05)


@errands.task()
async def once(work: Work, stamp: str, gate: str | None = None) -> None:
    """Changes the database, as soon as `gate` is open."""
    await _began(work, stamp)
    if gate is not None:
        await _opened(work, gate)
    async with work.database.writing() as session:
        if await work.settle(session):
            await session.execute(
                text("INSERT INTO errand.effect VALUES (:job, :stamp)"), {"job": work.job, "stamp": stamp}
            )


@errands.task(attempts=2, heavy=True)
async def fails(work: Work, stamp: str) -> None:
    await _began(work, stamp)
    raise ArithmeticError("the text of a fault is told to nobody")


@errands.task()
async def is_pointless(work: Work, stamp: str) -> None:
    await _began(work, stamp)
    raise Pointless("never")


@errands.every("* * * * * *")
async def ticks(work: Work, timestamp: int) -> None:
    await _began(work, f"tick {timestamp}")


if __name__ == "__main__":
    tasks.FEATURES.append(errands)
    jobs.app()
