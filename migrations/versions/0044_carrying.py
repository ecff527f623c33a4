"""Which records carry an unknown: when it is published or resolved, early warning looks at them again."""

from alembic import op

revision = "0044"
down_revision = "0043"

CARRYING = """
-- Of an entry of the caller's own country, in records of any: ids alone, for the queue of what is to be judged.
CREATE FUNCTION gate.carrying(of_code text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM core.provisional_substance p WHERE p.code = of_code AND p.owner = gate.country()) THEN
    RETURN '{}';
  END IF;
  RETURN ARRAY(
    SELECT l.record_id FROM core.report_line l WHERE l.substance = of_code AND l.substance LIKE 'UNK-%%' AND l.latest
    UNION SELECT f.record_id FROM core.finding f WHERE f.substance = of_code AND f.latest ORDER BY 1);
END $$;
REVOKE ALL ON FUNCTION gate.carrying(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.carrying(text) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(CARRYING)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
