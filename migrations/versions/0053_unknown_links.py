"""Reports of an unknown are compared again when it is published, and when it turns out to be something.

They are compared within its policy group and along its place in the catalogue: both were those of an unknown.
"""

from alembic import op

revision = "0053"
down_revision = "0052"

REQUEUED = """
CREATE FUNCTION core.requeue_unknown_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  -- of every version: while the cube takes lines out and in again, none of them is the latest
  INSERT INTO link_queue SELECT DISTINCT l.record_id FROM report_line l WHERE l.substance = NEW.code;
  RETURN NULL;
END $$;
GRANT CREATE ON SCHEMA core TO gate_linker;
ALTER FUNCTION core.requeue_unknown_links() OWNER TO gate_linker;
REVOKE CREATE ON SCHEMA core FROM gate_linker;
REVOKE ALL ON FUNCTION core.requeue_unknown_links() FROM PUBLIC;
CREATE TRIGGER links_placed AFTER INSERT OR UPDATE OF parent, policy_group ON core.substance FOR EACH ROW
  WHEN (NEW.kind = 'provisional') EXECUTE FUNCTION core.requeue_unknown_links();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(REQUEUED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
