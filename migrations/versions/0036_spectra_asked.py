"""How often a country searched with a spectrum in the last day: each search may tell of something that is hidden."""

from alembic import op

from migrations.scripts import run

revision = "0036"
down_revision = "0035"

ASKED = """
-- When people of the caller's country searched with a spectrum, in the last day.
CREATE FUNCTION gate.spectrum_searches() RETURNS TABLE (at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT min(a.at) FROM core.access a
    WHERE a.country = gate.country() AND a.at > now() - interval '1 day' AND a.status = 200
      AND a.route = '/v1/spectra/search'
    GROUP BY a.reading;
END $$;
REVOKE ALL ON FUNCTION gate.spectrum_searches() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.spectrum_searches() TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(ASKED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
