"""Work that outlives a request: queued in its transaction, done by a process of its own.

A feature registers its tasks, and a request defers one in the transaction of its session:

    tasks = Tasks("bulletins")

    @tasks.task(heavy=True)
    async def make(work: Work, publication: str) -> None:
        async with work.database.writing() as session:
            if await work.settle(session):
                …

    await make.defer(session, publication=str(released.id))

What holds: a job exists exactly when that transaction was committed. It is run at least once: again after a fault, a
stop or a loss of the process that ran it. A task that settles changes the database exactly once; what it does outside
(a message, a file) it must do so that a second time does no harm. Arguments are ids and nothing else: operators see
the queue.

A task that drains a table of what waits is woken (`wake`) instead of deferred: however many transactions add to the
table, one job waits, and one runs.
"""

from service.jobs.tasks import Pointless, Task, Tasks, Work
from service.jobs.worker import work_off

__all__ = ["Pointless", "Task", "Tasks", "Work", "work_off"]
