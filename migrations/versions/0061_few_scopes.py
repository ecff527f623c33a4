"""Which scopes give a reader anything, where they are few: a page is sought by them where it would be long in time.

A page in the order of time reads rows until it is full. Of an owner that gives a reader a hundred of a million it read
a million, and took as long as the owner has records. The planner knows how many records a scope has: where those that
give hold few, it reads them and no others.
"""

from alembic import op

revision = "0061"
down_revision = "0060"

LEVELS = ("instant", "day", "month", "undated", "point", "cell")
FEW = f"""
CREATE INDEX report_scope_idx ON core.report (scope_id) WHERE latest;
-- By owner, the scopes that give the context's reader anything at a level of time or place; of no owner with more of
-- them than `most`.
CREATE FUNCTION gate.few_scopes(most integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  given integer[] := gate.masks();
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(o.owner, o.scopes), '{{}}') FROM (
    SELECT s.owner, jsonb_agg(s.id ORDER BY s.id) AS scopes FROM gate.scope s
      WHERE given[s.id + 1] & {63 << 20} <> 0 GROUP BY s.owner HAVING count(*) <= most) o);
END $$;
REVOKE ALL ON FUNCTION gate.few_scopes(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.few_scopes(integer) TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    run = op.get_bind().exec_driver_sql
    run("SET LOCAL lock_timeout = '5s'")
    run(FEW)
    for level in LEVELS:
        definition = run(f"SELECT pg_get_viewdef('shared.report_{level}'::regclass)").scalar_one()
        columns = definition.rstrip().removesuffix(";").removesuffix("FROM core.report r").rstrip()
        run(
            f"CREATE OR REPLACE VIEW shared.report_{level} AS {columns.replace('%', '%%')},"
            " r.scope_id AS scope_id FROM core.report r"
        )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
