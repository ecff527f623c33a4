"""What is done to the queue beside running it: lost jobs put back, old ones forgotten, failed ones shown."""

from datetime import UTC, datetime
from typing import Any

from procrastinate import App
from procrastinate.jobs import Job

LOST_AT_MOST = 5  # a job that took its process with it so often is not tried again

# One statement: of two processes that look at once, the second finds the job taken care of.
_RECOVER = """
WITH lost AS (
  UPDATE procrastinate_jobs j
  SET status = CASE WHEN j.attempts + 1 >= %(most)s THEN 'failed' ELSE 'todo' END::procrastinate_job_status,
      attempts = j.attempts + 1, scheduled_at = now(), abort_requested = false, worker_id = NULL
  WHERE j.status = 'doing' AND (j.worker_id IS NULL OR EXISTS (
    SELECT FROM procrastinate_workers w WHERE w.id = j.worker_id
    AND w.last_heartbeat < clock_timestamp() - make_interval(secs => %(seconds)s)))
  RETURNING j.id, j.attempts)
INSERT INTO fault (job_id, attempt, fault) SELECT id, attempts, 'ProcessLost' FROM lost
"""
_NOTE = "INSERT INTO fault (job_id, attempt, fault) VALUES (%(job)s, %(attempt)s, %(fault)s) ON CONFLICT DO NOTHING"
_LIST = """
SELECT j.id, j.task_name AS task, j.status::text, j.attempts, j.scheduled_at AS run_at, f.fault, f.at
FROM procrastinate_jobs j
LEFT JOIN LATERAL (SELECT fault, at FROM fault WHERE job_id = j.id ORDER BY at DESC LIMIT 1) f ON true
WHERE j.status::text = ANY (%(statuses)s) ORDER BY j.id DESC LIMIT %(limit)s
"""


class Queue:
    """The queue as its keeper sees it: names of tasks, counts and faults, no content."""

    def __init__(self, app: App, lost_seconds: float) -> None:
        self._app, self._lost_seconds = app, lost_seconds

    async def recover(self) -> None:
        """Jobs of processes that have not been heard of are to be done again, unless they were lost too often."""
        await self._app.connector.execute_query_async(_RECOVER, most=LOST_AT_MOST, seconds=self._lost_seconds)

    async def forget(self) -> None:
        """Finished jobs go after a day, failed ones after a quarter of a year."""
        await self._app.job_manager.delete_old_jobs(nb_hours=24)
        await self._app.job_manager.delete_old_jobs(nb_hours=24 * 90, include_failed=True, include_aborted=True)

    async def note(self, job: Job, fault: str) -> None:
        await self._app.connector.execute_query_async(_NOTE, job=job.id, attempt=job.attempts + 1, fault=fault)

    async def list(self, *statuses: str, limit: int = 100) -> list[dict[str, Any]]:
        """The newest jobs in these states (todo, doing, succeeded, failed), with the last fault of each."""
        return await self._app.connector.execute_query_all_async(_LIST, statuses=list(statuses), limit=limit)

    async def retry(self, job: int) -> None:
        """A failed job is to be done again. Raises procrastinate's ConnectorException where it did not fail."""
        await self._app.job_manager.retry_job_by_id_async(job, retry_at=datetime.now(UTC))
