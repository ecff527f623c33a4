"""A job that drains is there once for however many wake it, and misses nobody who relied on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from service.database import Database
from tests.jobs import errands

pytestmark = pytest.mark.xdist_group("jobs")
SERIAL = "errands"


@pytest.fixture
def queue(superuser: Engine) -> Iterator["Queue"]:
    made = Queue(superuser)
    yield made
    made.finish()


class Queue:
    """The jobs of the serial that wait."""

    def __init__(self, superuser: Engine) -> None:
        self._superuser = superuser

    def waiting(self) -> int:
        with self._superuser.connect() as connection:
            query = text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE lock = :serial AND status = 'todo'")
            return int(connection.execute(query, {"serial": SERIAL}).scalar_one())

    def begin(self) -> None:
        """The one that waits is fetched."""
        self._become("todo", "doing")

    def finish(self) -> None:
        self._become("doing", "succeeded")
        self._become("todo", "succeeded")

    def _become(self, was: str, becomes: str) -> None:
        with self._superuser.connect() as connection:
            connection.execute(
                text("UPDATE jobs.procrastinate_jobs SET status = :becomes WHERE lock = :serial AND status = :was"),
                {"becomes": becomes, "serial": SERIAL, "was": was},
            )


async def test_however_many_wake_it_one_job_waits(database: Database, queue: Queue) -> None:
    for _ in range(3):
        async with database.writing() as session:
            await errands.once.wake(session, serial=SERIAL, stamp="drain")
    assert queue.waiting() == 1


async def test_who_wakes_while_one_runs_is_looked_after_by_the_next(database: Database, queue: Queue) -> None:
    async with database.writing() as session:
        await errands.once.wake(session, serial=SERIAL, stamp="drain")
    queue.begin()
    async with database.writing() as session:
        await errands.once.wake(session, serial=SERIAL, stamp="drain")
    assert queue.waiting() == 1


async def test_who_relied_on_a_job_that_ran_before_its_commit_is_looked_after(database: Database, queue: Queue) -> None:
    """The job cannot see what that transaction added: it queues another, again and again until it has committed."""
    async with database.writing() as session:
        await errands.once.wake(session, serial=SERIAL, stamp="drain")
    async with database.writing() as relying:
        await errands.once.wake(relying, serial=SERIAL, stamp="drain")
        assert queue.waiting() == 1
        for _ in range(2):
            queue.begin()
            async with database.writing() as session:
                await errands.once.relay(session, serial=SERIAL, stamp="drain")
            assert queue.waiting() == 1
            with queue._superuser.connect() as connection:
                connection.execute(
                    text("UPDATE jobs.procrastinate_jobs SET status = 'succeeded' WHERE status = 'doing'")
                )
    queue.begin()
    async with database.writing() as session:
        await errands.once.relay(session, serial=SERIAL, stamp="drain")
    assert queue.waiting() == 0
