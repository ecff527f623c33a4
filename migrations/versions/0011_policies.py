"""The life of a policy: drafts, proposals, and the one decision that ends each; and who shares anything with a reader.

A proposal is a row of core.policy that never changes; its approval, rejection or withdrawal is a row of
core.policy_decision, of which the primary key admits one. What is in force follows from both and the time. Drafts are
for the policy officers of their country alone.
"""

from alembic import op

from migrations.scripts import run

revision = "0011"
down_revision = "0010"

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

DRAFTS = """
CREATE TABLE core.policy_draft (
  id uuid NOT NULL,
  country char(2) NOT NULL,
  layer text NOT NULL,
  name text NOT NULL,
  document jsonb NOT NULL,
  revision integer NOT NULL DEFAULT 1,
  begun_by text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT policy_draft_pkey PRIMARY KEY (id),
  CONSTRAINT policy_draft_country_fkey FOREIGN KEY (country) REFERENCES core.country (code),
  CONSTRAINT policy_draft_layer_check CHECK (layer = 'national' OR layer ~ '^agency:[A-Z]{2}-[A-Z0-9]{2,12}$'
    AND substr(layer, 8, 2) = country),
  CONSTRAINT policy_draft_document_check CHECK (jsonb_typeof(document) = 'object')
);
CREATE INDEX policy_draft_country_layer_changed_at_id_idx ON core.policy_draft (country, layer, changed_at, id);

-- The country whose officer for policies calls; of anyone else, and through the eyes of another, none.
CREATE FUNCTION gate.drafting() RETURNS char(2)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
  SELECT gate.country() WHERE 'policy_officer' = ANY (gate.roles())
$$;
REVOKE ALL ON FUNCTION gate.drafting() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.drafting() TO gate_own, sarhad_read, sarhad_write;

GRANT INSERT ON core.policy_draft TO sarhad_write;
GRANT SELECT ON core.policy_draft TO gate_own;
ALTER TABLE core.policy_draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON core.policy_draft FOR SELECT TO gate_own USING (country = (SELECT gate.drafting()));
CREATE POLICY begun ON core.policy_draft FOR INSERT TO sarhad_write WITH CHECK (country = (SELECT gate.drafting()));
CREATE POLICY changed ON core.policy_draft FOR ALL TO sarhad_owner
  USING (country = (SELECT gate.drafting())) WITH CHECK (country = (SELECT gate.drafting()));
CREATE VIEW shared.policy_draft AS
  SELECT id, country, layer, name, document, revision, begun_by, begun_at, changed_by, changed_at
  FROM core.policy_draft;
ALTER VIEW shared.policy_draft OWNER TO gate_own;
GRANT SELECT ON shared.policy_draft TO sarhad_read, sarhad_write;

-- Save over a revision; false where it is not the latest.
CREATE FUNCTION gate.change_draft(wanted uuid, over integer, called text, saved jsonb, officer text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core, gate AS $$
BEGIN
  UPDATE core.policy_draft d
    SET name = called, document = saved, revision = d.revision + 1, changed_by = officer, changed_at = now()
    WHERE d.id = wanted AND d.revision = over AND d.country = gate.drafting();
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.discard_draft(wanted uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core, gate AS $$
BEGIN
  DELETE FROM core.policy_draft d WHERE d.id = wanted AND d.country = gate.drafting();
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.change_draft(uuid, integer, text, jsonb, text), gate.discard_draft(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.change_draft(uuid, integer, text, jsonb, text), gate.discard_draft(uuid)
  TO sarhad_write;
"""

SHARERS = """
-- Told from the rules in force alone, never from scopes: whether there are records under a rule is not told. Through
-- the eyes of another, the owner shares where any of its records would be shown (bit 26 of a mask): its own to know.
CREATE FUNCTION gate.sharers() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
  WITH c AS (
    SELECT x.*, coalesce(k.status = 'member', false) AS member,
      ARRAY(SELECT g.code FROM core.country_group g WHERE g.country = x.country)
        || CASE WHEN k.status = 'member' THEN ARRAY['members'] ELSE '{}' END AS circles,
      gate.stops(x.country, x.agency, gate.key()) AS stops
    FROM gate.context x LEFT JOIN core.country k ON k.code = x.country WHERE x.id = gate.context_id()
  )
  SELECT coalesce(array_agg(o.owner ORDER BY o.owner), '{}') FROM (
    SELECT c.country AS owner FROM c WHERE c.trial IS NULL
    UNION
    SELECT c.trial FROM c WHERE EXISTS (
      SELECT FROM gate.compiled k, unnest(k.masks) m WHERE k.context_id = c.id AND m & 67108864 <> 0)
    UNION
    SELECT r.owner FROM gate.rule r, c
    WHERE r.permit AND NOT r.joins AND r.layer = 'national' AND r.gives = 'rows' AND r.owner <> c.country
      AND c.trial IS NULL AND c.purpose <> '' AND c.roles <> '{}'
      AND r.begins <= now() AND now() < r.ends
      AND coalesce(r.valid_from <= now(), true) AND coalesce(now() < r.valid_until, true)
      AND (r.kinds IS NULL OR 'seizure' = ANY (r.kinds))
      AND (r.countries IS NULL AND r.audience_groups IS NULL OR c.country = ANY (r.countries)
        OR c.circles && r.audience_groups)
      AND (r.agencies IS NULL OR c.agency = ANY (r.agencies)) AND (r.roles IS NULL OR c.roles && r.roles)
      AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
      AND (c.member OR coalesce(c.country = ANY (r.countries), false) OR coalesce(c.agency = ANY (r.agencies), false))
      AND NOT EXISTS (SELECT FROM core.suspension s
        WHERE s.id = ANY (c.stops) AND s.owner = r.owner AND s.of_agency IS NULL)
  ) o
$$;
REVOKE ALL ON FUNCTION gate.sharers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.sharers() TO sarhad_read;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(PROPOSALS, DECISIONS, DRAFTS, SHARERS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
