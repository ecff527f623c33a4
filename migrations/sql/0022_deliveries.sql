CREATE TABLE core.alert_delivery (
  subscription_id uuid NOT NULL CONSTRAINT alert_delivery_subscription_id_fkey REFERENCES core.subscription (id),
  kind text NOT NULL,
  subject uuid NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL,
  fault text,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT alert_delivery_pkey PRIMARY KEY (subscription_id, kind, subject),
  CONSTRAINT alert_delivery_state_check CHECK (state IN ('waiting', 'sent', 'dead'))
);
ALTER TABLE core.alert_delivery ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON core.alert_delivery TO gate_own;
CREATE POLICY own ON core.alert_delivery FOR SELECT TO gate_own USING (EXISTS (
  SELECT FROM core.subscription s WHERE s.id = alert_delivery.subscription_id));
CREATE POLICY kept ON core.alert_delivery TO sarhad_owner USING (EXISTS (
  SELECT FROM core.subscription s WHERE s.id = alert_delivery.subscription_id AND s.agency = gate.agency()));
CREATE VIEW shared.alert_delivery AS
  SELECT subscription_id, kind, subject, state, attempts, fault, at FROM core.alert_delivery;
ALTER VIEW shared.alert_delivery OWNER TO gate_own;
GRANT SELECT ON shared.alert_delivery TO sarhad_read, sarhad_write;
-- What became of one delivery of an order of the caller's agency. False: it is as it was.
CREATE FUNCTION gate.delivered(subscription uuid, of_kind text, about uuid, becoming text, tried integer, why text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO core.alert_delivery AS d (subscription_id, kind, subject, state, attempts, fault)
    VALUES (subscription, of_kind, about, becoming, tried, why)
    ON CONFLICT ON CONSTRAINT alert_delivery_pkey DO UPDATE
      SET state = EXCLUDED.state, attempts = EXCLUDED.attempts, fault = EXCLUDED.fault, at = now()
      WHERE d.state <> 'sent'
        AND (EXCLUDED.state <> 'waiting' OR d.state = 'dead' OR EXCLUDED.attempts > d.attempts);
  RETURN FOUND;
END $$;
CREATE POLICY waiting ON core.alert_delivery FOR SELECT TO sarhad_owner USING (state = 'waiting');
-- The countries whose webhooks have something due: after a failure, 4, 16, 64 … seconds later, times the patience.
CREATE FUNCTION gate.lanes_due(patience double precision) RETURNS SETOF char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT s.country FROM core.alert_delivery d JOIN core.subscription s ON s.id = d.subscription_id
    WHERE d.state = 'waiting' AND s.ended_at IS NULL
      AND EXISTS (SELECT FROM core.agency_key k WHERE k.kid = s.key_id AND gate.in_force(k))
      AND (d.attempts = 0 OR d.at + make_interval(secs => patience * power(4, d.attempts)) <= now());
END $$;
