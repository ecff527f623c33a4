-- Around the queue: who may do what in it, what a finished job leaves, and what went wrong.

-- A job whose effects are committed. Written in the transaction of those effects, so that a job that is run twice
-- changes the database once.
CREATE TABLE jobs.settled (
  job_id bigint PRIMARY KEY REFERENCES jobs.procrastinate_jobs (id) ON DELETE CASCADE
);
-- Why an attempt ended: the name of the fault and no more, for its text may hold parts of records.
CREATE TABLE jobs.fault (
  job_id bigint NOT NULL REFERENCES jobs.procrastinate_jobs (id) ON DELETE CASCADE,
  attempt integer NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  fault text NOT NULL,
  PRIMARY KEY (job_id, attempt, at)
);

-- The one way in for a request: the job is there exactly when the request's transaction was committed, and the worker
-- hears of it then.
CREATE FUNCTION jobs.defer(task text, queue text, args jsonb, run_at timestamptz, serial text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, jobs AS $$
  SELECT (jobs.procrastinate_defer_jobs_v1(
    ARRAY[ROW(queue, task, 0, serial, NULL, args, run_at)::jobs.procrastinate_job_to_defer_v1]))[1]
$$;
-- Whether the effects of a job are yet to be made; a second run waits here until the first has committed or not.
CREATE FUNCTION jobs.settle(job bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, jobs AS $$
BEGIN
  INSERT INTO jobs.settled VALUES (job) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC;
GRANT USAGE ON SCHEMA jobs TO sarhad_write, sarhad_jobs;
GRANT EXECUTE ON FUNCTION jobs.defer(text, text, jsonb, timestamptz, text), jobs.settle(bigint) TO sarhad_write;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO sarhad_jobs;
REVOKE INSERT, UPDATE ON jobs.settled FROM sarhad_jobs;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO sarhad_jobs;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO sarhad_jobs;
REVOKE EXECUTE ON FUNCTION jobs.defer(text, text, jsonb, timestamptz, text), jobs.settle(bigint) FROM sarhad_jobs;

-- A job that drains is there once, however often it is woken. Who finds a job waiting relies on it. It says so by a
-- lock that is shared until its COMMIT, so that a job which begins before that COMMIT knows that it may not see all
-- (`jobs.relay`). Nobody waits for anybody: who does not get the lock queues a job, and a job too many finds nothing to
-- do. Each statement below sees what was committed before it.
CREATE FUNCTION jobs.wake(task text, queue text, args jsonb, serial text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, jobs AS $$
BEGIN
  IF pg_try_advisory_xact_lock_shared(hashtextextended(serial, 7276842)) THEN
    IF EXISTS (SELECT FROM jobs.procrastinate_jobs j
      WHERE j.status = 'todo' AND j.lock = serial AND j.task_name = task) THEN
      RETURN false;
    END IF;
  END IF;
  PERFORM jobs.defer(task, queue, args, NULL, serial);
  RETURN true;
END $$;
-- At the beginning of a job that drains: where somebody relied on it who has not committed, another one follows.
CREATE FUNCTION jobs.relay(task text, queue text, args jsonb, serial text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, jobs AS $$
BEGIN
  IF pg_try_advisory_xact_lock(hashtextextended(serial, 7276842)) THEN
    RETURN false;
  END IF;
  IF EXISTS (SELECT FROM jobs.procrastinate_jobs j
    WHERE j.status = 'todo' AND j.lock = serial AND j.task_name = task) THEN
    RETURN false;
  END IF;
  PERFORM jobs.defer(task, queue, args, now() + interval '1 second', serial);
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION jobs.wake(text, text, jsonb, text), jobs.relay(text, text, jsonb, text)
  FROM PUBLIC, sarhad_jobs;
GRANT EXECUTE ON FUNCTION jobs.wake(text, text, jsonb, text), jobs.relay(text, text, jsonb, text) TO sarhad_write;
