"""Results that stand off their line: which of a country's own, and why, for the queue and the inbox of its agencies."""

from alembic import op

revision = "0043"
down_revision = "0042"

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
    op.get_bind().exec_driver_sql(HELD)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
