"""Analyses: what a question may ask of them, under the facet that discloses it, and their links to seizure lines."""

from alembic import op

revision = "0013"
down_revision = "0012"

ROWS, WINDOWED = 1 << 26, 1 << 30
BITS = {"analysis": 15, "finding": 9, "content": 16, "exhibit_link": 15}  # laboratory, items, purity

_BESIDE = """
  record_id uuid NOT NULL,
  version integer NOT NULL,
  scope_id integer NOT NULL,
  month_end date NOT NULL,
  latest boolean NOT NULL DEFAULT true,"""


def _key(table: str, *more: str) -> str:
    return f"""
  CONSTRAINT {table}_pkey PRIMARY KEY ({", ".join(("record_id", "version", *more))}),
  CONSTRAINT {table}_record_id_version_fkey FOREIGN KEY (record_id, version)
    REFERENCES core.report (record_id, version)"""


TABLES = f"""
CREATE TABLE core.analysis ({_BESIDE}
  techniques text[] NOT NULL,
  exhibits text[] NOT NULL,{_key("analysis")}
);
CREATE INDEX analysis_exhibits_idx ON core.analysis USING gin (exhibits);
CREATE TABLE core.finding ({_BESIDE}
  line integer NOT NULL,
  substance text,
  role text NOT NULL,
  level text NOT NULL,{_key("finding", "line")}
);
CREATE INDEX finding_substance_record_id_version_idx ON core.finding (substance, record_id, version);
CREATE TABLE core.content ({_BESIDE}
  n integer NOT NULL,
  line integer NOT NULL,
  value numeric NOT NULL,
  unit text NOT NULL,
  basis text NOT NULL,{_key("content", "n")}
);
CREATE TABLE core.exhibit_link ({_BESIDE}
  exhibit text NOT NULL,
  filed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text,
  substances text[] NOT NULL,{_key("exhibit_link", "exhibit")}
);
CREATE INDEX exhibit_link_exhibit_idx ON core.exhibit_link (exhibit);
ALTER TABLE core.report_line ADD COLUMN exhibit text, ADD COLUMN examined_by text,
  ADD COLUMN substance_reported text, ADD COLUMN status_reported text,
  ADD COLUMN result_id uuid, ADD COLUMN result_version integer;
CREATE INDEX report_line_exhibit_idx ON core.report_line (exhibit) WHERE latest AND exhibit IS NOT NULL;
"""


def admits(flags: int) -> str:
    """As for reports: rows whose scope has every flag, whose delay is over and whose event window they lie in."""
    return f"""((SELECT gate.masks()))[scope_id + 1] & {flags} = {flags}
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND (((SELECT gate.masks()))[scope_id + 1] & {WINDOWED} = 0
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


def shared(table: str, bit: int, columns: str) -> str:
    """A view for readers that are given the facet, and row security that holds its owner to that."""
    return f"""
    ALTER TABLE core.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    GRANT INSERT ON core.{table} TO sarhad_write;
    GRANT SELECT ON core.{table} TO gate_items;
    CREATE POLICY given ON core.{table} FOR SELECT TO gate_items USING (latest AND {admits(1 << bit | ROWS)});
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


FOLLOW = """
-- What stands beside a report follows its scope and its place among the versions, whoever changes them.
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
"""


LINKS = """
CREATE OR REPLACE VIEW shared.report_line AS
  SELECT record_id, version, line, substance, status, form, quantity, unit, kg, kg_low, kg_high, rule,
    substance_reported, status_reported
  FROM core.report_line;
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
CREATE FUNCTION gate.link_exhibits(records uuid[])
RETURNS TABLE (record_id uuid, line integer, agency text, status text, substance text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
DECLARE
  numbers text[] := ARRAY(
    SELECT l.exhibit FROM core.report_line l WHERE l.record_id = ANY (records) AND l.latest AND l.exhibit IS NOT NULL
    UNION SELECT x.exhibit FROM core.exhibit_link x WHERE x.record_id = ANY (records)
    ORDER BY 1);
  number text;
BEGIN
  -- a report and an analysis that are filed at once see each other, one after the other
  FOREACH number IN ARRAY numbers LOOP
    PERFORM pg_advisory_xact_lock(7276824, hashtext(number));
  END LOOP;
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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(TABLES)
    run(shared("analysis", BITS["analysis"], "techniques, exhibits"))
    run(shared("finding", BITS["finding"], "line, substance, role, level"))
    run(shared("content", BITS["content"], "n, line, value, unit, basis"))
    run(shared("exhibit_link", BITS["exhibit_link"], "exhibit"))
    run(FOLLOW)
    run(LINKS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
