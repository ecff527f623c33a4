"""Early warning: standing orders of agencies, candidates in their eyes, issued alerts, and what was delivered.

A candidate is what a rule found among what one reader may see, and is shown to that reader's agency while it may still
see it. An alert rests on records; it reaches who is addressed and may see every one of them, in the facets it rests on.
Row security and the views below judge that at each reading, so what is taken back is taken back from alerts too.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

ORDERS = """
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
CREATE VIEW shared.subscription AS
  SELECT id, country, agency, key_id, purpose, name, rules, groups, delivery, url, ordered_at, ended_at
  FROM core.subscription;
ALTER VIEW shared.subscription OWNER TO gate_own;
GRANT SELECT ON shared.subscription TO sarhad_read, sarhad_write;

CREATE FUNCTION gate.end_subscription(wanted uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.subscription s SET ended_at = now(), ended_by = gate.key()
    WHERE s.id = wanted AND s.agency = gate.agency() AND s.country = gate.country() AND s.ended_at IS NULL;
  RETURN FOUND;
END $$;
-- Whose eyes are to look: for the role that may mint their context, and nothing of what they ordered.
CREATE FUNCTION gate.watchers() RETURNS TABLE (id uuid, key_id text, purpose text, delivery text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.key_id, s.purpose, s.delivery FROM core.subscription s
    WHERE s.ended_at IS NULL ORDER BY s.ordered_at, s.id;
END $$;
-- Whether anybody watches at all: asked with every report that is filed.
CREATE FUNCTION gate.watched() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN EXISTS (SELECT FROM core.subscription s WHERE s.ended_at IS NULL);
END $$;
"""

CANDIDATES = """
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
-- What rests on a record is shown while the record is, in the facets it rests on; what rests on figures, while the
-- policies are those under which they were counted.
CREATE VIEW shared.alert_candidate AS
  SELECT c.id, c.agency, c.purpose, c.rule, c.key, c.substance, c.record_id, c.facts, c.at, c.state, c.settled_at
  FROM core.alert_candidate c
  WHERE (c.record_id IS NULL OR EXISTS (
      SELECT FROM shared.report r WHERE r.record_id = c.record_id AND r.mask & c.needs = c.needs))
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
"""

ALERTS = """
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

CREATE VIEW shared.own_alert AS
  SELECT id, agency, state, reviewed_by FROM core.alert WHERE country = (SELECT gate.country());
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

-- A reviewed alert of the caller's country is issued, with another key than the one that reviewed it.
CREATE FUNCTION gate.issue_alert(wanted uuid, of_level text, of_handling text, to_countries text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  IF NOT gate.roles() && ARRAY['policy_officer', 'coordinator'] THEN
    RAISE EXCEPTION 'only a policy officer or the coordinator issues';
  END IF;
  UPDATE core.alert a SET state = 'issued', level = of_level, handling = of_handling, countries = to_countries,
      issued_by = gate.key(), issued_at = gate.alert_turn()
    WHERE a.id = wanted AND a.country = gate.country() AND a.state = 'reviewed' AND a.reviewed_by <> gate.key();
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
"""

DELIVERIES = """
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
REVOKE ALL ON FUNCTION gate.end_subscription(uuid), gate.watchers(), gate.watched(), gate.alert_turn(),
  gate.settle_candidate(uuid, text), gate.issue_alert(uuid, text, text, text[]), gate.end_alert(uuid, text, text),
  gate.alert_feedback(uuid, text, boolean), gate.delivered(uuid, text, uuid, text, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.watchers() TO sarhad_authn;
GRANT EXECUTE ON FUNCTION gate.end_subscription(uuid), gate.watched(), gate.alert_turn(),
  gate.settle_candidate(uuid, text), gate.issue_alert(uuid, text, text, text[]), gate.end_alert(uuid, text, text),
  gate.alert_feedback(uuid, text, boolean), gate.delivered(uuid, text, uuid, text, integer, text) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (ORDERS, CANDIDATES, ALERTS, DELIVERIES):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
