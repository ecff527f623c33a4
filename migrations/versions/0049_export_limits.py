"""What the exports of a country come to together: how many are under way, how much is kept, and until when at least."""

from alembic import op

revision = "0049"
down_revision = "0048"

COUNTED = """
CREATE FUNCTION gate.country_exports() RETURNS TABLE (under_way bigint, bytes bigint, frees timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT count(*) FILTER (WHERE e.state IN ('queued', 'running')),
      coalesce(sum(e.size) FILTER (WHERE e.state = 'ready'), 0)::bigint,
      min(e.expires_at) FILTER (WHERE e.state = 'ready')
    FROM core.export e WHERE e.country = gate.country() AND e.expires_at > now();
END $$;
REVOKE ALL ON FUNCTION gate.country_exports() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.country_exports() TO sarhad_write;
CREATE INDEX export_country_expires_at_idx ON core.export (country, expires_at);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(COUNTED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
