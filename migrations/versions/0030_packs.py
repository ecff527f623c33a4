"""Obligation packs: what a country reports to international bodies, seen by itself alone, frozen once approved."""

from alembic import op

revision = "0030"
down_revision = "0029"

PACKS = """
CREATE TABLE core.pack (
  id uuid NOT NULL,
  country char(2) NOT NULL,
  form text NOT NULL,
  first_month text NOT NULL,
  last_month text NOT NULL,
  version integer NOT NULL,
  content bytea NOT NULL,
  digest text NOT NULL,
  state text NOT NULL DEFAULT 'drafted',
  drafted_by text NOT NULL,
  drafted_at timestamptz NOT NULL DEFAULT now(),
  approved_by text,
  approved_at timestamptz,
  workbook bytea,
  CONSTRAINT pack_pkey PRIMARY KEY (id),
  CONSTRAINT pack_country_form_first_month_last_month_version_key
    UNIQUE (country, form, first_month, last_month, version),
  CONSTRAINT pack_country_fkey FOREIGN KEY (country) REFERENCES core.country (code),
  CONSTRAINT pack_state_check CHECK (state IN ('drafted', 'approved', 'discarded')),
  CONSTRAINT pack_frozen_check CHECK ((state = 'approved') = (workbook IS NOT NULL)),
  CONSTRAINT pack_four_eyes_check CHECK (approved_by <> drafted_by)
);
ALTER TABLE core.pack ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.pack TO sarhad_write;
CREATE POLICY drafted ON core.pack FOR INSERT TO sarhad_write
  WITH CHECK (country = (SELECT gate.country()) AND drafted_by = (SELECT gate.key()) AND state = 'drafted');

GRANT SELECT ON core.pack TO gate_own;
CREATE POLICY own ON core.pack FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
CREATE VIEW shared.pack AS
  SELECT id, country, form, first_month, last_month, version, content, digest, state, drafted_by, drafted_at,
    approved_by, approved_at, workbook
  FROM core.pack;
ALTER VIEW shared.pack OWNER TO gate_own;
GRANT SELECT ON shared.pack TO sarhad_read, sarhad_write;
-- A pack is drafted from what is stored in the same snapshot: the drafter's transaction reads its own items, masked as
-- for any reader.
GRANT SELECT ON shared.report_line, shared.observation, shared.finding TO sarhad_write;

CREATE POLICY settled_found ON core.pack FOR SELECT TO sarhad_owner USING (country = gate.country());
CREATE POLICY settled ON core.pack FOR UPDATE TO sarhad_owner
  USING (country = gate.country() AND state = 'drafted') WITH CHECK (state IN ('approved', 'discarded'));
-- The one update: a policy officer of the country approves a draft with another key than the drafter's, or discards it.
CREATE FUNCTION gate.settle_pack(pack uuid, agreed text, becomes text, officer text, at timestamptz, sealed bytea)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT ('policy_officer' = ANY (gate.roles())) OR officer <> gate.key() THEN
    RAISE EXCEPTION 'only a policy officer settles a pack';
  END IF;
  UPDATE core.pack p SET state = becomes, workbook = CASE WHEN becomes = 'approved' THEN sealed END,
      approved_by = CASE WHEN becomes = 'approved' THEN officer END,
      approved_at = CASE WHEN becomes = 'approved' THEN at END
    WHERE p.id = pack AND p.digest = agreed AND p.state = 'drafted' AND p.country = gate.country();
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.settle_pack(uuid, text, text, text, timestamptz, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.settle_pack(uuid, text, text, text, timestamptz, bytea) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(PACKS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
