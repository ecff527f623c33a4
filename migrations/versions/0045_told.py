"""Issued alerts come into the inboxes of those who may see them: once, whenever that begins."""

from alembic import op

revision = "0045"
down_revision = "0044"

TOLD = """
CREATE TABLE core.alert_told (
  alert_id uuid NOT NULL CONSTRAINT alert_told_alert_id_fkey REFERENCES core.alert (id),
  agency text NOT NULL CONSTRAINT alert_told_agency_fkey REFERENCES core.agency (code),
  CONSTRAINT alert_told_pkey PRIMARY KEY (alert_id, agency)
);
ALTER TABLE core.alert_told ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY kept ON core.alert_told TO sarhad_owner USING (true) WITH CHECK (true);
GRANT SELECT ON shared.alert TO sarhad_owner;
-- The agencies of one country that see one of these alerts, in any role and for any purpose, and have not been told of
-- it: from now on they have. Without alerts, of all that stand issued. Each looks through its own eyes, at the view in
-- which it reads alerts; whoever has never read anything is given eyes as a party of links is (`gate.ready`).
CREATE FUNCTION gate.tell_of_alerts(of_country char(2), alerts uuid[])
RETURNS TABLE (agency text, alert uuid, issuer char(2), level text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
DECLARE
  before text := coalesce(current_setting('sarhad.context', true), '');
  wanted uuid[] := ARRAY(
    SELECT a.id FROM core.alert a WHERE a.state = 'issued' AND (alerts IS NULL OR a.id = ANY (alerts))
      AND CASE WHEN a.country = of_country THEN true WHEN a.countries IS NOT NULL THEN of_country = ANY (a.countries)
        ELSE EXISTS (SELECT FROM core.country k WHERE k.code = of_country AND k.status = 'member') END);
  eye record;
BEGIN
  IF wanted = '{}' THEN
    RETURN;
  END IF;
  PERFORM gate.ready(ARRAY(SELECT g.code FROM core.agency g WHERE g.country = of_country));
  FOR eye IN SELECT c.id, c.agency, c.roles FROM gate.context c
    WHERE c.country = of_country AND c.purpose <> '' AND c.trial IS NULL ORDER BY c.agency, c.id
  LOOP
    PERFORM set_config('sarhad.context', gate.token(eye.id, '', eye.roles), true);
    RETURN QUERY WITH fresh AS (
      INSERT INTO core.alert_told (alert_id, agency)
        SELECT v.id, eye.agency FROM shared.alert v WHERE v.id = ANY (wanted)
        ON CONFLICT DO NOTHING RETURNING alert_id)
      SELECT eye.agency, a.id, a.country, a.level FROM fresh f JOIN core.alert a ON a.id = f.alert_id ORDER BY a.id;
  END LOOP;
  PERFORM set_config('sarhad.context', before, true);
END $$;
REVOKE ALL ON FUNCTION gate.tell_of_alerts(char, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.tell_of_alerts(char, uuid[]) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(TOLD)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
