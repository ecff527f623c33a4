"""Early warning goes on for everyone, whatever one country's filings and receivers do.

What was filed waits in a table, from which it is judged in a lane for each country that watches; what waits for
webhooks goes out in another. A job that drains is there once, however often it is woken.
"""

from alembic import op

revision = "0048"
down_revision = "0047"

# Who finds a job waiting relies on it. It says so by a lock that is shared until its COMMIT, so that a job which begins
# before that COMMIT knows that it may not see all (`jobs.relay`). Nobody waits for anybody: who does not get the lock
# queues a job, and a job too many finds nothing to do. Each statement below sees what was committed before it.
JOBS = """
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
"""

QUEUE = """
CREATE TABLE core.alert_queue (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  reader char(2) NOT NULL CONSTRAINT alert_queue_reader_fkey REFERENCES core.country (code),
  country char(2),
  records uuid[] NOT NULL,
  links uuid[] NOT NULL,
  tried integer NOT NULL DEFAULT 0,
  CONSTRAINT alert_queue_pkey PRIMARY KEY (id)
);
CREATE INDEX alert_queue_reader_id_idx ON core.alert_queue (reader, id);
ALTER TABLE core.alert_queue ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY kept ON core.alert_queue TO sarhad_owner USING (true) WITH CHECK (true);
-- In the transaction that files or links: for each country that watches. Answers with these.
CREATE FUNCTION gate.judge_later(of_records uuid[], of_links uuid[]) RETURNS SETOF char(2)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY INSERT INTO core.alert_queue AS q (reader, country, records, links)
    SELECT w.country, gate.country(), of_records, of_links
    FROM (SELECT DISTINCT s.country FROM core.subscription s WHERE s.ended_at IS NULL) w RETURNING q.reader;
END $$;
-- What is to be judged next in one country's eyes: first what was never taken, of each country that filed one entry and
-- then up to so many records; then, one by one, what was taken and not judged to the end; five times in all.
CREATE FUNCTION gate.take_unjudged(reading char(2), most integer)
RETURNS TABLE (id bigint, records uuid[], links uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.alert_queue q WHERE q.reader = reading AND q.tried >= 5;
  RETURN QUERY UPDATE core.alert_queue q SET tried = 1 FROM (
      SELECT u.id, sum(cardinality(u.records) + cardinality(u.links) + 1) OVER earlier AS so_far,
        row_number() OVER earlier AS place
      FROM core.alert_queue u WHERE u.reader = reading AND u.tried = 0
      WINDOW earlier AS (PARTITION BY u.country ORDER BY u.id)) w
    WHERE q.id = w.id AND (w.so_far <= most OR w.place = 1) RETURNING q.id, q.records, q.links;
  IF NOT FOUND THEN
    RETURN QUERY UPDATE core.alert_queue q SET tried = q.tried + 1
      WHERE q.id = (SELECT u.id FROM core.alert_queue u WHERE u.reader = reading ORDER BY u.tried, u.id LIMIT 1)
      RETURNING q.id, q.records, q.links;
  END IF;
END $$;
CREATE FUNCTION gate.judged(entries bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.alert_queue q WHERE q.id = ANY (entries);
END $$;
-- The countries in whose eyes something is to be judged.
CREATE FUNCTION gate.judging() RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT q.reader FROM core.alert_queue q;
END $$;
REVOKE ALL ON FUNCTION gate.judge_later(uuid[], uuid[]), gate.take_unjudged(char, integer), gate.judged(bigint[]),
  gate.judging() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.judge_later(uuid[], uuid[]), gate.take_unjudged(char, integer), gate.judged(bigint[]),
  gate.judging() TO sarhad_write;
"""

LANES = """
DROP FUNCTION gate.watchers();
-- Whose eyes are to look, and of which country: for the role that mints contexts, and nothing of what they ordered.
CREATE FUNCTION gate.watchers() RETURNS TABLE (id uuid, key_id text, purpose text, delivery text, country char(2))
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.key_id, s.purpose, s.delivery, s.country FROM core.subscription s
    WHERE s.ended_at IS NULL ORDER BY s.ordered_at, s.id;
END $$;
REVOKE ALL ON FUNCTION gate.watchers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.watchers() TO sarhad_authn;
CREATE POLICY waiting ON core.alert_delivery FOR SELECT TO sarhad_owner USING (state = 'waiting');
-- The countries whose webhooks have something due: after a failure, 4, 16, 64 … seconds later.
CREATE FUNCTION gate.lanes_due() RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT s.country FROM core.alert_delivery d JOIN core.subscription s ON s.id = d.subscription_id
    JOIN core.agency_key k ON k.kid = s.key_id
    WHERE d.state = 'waiting' AND s.ended_at IS NULL
      AND k.revoked_at IS NULL AND (k.not_after IS NULL OR k.not_after > now())
      AND (d.attempts = 0 OR d.at + make_interval(secs => power(4, d.attempts)) <= now());
END $$;
REVOKE ALL ON FUNCTION gate.lanes_due() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.lanes_due() TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (JOBS, QUEUE, LANES):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
