"""What another country says again stands once in an inbox, while it is open; and its requests are counted by the day.

Otherwise whoever may ask, confirm and reject buries what an agency must not miss, a recall foremost.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

NOTICES = """
CREATE POLICY put ON core.notice FOR INSERT TO sarhad_owner WITH CHECK (true);
CREATE POLICY put_before ON core.notice FOR SELECT TO sarhad_owner USING (from_country = (SELECT gate.country()));
CREATE POLICY put_again ON core.notice FOR UPDATE TO sarhad_owner USING (from_country = (SELECT gate.country()));
-- Puts notices into inboxes, in order. What the caller's country told another before in the same words, and what stands
-- open there, moves to now instead.
CREATE FUNCTION gate.put_notices(notices jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  n record;
BEGIN
  FOR n IN SELECT * FROM jsonb_to_recordset(notices)
    AS r(id uuid, country char(2), agency text, kind text, subject text, facts jsonb)
  LOOP
    UPDATE core.notice o SET at = clock_timestamp()
      WHERE o.from_country = gate.country() AND o.from_country <> o.to_country AND o.acknowledged_at IS NULL
        AND o.to_country = n.country AND o.to_agency IS NOT DISTINCT FROM n.agency
        AND o.kind = n.kind AND o.subject = n.subject AND o.facts = n.facts;
    IF NOT FOUND THEN
      INSERT INTO core.notice (id, from_country, to_country, to_agency, kind, subject, facts, at)
        VALUES (n.id, gate.country(), n.country, n.agency, n.kind, n.subject, n.facts, clock_timestamp());
    END IF;
  END LOOP;
END $$;
"""
REQUESTS = """
-- When agencies of the caller's country asked this owner for more of its records, in the last day.
CREATE FUNCTION gate.asked_of(of_owner text) RETURNS TABLE (at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT r.asked_at FROM core.release_request r
    WHERE r.asker_country = gate.country() AND r.owner = of_owner AND r.asked_at > now() - interval '1 day';
END $$;
REVOKE ALL ON FUNCTION gate.put_notices(jsonb), gate.asked_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.put_notices(jsonb), gate.asked_of(text) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (NOTICES, REQUESTS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
