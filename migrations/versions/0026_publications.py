"""Figures under disclosure control: each event once, record keys, publications from proposal to bulletin, aggregates.

Figures are computed over the records of the owners that approved a publication, or that the reader may count and not
see, by one function each that returns cells of the fixed hierarchies and nothing else, and none of few events. They
come by owner: each owner's part of a cell is judged and disturbed by itself.

An event that agencies of one country reported twice counts once in its figures, wherever they are counted. Which
reports are of one event, and which of them counts, is written once (`member`). What differs is whose links and lines
are looked at: those that a reader sees; the own ones of a country, for what it reports in its own name; those of one
country that a publication is over, or that a reader may count and not see. Each country counts for itself: what it and
its neighbour both reported is in the figures of both.
"""

from alembic import op

from migrations.given import COUNTED, given, mask
from migrations.scripts import run

revision = "0026"
down_revision = "0025"

MONTH, ADMIN1, COUNTRY, ITEMS = (1 << bit for bit in (4, 7, 8, 9))
COUNTABLE = COUNTED | ITEMS | MONTH  # counted and not seen, with month and items

KEYS = """
-- Not the key of the tokens, which may be replaced: another key here would be a second draw of every noise.
CREATE TABLE gate.cell_secret (key bytea NOT NULL DEFAULT public.gen_random_bytes(32));
INSERT INTO gate.cell_secret DEFAULT VALUES;
REVOKE ALL ON gate.cell_secret FROM PUBLIC;

-- The first 32 bits of HMAC-SHA-256(secret, id). For the functions of this schema's owner; nobody else may call it.
CREATE FUNCTION gate.record_key(record uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  SELECT ('x' || left(encode(public.hmac(uuid_send(record), s.key, 'sha256'), 'hex'), 8))::bit(32)::bigint
  FROM gate.cell_secret s
$$;
REVOKE ALL ON FUNCTION gate.record_key(uuid) FROM PUBLIC;
"""

TABLES = """
CREATE TABLE core.publication (
  id uuid NOT NULL,
  name text NOT NULL,
  version integer NOT NULL,
  definition jsonb NOT NULL,
  digest bytea NOT NULL,
  country char(2) NOT NULL,
  agency text NOT NULL,
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'proposed',
  released_by text,
  released_at timestamptz,
  withdrawn_by text,
  withdrawn_at timestamptz,
  reason text,
  CONSTRAINT publication_pkey PRIMARY KEY (id),
  CONSTRAINT publication_name_version_key UNIQUE (name, version),
  CONSTRAINT publication_country_fkey FOREIGN KEY (country) REFERENCES core.country (code),
  CONSTRAINT publication_agency_fkey FOREIGN KEY (agency) REFERENCES core.agency (code),
  CONSTRAINT publication_state_check CHECK (state IN ('proposed', 'released', 'withdrawn')),
  CONSTRAINT publication_withdrawal_check CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL))
);
CREATE TABLE core.publication_approval (
  publication_id uuid NOT NULL,
  country char(2) NOT NULL,
  handling smallint NOT NULL,
  digest bytea NOT NULL,
  approved_by text NOT NULL,
  approved_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT publication_approval_pkey PRIMARY KEY (publication_id, country),
  CONSTRAINT publication_approval_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES core.publication (id),
  CONSTRAINT publication_approval_country_fkey FOREIGN KEY (country) REFERENCES core.country (code)
);
CREATE TABLE core.publication_release (
  publication_id uuid NOT NULL,
  document bytea NOT NULL,
  figures bytea NOT NULL,
  statement text NOT NULL,
  CONSTRAINT publication_release_pkey PRIMARY KEY (publication_id),
  CONSTRAINT publication_release_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES core.publication (id)
);
GRANT SELECT ON core.publication, core.publication_approval, core.publication_release TO sarhad_read, sarhad_write;
GRANT INSERT ON core.publication, core.publication_release TO sarhad_write;
GRANT UPDATE (state, released_by, released_at, withdrawn_by, withdrawn_at, reason) ON core.publication TO sarhad_write;
"""

APPROVAL = """
-- A policy officer's approval of its own country's part, for the definition that the digest names. Nobody approves for
-- another, whatever the caller says: the country is that of the context.
CREATE FUNCTION gate.approve_publication(wanted uuid, agreed bytea, ceiling smallint, officer text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core, gate AS $$
DECLARE
  mine char(2) := gate.country();
BEGIN
  IF NOT EXISTS (SELECT FROM gate.context c
    WHERE c.id = gate.context_id() AND c.country = mine AND 'policy_officer' = ANY (c.roles)) THEN
    RAISE EXCEPTION 'only a policy officer approves';
  END IF;
  PERFORM FROM core.publication p
    WHERE p.id = wanted AND p.state = 'proposed' AND p.digest = agreed FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO core.publication_approval (publication_id, country, handling, digest, approved_by)
    VALUES (wanted, mine, ceiling, agreed, officer)
    ON CONFLICT ON CONSTRAINT publication_approval_pkey DO UPDATE
      SET handling = EXCLUDED.handling, approved_by = EXCLUDED.approved_by, approved_at = now();
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION gate.approve_publication(uuid, bytea, smallint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.approve_publication(uuid, bytea, smallint, text) TO sarhad_write;
"""

# A released publication in one language, printed by a job; for members, as the publication is.
BULLETINS = """
CREATE TABLE core.bulletin (
  publication_id uuid NOT NULL,
  language text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  made_at timestamptz,
  sha256 text,
  pdf bytea,
  CONSTRAINT bulletin_pkey PRIMARY KEY (publication_id, language),
  CONSTRAINT bulletin_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES core.publication (id),
  CONSTRAINT bulletin_language_check CHECK (language IN ('en', 'ru')),
  CONSTRAINT bulletin_made_check CHECK ((pdf IS NULL) = (sha256 IS NULL))
);
GRANT SELECT ON core.bulletin TO sarhad_read, sarhad_write;
GRANT INSERT (publication_id, language) ON core.bulletin TO sarhad_write;
GRANT UPDATE (made_at, sha256, pdf) ON core.bulletin TO sarhad_write;
"""

PUBLISHED = """
-- For each scope, whether its owner approved the publication at hand at least up to the scope's handling. A record that
-- its owner holds back by a rule of its own (a block, an embargo) is held back here too, whomever that rule is for; so
-- is what its owner has suspended towards everyone, or towards the country whose publication it is.
CREATE FUNCTION gate.publication_scopes() RETURNS boolean[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core, gate AS $$
BEGIN
  RETURN (
    SELECT array_agg(a.country IS NOT NULL ORDER BY s.id) || '{}'::boolean[]
    FROM gate.scope s
    LEFT JOIN (core.publication_approval a JOIN core.publication p ON p.id = a.publication_id
        AND p.state = 'proposed' AND p.digest = a.digest
        AND p.id = nullif(current_setting('sarhad.publication', true), '')::uuid)
      ON a.country = s.owner AND s.handling <= a.handling
        AND NOT EXISTS (SELECT FROM gate.rule r
          WHERE r.layer = 'record' AND r.record = s.record AND NOT r.permit
            AND coalesce(r.valid_from, '-infinity') <= now() AND coalesce(r.valid_until, 'infinity') > now())
        AND NOT EXISTS (SELECT FROM core.suspension x
          WHERE x.owner = s.owner AND x.lifted_at IS NULL AND (x.of_agency IS NULL OR x.of_agency = s.agency)
            AND x.towards_agency IS NULL AND x.towards_key IS NULL
            AND (x.towards_country IS NULL OR x.towards_country = p.country))
  );
END $$;
REVOKE ALL ON FUNCTION gate.publication_scopes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.publication_scopes() TO gate_publication;
GRANT USAGE ON SCHEMA gate, core TO gate_publication;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_publication;
GRANT SELECT ON core.report, core.report_line TO gate_publication;
CREATE POLICY publication ON core.report FOR SELECT TO gate_publication
  USING (latest AND kind = 'seizure' AND status = 'reported'
    AND ((SELECT gate.publication_scopes()))[scope_id + 1]);
CREATE POLICY publication ON core.report_line FOR SELECT TO gate_publication
  USING (latest AND ((SELECT gate.publication_scopes()))[scope_id + 1]);
GRANT SELECT ON core.link TO gate_publication;
CREATE POLICY publication ON core.link FOR SELECT TO gate_publication
  USING (((SELECT gate.publication_scopes()))[a_scope + 1] AND ((SELECT gate.publication_scopes()))[b_scope + 1]);
"""

AGGREGATES = f"""
GRANT USAGE ON SCHEMA gate, core TO gate_aggregate;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_aggregate;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.windows_from(), gate.windows_until() TO gate_aggregate;
GRANT SELECT ON core.report, core.report_line TO gate_aggregate;
CREATE POLICY aggregate ON core.report FOR SELECT TO gate_aggregate
  USING (latest AND kind = 'seizure' AND status = 'reported' AND {given(COUNTABLE)});
CREATE POLICY aggregate ON core.report_line FOR SELECT TO gate_aggregate USING (latest AND {given(COUNTABLE)});
GRANT SELECT ON core.link TO gate_aggregate;
CREATE POLICY aggregate ON core.link FOR SELECT TO gate_aggregate
  USING ({given(COUNTABLE, "a_scope", "a_month")} AND {given(COUNTABLE, "b_scope", "b_month")});
"""


def member(view: str, owner: str, lines: str, whose: str = "true") -> str:
    """Of the reports that are confirmed to be of one event, that counts which a laboratory has confirmed; of several,
    or none, that of the largest mass; then that with the smallest id. One that was retracted has no lines, and counts
    last.
    """
    confirmed = f"k.relation = 'event' AND k.state = 'confirmed' AND {whose}"
    return f"""
    CREATE VIEW shared.{view} AS
      WITH RECURSIVE edge AS (
        SELECT k.a, k.b FROM core.link k WHERE {confirmed}
        UNION ALL SELECT k.b, k.a FROM core.link k WHERE {confirmed}
      ), reach AS (
        SELECT e.a AS member, e.a AS other FROM edge e
        UNION SELECT r.member, e.b FROM reach r JOIN edge e ON e.a = r.other
      ), event AS (
        SELECT r.member, min(r.other::text)::uuid AS event FROM reach r GROUP BY r.member
      )
      SELECT v.member AS record_id, v.event, row_number() OVER (PARTITION BY v.event
        ORDER BY count(l.line) > 0 DESC,
        coalesce(bool_or(l.status = 'CONF'), false) DESC, sum(l.kg) DESC NULLS LAST, v.member) = 1 AS counted
      FROM event v LEFT JOIN {lines} l ON l.record_id = v.member
      GROUP BY v.member, v.event;
    ALTER VIEW shared.{view} OWNER TO {owner};
    """


ONE_COUNTRY = "left(k.a_agency, 2) = left(k.b_agency, 2)"
OWN = f"{ONE_COUNTRY} AND left(k.a_agency, 2) = (SELECT gate.country())"
MEMBERS = f"""
GRANT SELECT ON shared.report_line TO gate_link;
{member("event_member", "gate_link", "shared.report_line")}
{member("own_event_member", "gate_link", "shared.report_line", OWN)}
{member("publication_member", "gate_publication", "core.report_line", ONE_COUNTRY)}
{member("aggregate_member", "gate_aggregate", "core.report_line", ONE_COUNTRY)}
GRANT SELECT ON shared.event_member TO sarhad_read;
GRANT SELECT ON shared.own_event_member TO sarhad_read, sarhad_write;
"""

LINES = f"""
-- For the function below alone: no role of the service may select from it.
CREATE VIEW shared.publication_line AS
  SELECT r.record_id, r.agency, r.at_month, r.place_country, r.admin1, l.substance, l.kg
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.publication_member m WHERE NOT m.counted);
ALTER VIEW shared.publication_line OWNER TO gate_publication;
-- For the functions below alone: no role of the service may select from it. Places as far as they are given.
CREATE VIEW shared.aggregate_line AS
  SELECT r.record_id, r.agency, r.country, r.at_month, l.substance, l.kg,
    CASE WHEN {mask("r.scope_id")} & {COUNTRY} <> 0 THEN r.place_country END AS place_country,
    CASE WHEN {mask("r.scope_id")} & {ADMIN1} <> 0 THEN r.admin1 END AS admin1
  FROM core.report r JOIN core.report_line l USING (record_id, version)
  WHERE l.status IN ('SUSP', 'PRES', 'CONF')
    AND r.record_id NOT IN (SELECT m.record_id FROM shared.aggregate_member m WHERE NOT m.counted);
ALTER VIEW shared.aggregate_line OWNER TO gate_aggregate;
"""

COLUMNS = """period text, place text, substance text, owner char(2), events bigint, weighed bigint, kg numeric,
  largest numeric[], agency_largest numeric, key_sum bigint"""


def cells(view: str, least: int) -> str:
    """The true figures of each owner's part of the cells of one table over the lines of `view`, from `least` events. An
    unknown level gives no cell, and neither does a place that is not stated.
    """
    return f"""
  WITH contribution AS (
    SELECT cell.period, cell.place, cell.substance, left(l.agency, 2)::char(2) AS owner, l.record_id, l.agency,
      sum(l.kg) AS kg
    FROM {view} l
    JOIN gate.substance_classes() s ON s.code = l.substance
    CROSS JOIN LATERAL (SELECT
      CASE time_level WHEN 'year' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY')
        WHEN 'quarter' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY-"Q"Q')
        WHEN 'month' THEN to_char(l.at_month AT TIME ZONE 'UTC', 'YYYY-MM') END AS period,
      CASE place_level WHEN 'region' THEN '*' WHEN 'country' THEN l.place_country::text
        WHEN 'admin1' THEN l.admin1 END AS place,
      CASE substance_level WHEN 'all' THEN '*' WHEN 'group' THEN s.policy_group WHEN 'class' THEN s.class
        WHEN 'substance' THEN l.substance END AS substance) cell
    WHERE l.at_month >= first_month::timestamp AT TIME ZONE 'UTC'
      AND l.at_month <= last_month::timestamp AT TIME ZONE 'UTC'
      AND cell.period IS NOT NULL AND cell.place IS NOT NULL AND cell.substance IS NOT NULL
    GROUP BY cell.period, cell.place, cell.substance, l.record_id, l.agency
  ), agency AS (
    SELECT c.period, c.place, c.substance, c.owner, max(c.kg) AS kg
    FROM (SELECT i.period, i.place, i.substance, i.owner, sum(i.kg) AS kg FROM contribution i
          GROUP BY i.period, i.place, i.substance, i.owner, i.agency) c
    GROUP BY c.period, c.place, c.substance, c.owner
  )
  SELECT c.period, c.place, c.substance, c.owner, count(*), count(c.kg), coalesce(sum(c.kg), 0),
    coalesce((array_agg(c.kg ORDER BY c.kg DESC) FILTER (WHERE c.kg IS NOT NULL))[1:2], '{{}}'),
    coalesce(max(a.kg), 0), mod(sum(gate.record_key(c.record_id)), 4294967296)::bigint
  FROM contribution c JOIN agency a USING (period, place, substance, owner)
  GROUP BY c.period, c.place, c.substance, c.owner
  HAVING count(*) >= {least}
  ORDER BY c.period COLLATE "C", c.place COLLATE "C", c.substance COLLATE "C", c.owner COLLATE "C";
"""


FUNCTIONS = f"""
-- One table of a proposed publication, over the records of the owners that approved it.
CREATE FUNCTION gate.publication_cells(
  publication uuid, time_level text, place_level text, substance_level text, first_month date, last_month date)
RETURNS TABLE ({COLUMNS})
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('sarhad.publication', publication::text, true);
  RETURN QUERY {cells("shared.publication_line", 10)}
END $$;
REVOKE ALL ON FUNCTION gate.publication_cells(uuid, text, text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.publication_cells(uuid, text, text, text, date, date) TO sarhad_write;

-- One table over the records that the reader may count and not see.
CREATE FUNCTION gate.aggregate_cells(
  time_level text, place_level text, substance_level text, first_month date, last_month date)
RETURNS TABLE ({COLUMNS})
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY {cells("shared.aggregate_line", 5)}
END $$;
REVOKE ALL ON FUNCTION gate.aggregate_cells(text, text, text, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.aggregate_cells(text, text, text, date, date) TO sarhad_read;
-- How many records of each owner an answer over these months counts: for the access log, which each owner reads.
CREATE FUNCTION gate.aggregate_owners(first_month date, last_month date) RETURNS TABLE (owner char(2), records bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core, shared, gate AS $$
  SELECT l.country, count(DISTINCT l.record_id) FROM shared.aggregate_line l
  WHERE l.at_month >= first_month::timestamp AT TIME ZONE 'UTC'
    AND l.at_month <= last_month::timestamp AT TIME ZONE 'UTC'
  GROUP BY l.country
$$;
REVOKE ALL ON FUNCTION gate.aggregate_owners(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.aggregate_owners(date, date) TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(KEYS, TABLES, APPROVAL, BULLETINS, PUBLISHED, AGGREGATES, MEMBERS, LINES, FUNCTIONS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
