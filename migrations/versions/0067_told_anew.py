"""A finding is told anew when what it was told of is not shown any more: the candidate gives its place to the next.

Otherwise a record that is filed, shared with everybody and taken back would silence a warning for good.
"""

from alembic import op

revision = "0067"
down_revision = "0066"

KEEP = """
GRANT SELECT ON shared.alert_candidate TO sarhad_owner;
-- What rules found in the eyes of the caller's agency, after the turn of those who write candidates. What was found
-- before is left as it is, while it is shown to the caller; `over` are those that their records say no more.
CREATE FUNCTION gate.keep_candidates(kept jsonb, over uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO core.alert_candidate AS c (id, country, agency, purpose, rule, key, substance, record_id, needs, policy,
      facts, at)
    SELECT f.id, gate.country(), gate.agency(), f.purpose, f.rule, f.key, f.substance, f.record_id, f.needs, f.policy,
      f.facts, clock_timestamp()
    FROM jsonb_to_recordset(kept) AS f(id uuid, purpose text, rule text, key text, substance text, record_id uuid,
      needs integer, policy text, facts jsonb)
    ON CONFLICT (agency, purpose, rule, key) DO UPDATE
      SET id = EXCLUDED.id, substance = EXCLUDED.substance, record_id = EXCLUDED.record_id, needs = EXCLUDED.needs,
        policy = EXCLUDED.policy, facts = EXCLUDED.facts, at = EXCLUDED.at, state = 'candidate', settled_by = NULL,
        settled_at = NULL
      WHERE c.id = ANY (over) OR NOT EXISTS (SELECT FROM shared.alert_candidate s WHERE s.id = c.id);
END $$;
REVOKE ALL ON FUNCTION gate.keep_candidates(jsonb, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.keep_candidates(jsonb, uuid[]) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(KEEP)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
