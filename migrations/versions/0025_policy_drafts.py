"""Drafts of policies, for the policy officers of their country alone; what a preview of figures says of sharing."""

from alembic import op

revision = "0025"
down_revision = "0024"

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

# Through the eyes of another, the owner shares where any of its records would be shown (bit 26 of a mask): that is its
# own to know. Of every other reader the rules alone decide, as before.
SHARERS = """
CREATE OR REPLACE FUNCTION gate.sharers() RETURNS text[]
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
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (DRAFTS, SHARERS):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
