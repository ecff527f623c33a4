CREATE TABLE core.alert (
  id uuid NOT NULL,
  country char(2) NOT NULL CONSTRAINT alert_country_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT alert_agency_fkey REFERENCES core.agency (code),
  rule text NOT NULL,
  substance text,
  title text NOT NULL,
  text text NOT NULL,
  candidate_id uuid,
  state text NOT NULL DEFAULT 'reviewed',
  reviewed_by text NOT NULL,
  reviewed_at timestamptz NOT NULL,
  level text,
  handling text,
  countries text[],
  issued_by text,
  issued_at timestamptz,
  reason text,
  ended_by text,
  ended_at timestamptz,
  CONSTRAINT alert_pkey PRIMARY KEY (id),
  CONSTRAINT alert_agency_check CHECK (left(agency, 2) = country),
  CONSTRAINT alert_state_check CHECK (state IN ('reviewed', 'issued', 'closed', 'retracted')),
  CONSTRAINT alert_level_check CHECK (level IN ('INFO', 'ADVISORY', 'URGENT')),
  CONSTRAINT alert_issued_check CHECK ((issued_at IS NULL) = (level IS NULL)
    AND (issued_at IS NULL) = (handling IS NULL) AND (issued_at IS NULL) = (issued_by IS NULL)
    AND (state <> 'issued' OR issued_at IS NOT NULL)),
  CONSTRAINT alert_eyes_check CHECK (issued_by <> reviewed_by),
  CONSTRAINT alert_ended_check CHECK ((state IN ('closed', 'retracted')) = (ended_at IS NOT NULL)),
  CONSTRAINT alert_named_check CHECK (handling <> 'TLP:RED' OR countries IS NOT NULL)
);
CREATE INDEX alert_issued_at_idx ON core.alert (issued_at);
CREATE TABLE core.alert_basis (
  alert_id uuid NOT NULL CONSTRAINT alert_basis_alert_id_fkey REFERENCES core.alert (id),
  record_id uuid NOT NULL,
  needs integer NOT NULL,
  CONSTRAINT alert_basis_pkey PRIMARY KEY (alert_id, record_id)
);
CREATE TABLE core.alert_answer (
  alert_id uuid NOT NULL CONSTRAINT alert_answer_alert_id_fkey REFERENCES core.alert (id),
  country char(2) NOT NULL CONSTRAINT alert_answer_country_fkey REFERENCES core.country (code),
  issuer char(2) NOT NULL,
  acknowledged_by text NOT NULL,
  acknowledged_agency text NOT NULL,
  acknowledged_at timestamptz NOT NULL DEFAULT now(),
  action text,
  useful boolean,
  feedback_by text,
  feedback_at timestamptz,
  CONSTRAINT alert_answer_pkey PRIMARY KEY (alert_id, country),
  CONSTRAINT alert_answer_feedback_check CHECK (
    (feedback_at IS NULL) = (action IS NULL) AND (feedback_at IS NULL) = (useful IS NULL))
);
ALTER TABLE core.alert ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.alert_basis ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.alert_answer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.alert, core.alert_basis, core.alert_answer TO sarhad_write;
GRANT SELECT ON core.alert, core.alert_basis, core.alert_answer TO gate_own;

CREATE POLICY reviewed ON core.alert FOR INSERT TO sarhad_write WITH CHECK (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()) AND state = 'reviewed'
  AND reviewed_by = (SELECT gate.key()));
CREATE POLICY parties ON core.alert FOR SELECT TO gate_own USING (
  country = (SELECT gate.country())
  OR issued_at IS NOT NULL AND CASE WHEN countries IS NULL
    THEN EXISTS (SELECT FROM core.country k WHERE k.code = (SELECT gate.country()) AND k.status = 'member')
    ELSE (SELECT gate.country()) = ANY (countries) END);
CREATE POLICY kept ON core.alert TO sarhad_owner USING (country = gate.country()) WITH CHECK (country = gate.country());
GRANT SELECT ON core.country TO gate_own;
CREATE POLICY rests ON core.alert_basis FOR SELECT TO gate_own USING (
  EXISTS (SELECT FROM core.alert a WHERE a.id = alert_basis.alert_id));
-- a foreign key is checked as the owner of the table it points to
CREATE POLICY referred ON core.alert FOR SELECT TO sarhad_owner USING (true);
-- how strictly an alert is handled follows from the records it rests on
GRANT SELECT (handling) ON shared.report TO sarhad_write;
CREATE POLICY kept ON core.alert_basis TO sarhad_owner USING (
  EXISTS (SELECT FROM core.alert a WHERE a.id = alert_basis.alert_id));

-- To its own country, and to whom it is addressed as long as they may see all that it rests on.
CREATE VIEW shared.alert AS
  SELECT a.id, a.country, a.agency, a.rule, a.substance, a.title, a.text, a.state, a.level, a.handling, a.countries,
    a.issued_at, a.ended_at, a.reason, a.reviewed_at,
    CASE WHEN a.country = (SELECT gate.country()) THEN a.reviewed_by END AS reviewed_by,
    CASE WHEN a.country = (SELECT gate.country()) THEN a.candidate_id END AS candidate_id,
    ARRAY(SELECT b.record_id FROM core.alert_basis b WHERE b.alert_id = a.id ORDER BY 1) AS records
  FROM core.alert a
  WHERE NOT EXISTS (SELECT FROM core.alert_basis b WHERE b.alert_id = a.id AND NOT EXISTS (
    SELECT FROM shared.report r WHERE r.record_id = b.record_id AND r.mask & b.needs = b.needs));
ALTER VIEW shared.alert OWNER TO gate_own;
GRANT SELECT ON shared.alert TO sarhad_read, sarhad_write;

-- How many a country issued is counted whatever its officers may see of them.
CREATE VIEW shared.own_alert AS
  SELECT id, agency, state, reviewed_by, issued_at FROM core.alert WHERE country = (SELECT gate.country());
ALTER VIEW shared.own_alert OWNER TO gate_own;
GRANT SELECT ON shared.own_alert TO sarhad_write;
CREATE POLICY written ON core.alert_basis FOR INSERT TO sarhad_write WITH CHECK (
  EXISTS (SELECT FROM shared.own_alert a WHERE a.id = alert_basis.alert_id));

CREATE POLICY acknowledged ON core.alert_answer FOR INSERT TO sarhad_write WITH CHECK (
  country = (SELECT gate.country()) AND acknowledged_by = (SELECT gate.key()) AND feedback_at IS NULL
  AND EXISTS (SELECT FROM shared.alert a WHERE a.id = alert_answer.alert_id AND a.country = alert_answer.issuer
    AND a.issued_at IS NOT NULL));
CREATE POLICY parties ON core.alert_answer FOR SELECT TO gate_own USING (
  country = (SELECT gate.country()) OR issuer = (SELECT gate.country()));
CREATE POLICY kept ON core.alert_answer TO sarhad_owner USING (country = gate.country());
CREATE VIEW shared.alert_answer AS
  SELECT alert_id, country, acknowledged_agency, acknowledged_at, action, useful, feedback_at FROM core.alert_answer;
ALTER VIEW shared.alert_answer OWNER TO gate_own;
GRANT SELECT ON shared.alert_answer TO sarhad_read, sarhad_write;

-- A reviewed alert of the caller's country is issued, by another hand than the one that reviewed it.
CREATE FUNCTION gate.issue_alert(wanted uuid, of_level text, of_handling text, to_countries text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT gate.roles() && ARRAY['policy_officer', 'coordinator'] THEN
    RAISE EXCEPTION 'only a policy officer or the coordinator issues';
  END IF;
  UPDATE core.alert a SET state = 'issued', level = of_level, handling = of_handling, countries = to_countries,
      issued_by = gate.key(), issued_at = gate.alert_turn()
    WHERE a.id = wanted AND a.country = gate.country() AND a.state = 'reviewed'
      AND NOT gate.one_hand(a.reviewed_by, gate.key());
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.end_alert(wanted uuid, becoming text, because text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.alert a SET state = becoming, reason = because, ended_by = gate.key(), ended_at = gate.alert_turn()
    WHERE a.id = wanted AND a.country = gate.country() AND a.state IN ('issued', 'reviewed')
      AND (becoming = 'retracted' OR a.state = 'issued');
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.alert_feedback(wanted uuid, doing text, of_use boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.alert_answer x SET action = doing, useful = of_use, feedback_by = gate.key(), feedback_at = now()
    WHERE x.alert_id = wanted AND x.country = gate.country();
  RETURN FOUND;
END $$;

-- Issued alerts come into the inboxes of those who may see them: once, whenever that begins.
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
    WHERE c.country = of_country AND c.purpose <> '' AND c.trial IS NULL AND gate.has_eyes(c.agency, c.roles)
    ORDER BY c.agency, c.id
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
