"""The life of a policy: proposals, and the one decision that ends each.

A proposal is a row of core.policy that never changes; its approval, rejection or withdrawal is a row of
core.policy_decision, of which the primary key admits one. What is in force follows from both and the time.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

PROPOSALS = """
DROP VIEW shared.policy;
ALTER TABLE core.policy RENAME COLUMN adopted_at TO proposed_at;
ALTER TABLE core.policy ADD COLUMN layer text NOT NULL DEFAULT 'national', ADD COLUMN proposed_by text;
ALTER TABLE core.policy ALTER COLUMN layer DROP DEFAULT, DROP CONSTRAINT policy_pkey,
  ADD CONSTRAINT policy_pkey PRIMARY KEY (country, layer, version),
  ADD CONSTRAINT policy_layer_check CHECK (layer = 'national' OR layer ~ '^agency:[A-Z]{2}-[A-Z0-9]{2,12}$'
    AND substr(layer, 8, 2) = country);
"""

DECISIONS = """
CREATE TABLE core.policy_decision (
  country char(2) NOT NULL,
  layer text NOT NULL,
  version integer NOT NULL,
  decision text NOT NULL CONSTRAINT policy_decision_decision_check
    CHECK (decision IN ('approved', 'rejected', 'withdrawn')),
  decided_by text NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT now(),
  key_id text,
  signed text,
  reason text,
  effective_at timestamptz,
  CONSTRAINT policy_decision_pkey PRIMARY KEY (country, layer, version),
  CONSTRAINT policy_decision_country_layer_version_fkey FOREIGN KEY (country, layer, version)
    REFERENCES core.policy (country, layer, version),
  CONSTRAINT policy_decision_effective_check CHECK ((decision = 'approved') = (effective_at IS NOT NULL)),
  CONSTRAINT policy_decision_reason_check CHECK ((decision = 'approved') = (reason IS NULL))
);
-- Policies that one officer adopted, before there were two, were in force from then on.
ALTER TABLE core.policy NO FORCE ROW LEVEL SECURITY;
INSERT INTO core.policy_decision (country, layer, version, decision, decided_by, decided_at, effective_at)
  SELECT country, layer, version, 'approved', key_id, proposed_at, proposed_at FROM core.policy;
ALTER TABLE core.policy FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.policy_decision TO sarhad_write;
GRANT SELECT ON core.policy_decision TO gate_own;
ALTER TABLE core.policy_decision ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON core.policy_decision FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
CREATE POLICY filed ON core.policy_decision FOR INSERT TO sarhad_write
  WITH CHECK (country = (SELECT gate.country()));

CREATE VIEW shared.policy AS
  SELECT p.country, p.layer, p.version, p.document, p.signed, p.key_id, p.proposed_by, p.proposed_at,
    d.decision, d.decided_by, d.decided_at, d.key_id AS approval_key_id, d.signed AS approval, d.reason, d.effective_at
  FROM core.policy p LEFT JOIN core.policy_decision d USING (country, layer, version);
ALTER VIEW shared.policy OWNER TO gate_own;
GRANT SELECT ON shared.policy TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (PROPOSALS, DECISIONS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
