"""Countries have their turns in the search for links, and what passes did not get through with has turns of its own.

A pass looks at records of one country, so that one which fails holds up that country's alone.
"""

from alembic import op

revision = "0059"
down_revision = "0058"

COLUMNS = """
ALTER TABLE core.link_queue ADD COLUMN country char(2);
ALTER TABLE core.link_retry ADD COLUMN country char(2), ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY;
"""
# Row security holds the owner, so it rests meanwhile.
FILLED = """
ALTER TABLE core.report NO FORCE ROW LEVEL SECURITY;
ALTER TABLE core.{0} NO FORCE ROW LEVEL SECURITY;
UPDATE core.{0} q SET country = r.country FROM core.report r WHERE r.record_id = q.record_id AND r.latest;
DELETE FROM core.{0} q WHERE q.country IS NULL;
ALTER TABLE core.{0} FORCE ROW LEVEL SECURITY;
ALTER TABLE core.report FORCE ROW LEVEL SECURITY;
ALTER TABLE core.{0} ALTER COLUMN country SET NOT NULL;
"""
TURNS = """
CREATE INDEX link_queue_country_idx ON core.link_queue (country);
CREATE INDEX link_retry_country_id_idx ON core.link_retry (country, id);

-- Whoever adds a record says whose it is, or leaves that to be looked up.
CREATE FUNCTION core.place_link_queue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  NEW.country := (SELECT r.country FROM report r WHERE r.record_id = NEW.record_id LIMIT 1);
  RETURN NEW;
END $$;
CREATE TRIGGER placed BEFORE INSERT ON core.link_queue FOR EACH ROW WHEN (NEW.country IS NULL)
  EXECUTE FUNCTION core.place_link_queue();
CREATE OR REPLACE FUNCTION core.queue_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue (record_id, country) SELECT f.record_id, f.country FROM filed f WHERE f.kind <> 'zero';
  RETURN NULL;
END $$;

-- Whose turn was last. A pass that is undone has had its turn all the same.
CREATE SEQUENCE core.link_turn MINVALUE 0;

-- What a pass looks at: records of the country whose turn it is. At one turn those that nobody has looked at yet, at
-- the next those that waited longest of what passes did not get through with, as many as were put back as often.
CREATE OR REPLACE FUNCTION core.take_links(most integer, OUT records uuid[], OUT times integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET enable_seqscan = off AS $$
DECLARE
  turn record;
BEGIN
  records := '{}'; times := 0;
  IF NOT pg_try_advisory_xact_lock(7276827) THEN RETURN; END IF;
  WITH RECURSIVE queued(country) AS (
    SELECT min(q.country) FROM link_queue q
    UNION ALL SELECT (SELECT min(q.country) FROM link_queue q WHERE q.country > w.country) FROM queued w
    WHERE w.country IS NOT NULL
  ), waiting AS (
    SELECT w.country, 0 AS again FROM queued w WHERE w.country IS NOT NULL
    UNION ALL SELECT DISTINCT r.country, 1 FROM link_retry r WHERE most >> r.tried > 0
  ), placed AS (
    SELECT w.*, 2 * (256 * ascii(w.country) + ascii(right(w.country, 1))) + w.again AS place FROM waiting w
  ) SELECT p.* INTO turn FROM placed p ORDER BY p.place <= (SELECT t.last_value FROM link_turn t), p.place LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM setval('core.link_turn', turn.place);
  IF turn.again = 0 THEN
    WITH gone AS (
      DELETE FROM link_queue q WHERE q.ctid = ANY (ARRAY(
        SELECT w.ctid FROM link_queue w WHERE w.country = turn.country LIMIT most)) RETURNING q.record_id
    ) SELECT coalesce(array_agg(DISTINCT g.record_id), '{}') INTO records FROM gone g;
    DELETE FROM link_retry r WHERE r.record_id = ANY (records);
    RETURN;
  END IF;
  times := (SELECT r.tried FROM link_retry r WHERE r.country = turn.country AND most >> r.tried > 0
    ORDER BY r.id LIMIT 1);
  WITH gone AS (
    DELETE FROM link_retry r WHERE r.record_id = ANY (ARRAY(
      SELECT w.record_id FROM link_retry w WHERE w.country = turn.country AND w.tried = times
      ORDER BY w.id LIMIT most >> times)) RETURNING r.record_id
  ) SELECT coalesce(array_agg(g.record_id), '{}') INTO records FROM gone g;
END $$;
CREATE OR REPLACE FUNCTION core.put_links_back(records uuid[], times integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  INSERT INTO link_retry (record_id, country, tried)
    SELECT r.record_id, r.country, times FROM report r WHERE r.record_id = ANY (records) AND r.latest
$$;
GRANT SELECT, UPDATE ON SEQUENCE core.link_turn TO gate_linker;
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.place_link_queue() OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
REVOKE ALL ON FUNCTION core.place_link_queue() FROM PUBLIC;
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql(COLUMNS)
    for table in ("link_queue", "link_retry"):
        connection.exec_driver_sql(FILLED.format(table))
    connection.exec_driver_sql(TURNS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
