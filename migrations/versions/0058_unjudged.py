"""What waits to be judged is nobody's past, waits again for the orders that failed, and for living keys alone.

Two portions of one batch, or an entry whose judging failed and one that was judged meanwhile, were each the past of the
other, so that nobody was told of what both brought. An entry was settled when any order had looked; now it stays for
those that did not, which try again after 1, 4, 16 and 64 minutes: five times in all, within a day. An order stands as
long as the key that ordered.
"""

from alembic import op

revision = "0058"
down_revision = "0057"

# As `gate.mint` asks: whose key is dead has no eyes.
LIVING = """EXISTS (SELECT FROM core.agency_key k WHERE k.kid = s.key_id AND k.revoked_at IS NULL
      AND k.not_before <= now() AND (k.not_after IS NULL OR k.not_after > now()))"""

QUEUE = """
ALTER TABLE core.alert_queue
  ADD COLUMN looked uuid[] NOT NULL DEFAULT '{}',
  ADD COLUMN filed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN due_at timestamptz NOT NULL DEFAULT now();
-- Ids of what waits for the reader's country. It is asked about records that the reader sees, and about no others.
CREATE FUNCTION gate.unjudged() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT unnest(q.records) FROM core.alert_queue q WHERE q.reader = (SELECT gate.country());
END $$;
DROP FUNCTION gate.take_unjudged(char, integer);
-- What is to be judged next in one country's eyes: first what was never taken, of each country that filed one entry and
-- then up to so many records; then, if `again`, one by one, what was taken, was not judged to the end and is due.
CREATE FUNCTION gate.take_unjudged(reading char(2), most integer, again boolean)
RETURNS TABLE (id bigint, records uuid[], links uuid[], looked uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.alert_queue q
    WHERE q.reader = reading AND (q.tried >= 5 OR q.tried > 0 AND q.filed_at < now() - interval '1 day');
  RETURN QUERY UPDATE core.alert_queue q SET tried = 1, due_at = now() + interval '1 minute' FROM (
      SELECT u.id, sum(cardinality(u.records) + cardinality(u.links) + 1) OVER earlier AS so_far,
        row_number() OVER earlier AS place
      FROM core.alert_queue u WHERE u.reader = reading AND u.tried = 0
      WINDOW earlier AS (PARTITION BY u.country ORDER BY u.id)) w
    WHERE q.id = w.id AND (w.so_far <= most OR w.place = 1) RETURNING q.id, q.records, q.links, q.looked;
  IF NOT FOUND AND again THEN
    RETURN QUERY UPDATE core.alert_queue q
      SET tried = q.tried + 1, due_at = now() + interval '1 minute' * power(4, q.tried)
      WHERE q.id = (SELECT u.id FROM core.alert_queue u WHERE u.reader = reading AND u.due_at <= now()
        ORDER BY u.tried, u.id LIMIT 1)
      RETURNING q.id, q.records, q.links, q.looked;
  END IF;
END $$;
-- Some orders of the country have looked at these entries, which stay for the others.
CREATE FUNCTION gate.looked(entries bigint[], orders uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.alert_queue q SET looked = q.looked || orders WHERE q.id = ANY (entries);
END $$;
CREATE OR REPLACE FUNCTION gate.judging() RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT q.reader FROM core.alert_queue q WHERE q.due_at <= now();
END $$;
REVOKE ALL ON FUNCTION gate.unjudged(), gate.take_unjudged(char, integer, boolean), gate.looked(bigint[], uuid[])
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.unjudged() TO sarhad_read;
GRANT EXECUTE ON FUNCTION gate.take_unjudged(char, integer, boolean), gate.looked(bigint[], uuid[]) TO sarhad_write;
"""

ORDERS = f"""
GRANT SELECT (kid, revoked_at, not_after) ON core.agency_key TO gate_own;
CREATE OR REPLACE VIEW shared.subscription AS
  SELECT s.id, s.country, s.agency, s.key_id, s.purpose, s.name, s.rules, s.groups, s.delivery, s.url, s.ordered_at,
    coalesce(s.ended_at, (SELECT least(k.revoked_at, k.not_after) FROM core.agency_key k
      WHERE k.kid = s.key_id AND (k.revoked_at IS NOT NULL OR k.not_after <= now()))) AS ended_at
  FROM core.subscription s;
CREATE OR REPLACE FUNCTION gate.watchers()
RETURNS TABLE (id uuid, key_id text, purpose text, delivery text, country char(2))
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.key_id, s.purpose, s.delivery, s.country FROM core.subscription s
    WHERE s.ended_at IS NULL AND {LIVING} ORDER BY s.ordered_at, s.id;
END $$;
CREATE OR REPLACE FUNCTION gate.judge_later(of_records uuid[], of_links uuid[]) RETURNS SETOF char(2)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY INSERT INTO core.alert_queue AS q (reader, country, records, links)
    SELECT w.country, gate.country(), of_records, of_links
    FROM (SELECT DISTINCT s.country FROM core.subscription s WHERE s.ended_at IS NULL AND {LIVING}) w
    RETURNING q.reader;
END $$;
DROP FUNCTION gate.lanes_due();
-- The countries whose webhooks have something due: after a failure, 4, 16, 64 … seconds later, times the patience.
CREATE FUNCTION gate.lanes_due(patience double precision) RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT s.country FROM core.alert_delivery d JOIN core.subscription s ON s.id = d.subscription_id
    WHERE d.state = 'waiting' AND s.ended_at IS NULL AND {LIVING}
      AND (d.attempts = 0 OR d.at + make_interval(secs => patience * power(4, d.attempts)) <= now());
END $$;
REVOKE ALL ON FUNCTION gate.lanes_due(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.lanes_due(double precision) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (QUEUE, ORDERS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
