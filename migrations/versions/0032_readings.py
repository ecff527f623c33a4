"""One record by its id through one narrow view, a line's analysis in the view of lines, functions that stay planned.

A view of a precision level is there for order and for filters. Who has the ids needs neither: `shared.record` shows
every row that the reader is given, at whatever level, and has no column that depends on it. Each masked column of a
view is an array that the planner plans for, also where nobody asks for the column: four levels were eighty such arrays,
two of them worth having. `shared.report_line` says itself which analysis a result comes from, where it was joined to
itself.
"""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"

SQL = Path(__file__).parents[1] / "sql" / "0032_readings.sql"
REPORTED, ITEMS, LABORATORY, PURITY, ROWS, OWN, WINDOWED = (1 << bit for bit in (1, 9, 15, 16, 26, 27, 30))
MASK = "((SELECT gate.masks()))[r.scope_id + 1]"


def admits(*flags: int) -> str:
    """As for reports: rows whose scope has every flag, whose delay is over and whose event window they lie in.

    Flags are tested one by one with `<>`: the planner takes an equation with something it cannot know for rare.
    """
    given = " AND ".join(f"((SELECT gate.masks()))[scope_id + 1] & {flag} <> 0" for flag in flags)
    return f"""{given}
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND (((SELECT gate.masks()))[scope_id + 1] & {WINDOWED} <> {WINDOWED}
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


RECORD = f"""
GRANT USAGE ON SCHEMA core, gate TO gate_record;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_record;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.duties(), gate.windows_from(), gate.windows_until(),
  gate.country(), gate.disclose(text[], integer) TO gate_record;
GRANT SELECT ON core.report, core.record_rule TO gate_record;
CREATE POLICY record ON core.report FOR SELECT TO gate_record USING (latest AND {admits(ROWS)});
CREATE POLICY own_recalled ON core.record_rule FOR SELECT TO gate_record
  USING (owner = (SELECT gate.country()) AND origin = 'recall' AND ended_at IS NULL);
CREATE VIEW shared.record AS
  SELECT r.record_id, r.version, r.kind, r.agency, r.country, r.handling, r.status, r.jwt, {MASK} AS mask,
    gate.disclose(r.disclosures, {MASK}) AS disclosures, ((SELECT gate.duties()))[r.scope_id + 1] AS duties,
    CASE WHEN {MASK} & {REPORTED} <> 0 THEN r.leaf_hash END AS leaf_hash,
    CASE WHEN {MASK} & {REPORTED} <> 0 THEN r.log_salt END AS log_salt,
    CASE WHEN {MASK} & {OWN} <> 0
      THEN EXISTS (SELECT FROM core.record_rule x WHERE x.record_id = r.record_id) ELSE false END AS recalled
  FROM core.report r;
ALTER VIEW shared.record OWNER TO gate_record;
GRANT SELECT ON shared.record TO sarhad_read;
"""

# Of a line without a result nothing is looked up; row security judges both tables.
LINES = """
CREATE OR REPLACE VIEW shared.report_line AS
  SELECT l.record_id, l.version, l.line, l.substance, l.status, l.form, l.quantity, l.unit, l.kg, l.kg_low, l.kg_high,
    l.rule, l.substance_reported, l.status_reported, x.record_id AS analysis_id, x.version AS analysis_version
  FROM core.report_line l LEFT JOIN core.exhibit_link x
    ON (x.record_id, x.version, x.exhibit) = (l.result_id, l.result_version, l.exhibit);
"""

BESIDE = {"analysis": LABORATORY, "finding": ITEMS, "content": PURITY, "exhibit_link": LABORATORY}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(SQL.read_text(encoding="utf-8"))
    run(RECORD)
    run(LINES)
    for table, facet in BESIDE.items():
        run(f"ALTER POLICY given ON core.{table} USING (latest AND {admits(facet, ROWS)})")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
