"""The pending queue of exhibits: which of a country's results await a report, and which of its reports a result."""

from alembic import op

revision = "0033"
down_revision = "0032"

OWN = 1 << 27

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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(WAITING)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
