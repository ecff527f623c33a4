"""What an officer did alone another hand takes note of; alerts are counted by the day, and told to who still reads."""

from alembic import op

from migrations.passages import change

revision = "0052"
down_revision = "0051"

BY_ANOTHER = (
    "AND (n.to_agency IS NULL OR n.to_agency = gate.agency());",
    """AND (n.to_agency IS NULL OR n.to_agency = gate.agency())
      AND NOT (n.kind IN ('record-granted', 'record-released') AND gate.one_hand(n.facts ->> 'by', acknowledging));""",
)
# The eyes of an agency are those of a key in force, or of an officer who will sign in again: contexts stay for ever.
EYES = """
CREATE FUNCTION gate.has_eyes(of_agency text, of_roles text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN EXISTS (SELECT FROM core.agency_key k WHERE k.agency = of_agency AND k.use = 'request-signing'
      AND k.not_before <= now() AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL
      AND gate.reading(ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid)) = of_roles)
    OR EXISTS (SELECT FROM core.person p WHERE p.agency = of_agency AND p.ended_at IS NULL
      AND gate.reading(p.roles) = of_roles);
END $$;
REVOKE ALL ON FUNCTION gate.has_eyes(text, text[]) FROM PUBLIC;
"""
OPEN_EYES = (
    "WHERE c.country = of_country AND c.purpose <> '' AND c.trial IS NULL ORDER BY c.agency, c.id",
    """WHERE c.country = of_country AND c.purpose <> '' AND c.trial IS NULL AND gate.has_eyes(c.agency, c.roles)
    ORDER BY c.agency, c.id""",
)
# How many a country issued is counted whatever its officers may see of them.
COUNTED = """
CREATE OR REPLACE VIEW shared.own_alert AS
  SELECT id, agency, state, reviewed_by, issued_at FROM core.alert WHERE country = (SELECT gate.country());
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    change(connection, "gate.acknowledge_notices", BY_ANOTHER)
    connection.exec_driver_sql(EYES)
    connection.exec_driver_sql(COUNTED)
    change(connection, "gate.tell_of_alerts", OPEN_EYES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
