CREATE TABLE core.alert_candidate (
  id uuid NOT NULL,
  country char(2) NOT NULL CONSTRAINT alert_candidate_country_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT alert_candidate_agency_fkey REFERENCES core.agency (code),
  purpose text NOT NULL,
  rule text NOT NULL,
  key text NOT NULL,
  substance text,
  record_id uuid,
  needs integer NOT NULL,
  policy text,
  facts jsonb NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'candidate',
  settled_by text,
  settled_at timestamptz,
  owners jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT alert_candidate_pkey PRIMARY KEY (id),
  CONSTRAINT alert_candidate_agency_purpose_rule_key_key UNIQUE (agency, purpose, rule, key),
  CONSTRAINT alert_candidate_state_check CHECK (state IN ('candidate', 'raised', 'dismissed')),
  CONSTRAINT alert_candidate_settled_check CHECK ((state = 'candidate') = (settled_at IS NULL)),
  CONSTRAINT alert_candidate_basis_check CHECK (record_id IS NOT NULL OR policy IS NOT NULL)
);
CREATE INDEX alert_candidate_agency_at_idx ON core.alert_candidate (agency, at);
ALTER TABLE core.alert_candidate ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.alert_candidate TO sarhad_write;
GRANT SELECT ON core.alert_candidate TO gate_own;
CREATE POLICY found ON core.alert_candidate FOR INSERT TO sarhad_write WITH CHECK (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()) AND state = 'candidate');
CREATE POLICY own ON core.alert_candidate FOR SELECT TO gate_own USING (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()));
CREATE POLICY settled ON core.alert_candidate TO sarhad_owner
  USING (country = gate.country() AND agency = gate.agency())
  WITH CHECK (country = gate.country() AND agency = gate.agency());
GRANT SELECT (record_id, mask) ON shared.report TO gate_own;
-- A candidate is accounted for to everybody whose records it rests on (`owners`): both sides of a match, and whoever's
-- contents or reports its figures are of. What rests on a record is shown while the record is, and each that it names,
-- in the facets it rests on; what rests on figures, while the policies are those under which they were counted.
CREATE VIEW shared.alert_candidate AS
  SELECT c.id, c.agency, c.purpose, c.rule, c.key, c.substance, c.record_id, c.facts, c.at, c.state, c.settled_at,
    c.owners
  FROM core.alert_candidate c
  WHERE (c.record_id IS NULL OR EXISTS (
      SELECT FROM shared.report r WHERE r.record_id = c.record_id AND r.mask & c.needs = c.needs))
    AND (c.facts ->> 'other' IS NULL OR EXISTS (
      SELECT FROM shared.report o WHERE o.record_id = CAST(c.facts ->> 'other' AS uuid)))
    AND (c.policy IS NULL OR c.policy = (SELECT gate.policy_version()));
ALTER VIEW shared.alert_candidate OWNER TO gate_own;
GRANT SELECT ON shared.alert_candidate TO sarhad_read, sarhad_write;

-- A writer of candidates and alerts commits before the next one begins: a reader that goes on from a time misses none.
CREATE FUNCTION gate.alert_turn() RETURNS timestamptz LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7276829);
  RETURN clock_timestamp();
END $$;
CREATE FUNCTION gate.settle_candidate(wanted uuid, becoming text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.alert_candidate c SET state = becoming, settled_at = now(), settled_by = gate.key()
    WHERE c.id = wanted AND c.state = 'candidate';
  RETURN FOUND;
END $$;
GRANT SELECT ON shared.alert_candidate TO sarhad_owner;
-- What rules found in the eyes of the caller's agency, after the turn of those who write candidates. What was found
-- before is left as it is, while it is shown to the caller; `over` are those that their records say no more.
-- A finding is told anew when what it was told of is not shown any more: otherwise a record that is filed, shared with
-- everybody and taken back would silence a warning for good.
CREATE FUNCTION gate.keep_candidates(kept jsonb, over uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO core.alert_candidate AS c (id, country, agency, purpose, rule, key, substance, record_id, needs, policy,
      owners, facts, at)
    SELECT f.id, gate.country(), gate.agency(), f.purpose, f.rule, f.key, f.substance, f.record_id, f.needs, f.policy,
      f.owners, f.facts, clock_timestamp()
    FROM jsonb_to_recordset(kept) AS f(id uuid, purpose text, rule text, key text, substance text, record_id uuid,
      needs integer, policy text, owners jsonb, facts jsonb)
    ON CONFLICT (agency, purpose, rule, key) DO UPDATE
      SET id = EXCLUDED.id, substance = EXCLUDED.substance, record_id = EXCLUDED.record_id, needs = EXCLUDED.needs,
        policy = EXCLUDED.policy, owners = EXCLUDED.owners, facts = EXCLUDED.facts, at = EXCLUDED.at,
        state = 'candidate', settled_by = NULL, settled_at = NULL
      WHERE c.id = ANY (over) OR NOT EXISTS (SELECT FROM shared.alert_candidate s WHERE s.id = c.id);
END $$;
