"""What a question may ask of analyses and of observed kinds of record, under the facet that discloses it; and exhibits.

An analysis is linked to seizure lines by the number of an exhibit. Observed kinds are precursor incidents, prices, and
clandestine laboratories.
"""

from alembic import op

from migrations.given import OWN, ROWS, given, given_in_order
from migrations.scripts import run

revision = "0018"
down_revision = "0017"

ITEMS, LABORATORY, PURITY = 1 << 9, 1 << 15, 1 << 16
# table: (the facet that discloses it, what is shown)
OF_ANALYSES = {
    "analysis": (LABORATORY, "techniques, exhibits"),
    "finding": (ITEMS, "line, substance, role, level"),
    "content": (PURITY, "n, line, value, unit, basis"),
    "exhibit_link": (LABORATORY, "exhibit"),
}
OBSERVED = {
    "observation": (
        ITEMS,
        """line, kind, aspect, detail, substance, form, quantity, unit, kg, kg_low, kg_high, rule, currency, price,
        price_low, price_high, prices""",
    ),
    "clandestine_site": (LABORATORY, "types, stage, scale, makes"),
}

BESIDE = """
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,"""


def key(table: str, *more: str) -> str:
    return f"""
  CONSTRAINT {table}_pkey PRIMARY KEY ({", ".join(("record_id", "version", *more))}),
  CONSTRAINT {table}_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)"""


ANALYSES = f"""
CREATE TABLE core.analysis ({BESIDE}
  techniques text[] NOT NULL,
  exhibits text[] NOT NULL,{key("analysis")}
);
CREATE INDEX analysis_exhibits_idx ON core.analysis USING gin (exhibits);
CREATE TABLE core.finding ({BESIDE}
  line integer NOT NULL,
  substance text,
  role text NOT NULL,
  level text NOT NULL,{key("finding", "line")}
);
CREATE INDEX finding_substance_record_id_version_idx ON core.finding (substance, record_id, version);
CREATE TABLE core.content ({BESIDE}
  n integer NOT NULL,
  line integer NOT NULL,
  value numeric NOT NULL,
  unit text NOT NULL,
  basis text NOT NULL,{key("content", "n")}
);
CREATE TABLE core.exhibit_link ({BESIDE}
  exhibit text NOT NULL,
  filed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text,
  substances text[] NOT NULL,{key("exhibit_link", "exhibit")}
);
CREATE INDEX exhibit_link_exhibit_idx ON core.exhibit_link (exhibit);
ALTER TABLE core.report_line ADD COLUMN exhibit text, ADD COLUMN examined_by text,
  ADD COLUMN substance_reported text, ADD COLUMN status_reported text,
  ADD COLUMN result_id uuid, ADD COLUMN result_version integer;
CREATE INDEX report_line_exhibit_idx ON core.report_line (exhibit) WHERE latest AND exhibit IS NOT NULL;
"""

OBSERVATIONS = f"""
CREATE TABLE core.observation ({BESIDE}
  line integer NOT NULL,
  kind text NOT NULL,
  aspect text NOT NULL,
  detail text,
  substance text NOT NULL,
  form text,
  quantity numeric NOT NULL,
  unit text NOT NULL,
  kg numeric,
  kg_low numeric,
  kg_high numeric,
  rule text NOT NULL,
  currency text,
  price numeric,
  price_low numeric,
  price_high numeric,
  prices integer,{key("observation", "line")}
);
CREATE INDEX observation_substance_record_id_version_idx ON core.observation (substance, record_id, version);
CREATE TABLE core.clandestine_site ({BESIDE}
  types text[] NOT NULL,
  stage text NOT NULL,
  scale text,
  makes text[] NOT NULL,{key("clandestine_site")}
);
"""


def shared(table: str, columns: str, condition: str) -> str:
    """A view for readers that are given the facet, and row security that holds its owner to that."""
    return f"""
    ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    GRANT INSERT ON core.{table} TO sarhad_write;
    GRANT SELECT ON core.{table} TO gate_items;
    CREATE POLICY given ON core.{table} FOR SELECT TO gate_items USING (latest AND {condition});
    CREATE POLICY filed ON core.{table} FOR INSERT TO sarhad_write WITH CHECK (latest AND EXISTS (
      SELECT FROM shared.own_report o
      WHERE (o.record_id, o.version, o.scope_id) = ({table}.record_id, {table}.version, {table}.scope_id)));
    CREATE POLICY followed ON core.{table} TO sarhad_owner USING (true) WITH CHECK (true);
    CREATE TRIGGER follow_report BEFORE INSERT ON core.{table} FOR EACH ROW WHEN (NEW.version > 1)
      EXECUTE FUNCTION gate.follow_report();
    CREATE VIEW shared.{table} AS SELECT record_id, version, {columns} FROM core.{table};
    ALTER VIEW shared.{table} OWNER TO gate_items;
    GRANT SELECT ON shared.{table} TO sarhad_read;
    """


FOLLOWED = """
-- What stands beside a record follows its scope and its place among the versions, whoever changes them.
CREATE FUNCTION gate.keep_beside() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.analysis SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  UPDATE core.finding SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  UPDATE core.content SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  UPDATE core.exhibit_link SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.keep_beside() FROM PUBLIC;
CREATE TRIGGER beside AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN (NEW.kind = 'analysis' AND (OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest))
  EXECUTE FUNCTION gate.keep_beside();

CREATE FUNCTION gate.keep_observed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.observation SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  UPDATE core.clandestine_site SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (record_id, version) = (NEW.record_id, NEW.version);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION gate.keep_observed() FROM PUBLIC;
CREATE TRIGGER observed AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN (NEW.kind IN ('precursor_incident', 'clandestine_laboratory', 'price_observation')
    AND (OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest))
  EXECUTE FUNCTION gate.keep_observed();
"""

EXHIBITS = """
-- Says itself which analysis a result comes from; of a line without a result nothing is looked up. Row security judges
-- both tables.
CREATE OR REPLACE VIEW shared.report_line AS
  SELECT l.record_id, l.version, l.line, l.substance, l.status, l.form, l.quantity, l.unit, l.kg, l.kg_low, l.kg_high,
    l.rule, l.substance_reported, l.status_reported, x.record_id AS analysis_id, x.version AS analysis_version
  FROM core.report_line l LEFT JOIN core.exhibit_link x
    ON (x.record_id, x.version, x.exhibit) = (l.result_id, l.result_version, l.exhibit);
-- For readers who are given both the line and the analysis: row security judges each of the two tables.
CREATE VIEW shared.line_result AS
  SELECT l.record_id, l.version, l.line, x.record_id AS analysis_id, x.version AS analysis_version
  FROM core.report_line l
  JOIN core.exhibit_link x ON (x.record_id, x.version, x.exhibit) = (l.result_id, l.result_version, l.exhibit);
ALTER VIEW shared.line_result OWNER TO gate_items;
GRANT SELECT ON shared.line_result TO sarhad_read;

-- Brings the lines that share an exhibit number with these records up to date with what laboratories say of them, and
-- returns those that changed. A result counts for a line where the laboratory is of the line's country, or was asked by
-- the report; where it is not marked more strictly than the report; and where the policies under which the report is
-- shared have been asked about the substance's group. Of several the one filed last.
--
-- Exhibits are held by locks of their own: no number of one can stand for a country, whose policies and rules are held
-- by the locks of two integers. Countries wait for each other's exhibits only where one has asked a laboratory of the
-- other: of locks that all share a batch of many exhibits would hold nearly each to its COMMIT. Each two countries have
-- 128 locks: a batch takes all of them at most, and a cluster has room for thousands.
CREATE FUNCTION gate.link_exhibits(records uuid[])
RETURNS TABLE (record_id uuid, line integer, agency text, status text, substance text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
DECLARE
  numbers text[] := ARRAY(
    SELECT l.exhibit FROM core.report_line l WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
    UNION SELECT x.exhibit FROM core.exhibit_link x WHERE x.record_id = ANY (records)
    ORDER BY 1);
BEGIN
  -- a report and an analysis that are filed at once see each other, one after the other
  PERFORM pg_advisory_xact_lock(k.lock) FROM (
    WITH mine AS (
      SELECT l.exhibit AS number, s.owner FROM core.report_line l JOIN gate.scope s ON s.id = l.scope_id
        WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
      UNION SELECT x.exhibit, s.owner FROM core.exhibit_link x JOIN gate.scope s ON s.id = x.scope_id
        WHERE x.record_id = ANY (records)
    ), pair AS (
      -- who gave the number, and who files; who gave it, and whose laboratory it has asked
      SELECT m.number, left(m.number, 2) AS giver, m.owner::text AS examiner FROM mine m
      UNION SELECT m.number, m.owner::text, left(l.examined_by, 2) FROM mine m
        JOIN core.report_line l ON l.exhibit = m.number AND l.latest AND l.examined_by IS NOT NULL
        WHERE m.owner = left(m.number, 2)
    )
    -- a country that is not enrolled files nothing to wait for
    SELECT DISTINCT hashtextextended(p.giver || p.examiner, 7276828) & ~127::bigint
      | (hashtextextended(p.number, 0) & 127) AS lock
    FROM pair p JOIN core.country g ON g.code = p.giver JOIN core.country e ON e.code = p.examiner ORDER BY 1) k;
  RETURN QUERY
  WITH wanted AS (
    SELECT l.record_id, l.version, l.line, s.agency,
      coalesce(l.substance_reported, l.substance) AS substance_reported,
      coalesce(l.status_reported, l.status) AS status_reported, r.*
    FROM core.report_line l
    JOIN gate.scope s ON s.id = l.scope_id
    LEFT JOIN LATERAL (
      SELECT x.record_id AS result_id, x.version AS result_version, x.status AS result_status,
        CASE WHEN x.status = 'NEGA' OR coalesce(l.substance_reported, l.substance) = ANY (x.substances)
          THEN coalesce(l.substance_reported, l.substance) ELSE x.substances[1] END AS result_substance
      FROM core.exhibit_link x
      JOIN gate.scope a ON a.id = x.scope_id
      WHERE x.exhibit = l.exhibit AND x.latest AND x.status IS NOT NULL
        AND (a.owner = s.owner OR a.agency = l.examined_by) AND a.handling <= s.handling
      ORDER BY x.filed_at DESC, x.record_id LIMIT 1
    ) r ON EXISTS (
      SELECT FROM core.substance c JOIN core.substance_group g ON g.code = c.policy_group
      WHERE c.code = r.result_substance AND s.groups & (1 << g.bit) <> 0)
    WHERE l.exhibit = ANY (numbers) AND l.latest
  )
  UPDATE core.report_line l SET
    substance = coalesce(w.result_substance, w.substance_reported),
    status = coalesce(w.result_status, w.status_reported),
    substance_reported = CASE WHEN w.result_id IS NOT NULL THEN w.substance_reported END,
    status_reported = CASE WHEN w.result_id IS NOT NULL THEN w.status_reported END,
    result_id = w.result_id, result_version = w.result_version
  FROM wanted w
  WHERE (l.record_id, l.version, l.line) = (w.record_id, w.version, w.line)
    AND (l.result_id, l.result_version, l.substance, l.status) IS DISTINCT FROM (w.result_id, w.result_version,
      coalesce(w.result_substance, w.substance_reported), coalesce(w.result_status, w.status_reported))
  RETURNING l.record_id, l.line, w.agency, l.status, l.substance;
END $$;
REVOKE ALL ON FUNCTION gate.link_exhibits(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.link_exhibits(uuid[]) TO sarhad_write;
-- FORCE ROW LEVEL SECURITY holds the owner too; of lines it finds and changes those that a laboratory may examine.
CREATE POLICY examined ON core.report_line FOR SELECT TO sarhad_owner USING (latest AND exhibit IS NOT NULL);
CREATE POLICY resulted ON core.report_line FOR UPDATE TO sarhad_owner USING (latest AND exhibit IS NOT NULL)
  WITH CHECK (latest AND exhibit IS NOT NULL);
"""

# Which of a country's results await a report, and which of its reports a result.
WAITING = f"""
GRANT SELECT ON core.exhibit_link TO gate_own;
CREATE POLICY own ON core.exhibit_link FOR SELECT TO gate_own
  USING (((SELECT gate.masks()))[scope_id + 1] & {OWN} <> 0);
-- Of the caller's own country alone, on both sides: whether another country holds the other half is not told.
CREATE VIEW shared.exhibit_waiting AS
  SELECT 'analysis' AS side, r.record_id, r.agency, r.received_at, array_agg(x.exhibit ORDER BY x.exhibit) AS exhibits
  FROM core.exhibit_link x JOIN core.report r USING (record_id, version)
  WHERE x.latest AND x.status IS NOT NULL AND r.status = 'reported'
    AND NOT EXISTS (SELECT FROM core.report_line l WHERE l.latest AND l.exhibit = x.exhibit)
  GROUP BY r.record_id, r.agency, r.received_at
  UNION ALL
  SELECT 'report', r.record_id, r.agency, r.received_at, array_agg(l.exhibit ORDER BY l.exhibit)
  FROM core.report_line l JOIN core.report r USING (record_id, version)
  WHERE l.latest AND l.exhibit IS NOT NULL AND l.result_id IS NULL AND r.status = 'reported'
  GROUP BY r.record_id, r.agency, r.received_at;
ALTER VIEW shared.exhibit_waiting OWNER TO gate_own;
GRANT SELECT ON shared.exhibit_waiting TO sarhad_read;
"""

# Results that stand off their line, and why: for the queue and the inbox of a country's agencies.
HELD = """
GRANT SELECT (id, handling, groups) ON gate.scope TO gate_own;
GRANT SELECT (code, policy_group) ON core.substance TO gate_own;
GRANT SELECT (code, bit) ON core.substance_group TO gate_own;
-- Of each exhibit the result that was filed last, where the rules of `gate.link_exhibits` keep it off the line. Row
-- security shows own lines and own results alone: what another country's laboratory found is told by its line or not.
CREATE VIEW shared.exhibit_held AS
  SELECT l.record_id, l.line, r.agency, l.exhibit, x.record_id AS analysis_id, why.reason
  FROM core.report_line l
  JOIN core.report r USING (record_id, version)
  JOIN gate.scope s ON s.id = l.scope_id
  JOIN core.exhibit_link x ON x.exhibit = l.exhibit AND x.latest AND x.status IS NOT NULL
  JOIN gate.scope a ON a.id = x.scope_id
  CROSS JOIN LATERAL (SELECT coalesce(l.substance_reported, l.substance) AS substance) reported
  CROSS JOIN LATERAL (
    SELECT CASE WHEN x.status = 'NEGA' OR reported.substance = ANY (x.substances)
      THEN reported.substance ELSE x.substances[1] END AS substance) found
  LEFT JOIN core.substance c ON c.code = found.substance
  LEFT JOIN core.substance_group g ON g.code = c.policy_group
  CROSS JOIN LATERAL (
    SELECT CASE WHEN a.handling > s.handling THEN 'handling'
      WHEN c.code IS NULL THEN 'unpublished'
      WHEN g.bit IS NULL OR s.groups & (1 << g.bit) = 0 THEN 'group' END AS reason) why
  WHERE l.latest AND l.exhibit IS NOT NULL AND r.status = 'reported' AND why.reason IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM core.exhibit_link y WHERE y.exhibit = x.exhibit AND y.latest AND y.status IS NOT NULL
        AND (y.filed_at > x.filed_at OR y.filed_at = x.filed_at AND y.record_id < x.record_id));
ALTER VIEW shared.exhibit_held OWNER TO gate_own;
GRANT SELECT ON shared.exhibit_held TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(ANALYSES, OBSERVATIONS)
    for table, (facet, columns) in OF_ANALYSES.items():
        run(shared(table, columns, given_in_order(facet, ROWS)))
    for table, (facet, columns) in OBSERVED.items():
        run(shared(table, columns, given(facet | ROWS)))
    run(FOLLOWED, EXHIBITS, WAITING, HELD)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
