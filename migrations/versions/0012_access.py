"""The access log: who read whose records, when, for what stated purpose.

One row for each owner whose records an answer held, and one without an owner where it held none. The service's
role for it may only insert. An owner reads the rows of its own records, a country the rows of its own people, each
through a view whose powerless owner is held to that by row security, and only as an auditor (the owner's policy
officer also).
"""

from alembic import op

from migrations.scripts import run

revision = "0012"
down_revision = "0011"

TABLE = """
CREATE TABLE core.access (
  id uuid NOT NULL,
  at timestamptz NOT NULL,
  reading uuid NOT NULL,
  country char(2) NOT NULL,
  agency text NOT NULL,
  key_id text NOT NULL,
  roles text[] NOT NULL,
  purpose text,
  case_reference text,
  method text NOT NULL,
  route text NOT NULL,
  policy text NOT NULL,
  status smallint NOT NULL,
  owner char(2),
  records integer NOT NULL,
  record_ids uuid[] NOT NULL,
  question bytea NOT NULL,
  answer bytea NOT NULL,
  seal bytea NOT NULL,
  salt bytea NOT NULL,
  leaf_hash bytea NOT NULL,
  unseen boolean NOT NULL DEFAULT false,
  CONSTRAINT access_pkey PRIMARY KEY (id, at),
  CONSTRAINT access_records_check CHECK (records >= 0 AND (records = 0 OR owner IS NOT NULL)),
  CONSTRAINT access_digests_check CHECK (octet_length(question) = 32 AND octet_length(answer) = 32
    AND octet_length(leaf_hash) = 32 AND octet_length(seal) = 16 AND octet_length(salt) = 16)
) PARTITION BY RANGE (at);
CREATE INDEX access_owner_at_id_idx ON core.access (owner, at, id);
CREATE INDEX access_country_at_id_idx ON core.access (country, at, id);
CREATE INDEX access_compared_idx ON core.access (country, at)
  WHERE route IN ('/v1/profiles/search', '/v1/profiles/{record_id}/{n}/neighbours');
-- The safety net: a reading finds its place even if nobody made the month's partition.
CREATE TABLE core.access__default PARTITION OF core.access DEFAULT;
"""

# Runs as the owner, because only an owner makes partitions. A month whose readings already lie in the default
# partition is left there: moving them would lock the table that every reading waits for.
MONTHS = """
CREATE FUNCTION core.keep_access() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
  start timestamptz;
  name text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('core.keep_access')) THEN
    RETURN;
  END IF;
  FOR ahead IN 0..3 LOOP
    start := date_trunc('month', now()) + make_interval(months => ahead);
    name := 'access__' || to_char(start, 'YYYYMM');
    IF to_regclass('core.' || name) IS NULL
       AND NOT EXISTS (SELECT FROM core.access__default WHERE at >= start AND at < start + interval '1 month') THEN
      EXECUTE format('CREATE TABLE core.%I PARTITION OF core.access FOR VALUES FROM (%L) TO (%L)',
                     name, start, start + interval '1 month');
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION core.keep_access() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.keep_access() TO sarhad_sequencer;
SELECT core.keep_access();
"""

ROLES = """
-- The country of a reader who holds one of these roles, for rows that not every role of a country may read.
CREATE FUNCTION gate.country_as(wanted text[]) RETURNS char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN CASE WHEN gate.roles() && wanted THEN gate.country() END;
END $$;
REVOKE ALL ON FUNCTION gate.country_as(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.country_as(text[]) TO sarhad_read, gate_statement, gate_readings;
GRANT USAGE ON SCHEMA core, gate TO gate_statement, gate_readings;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_statement, gate_readings;

GRANT USAGE ON SCHEMA core TO sarhad_access;
GRANT INSERT ON core.access TO sarhad_access;
GRANT INSERT (log, entry) ON core.log_pending TO sarhad_access;
GRANT USAGE ON SEQUENCE core.log_pending_id_seq TO sarhad_access;
"""

SECURITY = """
ALTER TABLE core.access ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY written ON core.access FOR INSERT TO sarhad_access WITH CHECK (true);

-- What an owner is told: who read its records. Digests of question and answer only under a seal that it does not
-- hold: the answer may hold the records of others.
GRANT SELECT ON core.access TO gate_statement;
CREATE POLICY own_records ON core.access FOR SELECT TO gate_statement
  USING (owner = (SELECT gate.country_as(ARRAY['auditor', 'policy_officer'])));
CREATE VIEW shared.statement AS
  SELECT id, at, country, agency, key_id, roles, purpose, case_reference, method, route, policy, owner, records,
    record_ids, sha256(seal || question) AS question, sha256(seal || answer) AS answer, salt, leaf_hash
  FROM core.access;
ALTER VIEW shared.statement OWNER TO gate_statement;
GRANT SELECT ON shared.statement TO sarhad_read;

-- What a country is told of its own people: what they asked and how much they were shown, not which records. A figure
-- over records that nobody may see is disturbed, so how many it rests on (`unseen`) is for their owner alone.
GRANT SELECT ON core.access TO gate_readings;
CREATE POLICY own_people ON core.access FOR SELECT TO gate_readings
  USING (country = (SELECT gate.country_as(ARRAY['auditor', 'policy_officer'])));
CREATE VIEW shared.reading AS
  SELECT id, at, reading, country, agency, key_id, roles, purpose, case_reference, method, route, policy, status, owner,
    records, question, answer, seal
  FROM core.access WHERE (SELECT gate.country_as(ARRAY['auditor'])) IS NOT NULL AND NOT unseen;
ALTER VIEW shared.reading OWNER TO gate_readings;
GRANT SELECT ON shared.reading TO sarhad_read;
-- For the balance, without persons: how much of whose.
CREATE VIEW shared.reading_taken AS
  SELECT at, owner, records FROM core.access WHERE owner <> country AND NOT unseen;
ALTER VIEW shared.reading_taken OWNER TO gate_readings;
GRANT SELECT ON shared.reading_taken TO sarhad_read;
"""

# How many records of the caller's country each other country sees now, through any of its readers so far: counted
# from the own rows and what was compiled for their scopes.
SHARED_NOW = """
CREATE FUNCTION gate.shared_now() RETURNS TABLE (country char(2), records bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country_as(ARRAY['auditor', 'policy_officer']);
BEGIN
  RETURN QUERY
    WITH held AS (
      SELECT r.scope_id, r.month_end, count(*) AS n FROM core.report r
      WHERE r.country = mine AND r.latest GROUP BY r.scope_id, r.month_end
    ), seen AS (
      SELECT DISTINCT c.country, s.id AS scope_id, k.delays[s.id + 1] AS delay,
        CASE WHEN k.masks[s.id + 1] & (1 << 30) <> 0
          THEN int4range(k.windows_from[s.id + 1], k.windows_until[s.id + 1], '[]') END AS window_
      FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id AND c.country <> mine
      JOIN gate.scope s ON s.owner = mine AND k.masks[s.id + 1] & (1 << 26) <> 0
      WHERE c.trial IS NULL AND NOT EXISTS (SELECT FROM core.suspension x
        WHERE x.owner = mine AND x.lifted_at IS NULL AND x.towards_key IS NULL
          AND (x.of_agency IS NULL OR x.of_agency = s.agency)
          AND (x.towards_country IS NULL OR x.towards_country = c.country)
          AND (x.towards_agency IS NULL OR x.towards_agency = c.agency))
    )
    SELECT shown.country, sum(shown.n)::bigint FROM (
      SELECT DISTINCT s.country, h.scope_id, h.month_end, h.n FROM seen s JOIN held h ON h.scope_id = s.scope_id
      WHERE (s.delay = 0 OR h.month_end + s.delay <= current_date)
        AND (s.window_ IS NULL OR s.window_ @> (h.month_end - DATE '1970-01-01'))
    ) shown GROUP BY shown.country;
END $$;
REVOKE ALL ON FUNCTION gate.shared_now() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.shared_now() TO sarhad_read;
"""

# Comparisons of profiles are counted: each tells something of what is hidden.
COMPARED = """
CREATE POLICY compared ON core.access FOR SELECT TO sarhad_owner USING (country = (SELECT gate.country()));
-- When people of the caller's country compared a profile with what is filed, in the last day.
CREATE FUNCTION gate.comparisons() RETURNS TABLE (at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT min(a.at) FROM core.access a
    WHERE a.country = gate.country() AND a.at > now() - interval '1 day' AND a.status = 200
      AND a.route IN ('/v1/profiles/search', '/v1/profiles/{record_id}/{n}/neighbours')
    GROUP BY a.reading;
END $$;
REVOKE ALL ON FUNCTION gate.comparisons() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.comparisons() TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(TABLE, MONTHS, ROLES, SECURITY, SHARED_NOW, COMPARED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
