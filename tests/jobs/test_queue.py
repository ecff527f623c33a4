"""A job exists exactly when its transaction was committed, is run until it is done, and changes things once."""

import json
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from service.database import Database
from service.jobs.queue import Queue
from service.jobs.worker import queue_app
from service.settings import Settings
from tests.awaiting import eventually
from tests.jobs import errands
from tests.jobs.conftest import LOST_SECONDS, Processes

Until = Callable[..., Any]
DONE = "SELECT status = 'succeeded' FROM jobs.procrastinate_jobs WHERE id = :job"
FAILED = "SELECT status = 'failed' FROM jobs.procrastinate_jobs WHERE id = :job"
BEGAN = "SELECT max(pid) FROM errand.run WHERE job = :job"
EFFECTS = "SELECT count(*) FROM errand.effect WHERE job = :job"
pytestmark = pytest.mark.xdist_group("jobs")


async def test_a_job_exists_exactly_when_its_transaction_was_committed(
    database: Database, superuser: Engine, processes: Processes, until: Until
) -> None:
    undone = f"{uuid4()}"
    with suppress(ZeroDivisionError):
        async with database.writing() as session:
            await errands.once.defer(session, stamp=undone)
            raise ZeroDivisionError
    async with database.writing() as session:
        job = await errands.once.defer(session, stamp="committed")
    processes.start()
    assert until(DONE, job=job)
    assert until(EFFECTS, job=job) == 1
    with superuser.connect() as connection:
        assert not connection.scalar(text("SELECT count(*) FROM errand.run WHERE stamp = :stamp"), {"stamp": undone})
    assert until("SELECT count(*) > 1 FROM errand.run WHERE stamp LIKE 'tick %'")
    with superuser.connect() as connection:
        ticks = connection.scalars(text("SELECT stamp FROM errand.run WHERE stamp LIKE 'tick %'")).all()
    assert len(ticks) == len(set(ticks))


async def test_a_fault_is_tried_again_and_ends_among_the_failed(
    database: Database, processes: Processes, until: Until
) -> None:
    async with database.writing() as session:
        failing = await errands.fails.defer(session, stamp="fails")
        pointless = await errands.is_pointless.defer(session, stamp="pointless")
    processes.start()
    assert until(FAILED, job=pointless)
    assert until("SELECT count(*) FROM errand.run WHERE job = :job", job=pointless) == 1
    assert until(FAILED, job=failing)
    assert until("SELECT count(*) FROM errand.run WHERE job = :job", job=failing) == 2
    shown = processes.command("list", "--failed")
    assert re.search(rf"{failing}  errand:fails +failed +2  ArithmeticError", shown)
    assert "told to nobody" not in shown
    said = [json.loads(line) for line in processes.output.read_text().splitlines()]
    assert {"job failed", "library"} <= {line["event"] for line in said}
    assert {"ArithmeticError"} <= {one["exc_type"] for line in said for one in line.get("exception", ())}
    assert not [line for line in said if "told to nobody" in str(line) or "stamp=" in str(line)]
    assert "did not fail" in processes.command("retry", "999999999")
    processes.command("retry", str(failing))
    assert until("SELECT count(*) > 2 FROM errand.run WHERE job = :job", job=failing)


async def test_what_a_killed_process_ran_is_run_again_and_changes_things_once(
    database: Database, superuser: Engine, processes: Processes, until: Until
) -> None:
    gate = f"{uuid4()}"
    async with database.writing() as session:
        job = await errands.once.defer(session, stamp="killed", gate=gate)
    process = processes.start()
    assert until(BEGAN, job=job) == process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    other = processes.start()
    assert until("SELECT max(attempt) = 2 AND max(pid) > 0 FROM errand.run WHERE job = :job AND attempt = 2", job=job)
    with superuser.connect() as connection:
        connection.execute(text("INSERT INTO errand.open VALUES (:gate)"), {"gate": gate})
    assert until(DONE, job=job)
    assert until(EFFECTS, job=job) == 1
    assert other.poll() is None
    assert "ProcessLost" in until("SELECT fault FROM jobs.fault WHERE job_id = :job", job=job)


async def test_a_process_knows_its_tasks_also_after_the_database_was_away(
    database: Database, superuser: Engine, processes: Processes, until: Until
) -> None:
    processes.start()
    async with database.writing() as session:
        before = await errands.once.defer(session, stamp="before")
    assert until(DONE, job=before)
    with superuser.connect() as connection:
        own = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {own} CONNECTION LIMIT 0"))  # superusers come in all the same
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'sarhad_jobs' AND datname = current_database()"
            )
        )
        eventually(lambda: "waiting for the database" in processes.output.read_text())
        connection.execute(text(f"ALTER DATABASE {own} CONNECTION LIMIT -1"))
    async with database.writing() as session:
        after = await errands.once.defer(session, stamp="after")
    assert until(DONE, job=after)


async def test_a_process_that_is_stopped_finishes_what_it_runs(
    database: Database, superuser: Engine, processes: Processes, until: Until
) -> None:
    gate = f"{uuid4()}"
    async with database.writing() as session:
        job = await errands.once.defer(session, stamp="stopped", gate=gate)
    process = processes.start()
    until(BEGAN, job=job)
    process.terminate()
    until(
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND usename = 'sarhad_jobs'"
        " AND datname = current_database()"
    )
    with superuser.connect() as connection:
        connection.execute(text("INSERT INTO errand.open VALUES (:gate)"), {"gate": gate})
    assert process.wait(30) == 0
    assert until(DONE, seconds=1, job=job)
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM errand.run WHERE job = :job"), {"job": job}) == 1


def test_a_process_beside_another_ends_with_it(processes: Processes) -> None:
    assert processes.start("--beside", "1").wait(30) == 0


async def test_a_second_run_of_a_settled_job_finds_nothing_to_do(database: Database, superuser: Engine) -> None:
    async with database.writing() as session:
        job = await errands.once.defer(session, stamp="twice")
    settle = text("SELECT jobs.settle(:job)")
    async with database.writing() as session:
        assert await session.scalar(settle, {"job": job})
    async with database.writing() as session:
        assert not await session.scalar(settle, {"job": job})


async def test_a_job_that_takes_its_process_with_it_is_given_up(
    database: Database, superuser: Engine, queued: Settings
) -> None:
    async with database.writing() as session:
        job = await errands.once.defer(session, stamp="poison")
    lose = text("UPDATE jobs.procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE id = :job")
    state = text("SELECT status, attempts FROM jobs.procrastinate_jobs WHERE id = :job")
    async with queue_app(queued).open_async() as app:
        queue = Queue(app, LOST_SECONDS)
        for attempt, expected in enumerate(("todo", "todo", "todo", "todo", "failed"), 1):
            with superuser.connect() as connection:
                connection.execute(lose, {"job": job})
            await queue.recover()
            with superuser.connect() as connection:
                assert tuple(connection.execute(state, {"job": job}).one()) == (expected, attempt)


@pytest.mark.parametrize(
    ("role", "question"),
    [
        ("sarhad_jobs", "SELECT * FROM core.report"),
        ("sarhad_jobs", "SELECT gate.mint('k', NULL)"),
        ("sarhad_jobs", "SELECT jobs.settle(1)"),
        ("sarhad_jobs", "INSERT INTO jobs.settled VALUES (1)"),
        ("sarhad_write", "SELECT * FROM jobs.procrastinate_jobs"),
        ("sarhad_write", "SELECT * FROM jobs.procrastinate_fetch_job_v2(NULL, 1)"),
        ("sarhad_write", "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name) VALUES ('quick', 'x')"),
        ("sarhad_read", "SELECT jobs.defer('x', 'quick', '{}', NULL, NULL)"),
        ("sarhad_authn", "SELECT jobs.defer('x', 'quick', '{}', NULL, NULL)"),
    ],
)
def test_who_keeps_the_queue_reaches_nothing_else_and_nobody_else_reaches_the_queue(
    superuser: Engine, role: str, question: str
) -> None:
    with superuser.connect() as connection:
        connection.execute(text(f"SET SESSION AUTHORIZATION {role}"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(question))
        connection.execute(text("RESET SESSION AUTHORIZATION"))


_SHAPE = {
    "columns": """SELECT table_name, column_name, udt_name, column_default IS NULL, is_nullable
      FROM information_schema.columns WHERE table_schema = :schema AND table_name LIKE 'procrastinate%'""",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = CAST(:schema AS regnamespace)"
    " AND proname LIKE 'procrastinate%'",
    "indexes": """SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = :schema
      AND tablename LIKE 'procrastinate%'""",
    "constraints": "SELECT conname, replace(pg_get_constraintdef(oid), :schema || '.', '') FROM pg_constraint"
    " WHERE connamespace = CAST(:schema AS regnamespace) AND conrelid::regclass::text ~ 'procrastinate'",
    "triggers": """SELECT tgname, replace(pg_get_triggerdef(t.oid), :schema || '.', '') FROM pg_trigger t
      JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = CAST(:schema AS regnamespace) AND NOT tgisinternal""",
}


def test_the_queue_is_as_the_installed_library_wants_it(superuser: Engine) -> None:
    """A release of the library that changes its schema needs a migration."""
    with superuser.connect() as connection:
        connection.execute(text("BEGIN; CREATE SCHEMA wanted; SET LOCAL search_path = wanted"))
        connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
        try:
            for name, query in _SHAPE.items():
                made, wanted = (
                    {tuple(row) for row in connection.execute(text(query), {"schema": schema})}
                    for schema in ("jobs", "wanted")
                )
                assert made == wanted, name
        finally:
            connection.execute(text("ROLLBACK"))
