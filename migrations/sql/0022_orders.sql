CREATE TABLE core.subscription (
  id uuid NOT NULL,
  country char(2) NOT NULL CONSTRAINT subscription_country_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT subscription_agency_fkey REFERENCES core.agency (code),
  key_id text NOT NULL,
  purpose text NOT NULL,
  name text NOT NULL,
  rules text[],
  groups text[],
  delivery text NOT NULL,
  url text,
  ordered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  ended_by text,
  CONSTRAINT subscription_pkey PRIMARY KEY (id),
  CONSTRAINT subscription_agency_check CHECK (left(agency, 2) = country),
  CONSTRAINT subscription_delivery_check CHECK (delivery IN ('stream', 'webhook', 'digest')),
  CONSTRAINT subscription_url_check CHECK ((delivery = 'webhook') = (url IS NOT NULL)),
  CONSTRAINT subscription_ended_check CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX subscription_agency_idx ON core.subscription (agency) WHERE ended_at IS NULL;
ALTER TABLE core.subscription ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.subscription TO sarhad_write;
GRANT SELECT ON core.subscription TO gate_own;
CREATE POLICY ordered ON core.subscription FOR INSERT TO sarhad_write WITH CHECK (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()) AND key_id = (SELECT gate.key())
  AND ended_at IS NULL);
CREATE POLICY own ON core.subscription FOR SELECT TO gate_own USING (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()));
CREATE POLICY watched ON core.subscription TO sarhad_owner USING (true) WITH CHECK (true);
-- An order stands as long as the key that ordered.
GRANT SELECT (kid, revoked_at, not_after) ON core.agency_key TO gate_own;
CREATE VIEW shared.subscription AS
  SELECT s.id, s.country, s.agency, s.key_id, s.purpose, s.name, s.rules, s.groups, s.delivery, s.url, s.ordered_at,
    coalesce(s.ended_at, (SELECT least(k.revoked_at, k.not_after) FROM core.agency_key k
      WHERE k.kid = s.key_id AND (k.revoked_at IS NOT NULL OR k.not_after <= now()))) AS ended_at
  FROM core.subscription s;
ALTER VIEW shared.subscription OWNER TO gate_own;
GRANT SELECT ON shared.subscription TO sarhad_read, sarhad_write;

CREATE FUNCTION gate.end_subscription(wanted uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.subscription s SET ended_at = now(), ended_by = gate.key()
    WHERE s.id = wanted AND s.agency = gate.agency() AND s.country = gate.country() AND s.ended_at IS NULL;
  RETURN FOUND;
END $$;
-- Whose eyes are to look, and of which country: for the role that mints contexts, and nothing of what they ordered.
-- Whose key is dead has no eyes.
CREATE FUNCTION gate.watchers()
RETURNS TABLE (id uuid, key_id text, purpose text, delivery text, country char(2))
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.key_id, s.purpose, s.delivery, s.country FROM core.subscription s
    WHERE s.ended_at IS NULL AND EXISTS (SELECT FROM core.agency_key k WHERE k.kid = s.key_id AND gate.in_force(k))
    ORDER BY s.ordered_at, s.id;
END $$;
-- Whether anybody watches at all: asked with every report that is filed.
CREATE FUNCTION gate.watched() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN EXISTS (SELECT FROM core.subscription s WHERE s.ended_at IS NULL);
END $$;
