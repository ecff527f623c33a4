"""When a country asked for exports: deleted ones cost what others do, and count towards how many it may ask for."""

from alembic import op

revision = "0065"
down_revision = "0064"

ASKED = """
CREATE FUNCTION gate.exports_asked() RETURNS TABLE (at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT e.made_at FROM core.export e
    WHERE e.country = gate.country() AND e.made_at > now() - interval '1 hour';
END $$;
REVOKE ALL ON FUNCTION gate.exports_asked() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.exports_asked() TO sarhad_write;
CREATE INDEX export_country_made_at_idx ON core.export (country, made_at);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(ASKED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
