"""Changes may be rejected; what a country's registry is about to become, its readers alone see."""

from alembic import op

revision = "0014"
down_revision = "0013"

_REJECTION = """
ALTER TABLE core.change
  ADD COLUMN rejected_by text REFERENCES core.agency_key (kid),
  ADD COLUMN rejected_at timestamptz,
  ADD COLUMN rejection_reason text,
  DROP CONSTRAINT change_change_state_check_check,
  ADD CONSTRAINT change_state_check CHECK (state IN ('proposed', 'applied', 'rejected')),
  ADD CONSTRAINT change_rejection_check
    CHECK ((state = 'rejected') = (rejected_by IS NOT NULL AND rejection_reason IS NOT NULL));
GRANT UPDATE (rejected_by, rejected_at, rejection_reason) ON core.change TO sarhad_write;
"""

# A writer finds the change it decides upon by its own condition (service/identity/change.py): officers act without a
# context. A reader has one, and sees its own country's.
_OWN_ONLY = """
ALTER TABLE core.change ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON core.change FOR SELECT TO sarhad_read USING (country = (SELECT gate.country()));
CREATE POLICY decided ON core.change FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
ALTER TABLE core.governance_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON core.governance_event FOR SELECT TO sarhad_read USING (country = (SELECT gate.country()));
CREATE POLICY told ON core.governance_event FOR INSERT TO sarhad_write WITH CHECK (true);
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql(_REJECTION)
    connection.exec_driver_sql(_OWN_ONLY)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
