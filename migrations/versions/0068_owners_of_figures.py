"""A candidate is accounted for to everybody whose records it rests on: both sides of a match, and whoever's contents or
reports its figures are of. It is shown while each record that it names is.
"""

from alembic import op

revision = "0068"
down_revision = "0067"

OWNERS = """
ALTER TABLE core.alert_candidate ADD COLUMN owners jsonb NOT NULL DEFAULT '{}';
CREATE OR REPLACE VIEW shared.alert_candidate AS
  SELECT c.id, c.agency, c.purpose, c.rule, c.key, c.substance, c.record_id, c.facts, c.at, c.state, c.settled_at,
    c.owners
  FROM core.alert_candidate c
  WHERE (c.record_id IS NULL OR EXISTS (
      SELECT FROM shared.report r WHERE r.record_id = c.record_id AND r.mask & c.needs = c.needs))
    AND (c.facts ->> 'other' IS NULL OR EXISTS (
      SELECT FROM shared.report o WHERE o.record_id = CAST(c.facts ->> 'other' AS uuid)))
    AND (c.policy IS NULL OR c.policy = (SELECT gate.policy_version()));
CREATE OR REPLACE FUNCTION gate.keep_candidates(kept jsonb, over uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO core.alert_candidate AS c (id, country, agency, purpose, rule, key, substance, record_id, needs, policy,
      owners, facts, at)
    SELECT f.id, gate.country(), gate.agency(), f.purpose, f.rule, f.key, f.substance, f.record_id, f.needs, f.policy,
      f.owners, f.facts, clock_timestamp()
    FROM jsonb_to_recordset(kept) AS f(id uuid, purpose text, rule text, key text, substance text, record_id uuid,
      needs integer, policy text, owners jsonb, facts jsonb)
    ON CONFLICT (agency, purpose, rule, key) DO UPDATE
      SET id = EXCLUDED.id, substance = EXCLUDED.substance, record_id = EXCLUDED.record_id, needs = EXCLUDED.needs,
        policy = EXCLUDED.policy, owners = EXCLUDED.owners, facts = EXCLUDED.facts, at = EXCLUDED.at,
        state = 'candidate', settled_by = NULL, settled_at = NULL
      WHERE c.id = ANY (over) OR NOT EXISTS (SELECT FROM shared.alert_candidate s WHERE s.id = c.id);
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(OWNERS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
