"""Notices, requests to originators, rules of single records, and recalls.

Each row is for its parties alone: row security shows a notice to whom it is addressed, a request to the owner of the
record and to the agency that asked, a recall to the owner, and to each recipient its own part of it.
"""

from alembic import op

from migrations.scripts import run

revision = "0013"
down_revision = "0012"

NOTICES = """
CREATE TABLE core.notice (
  id uuid NOT NULL,
  from_country char(2),
  to_country char(2) NOT NULL CONSTRAINT notice_to_country_fkey REFERENCES core.country (code),
  to_agency text CONSTRAINT notice_to_agency_fkey REFERENCES core.agency (code),
  kind text NOT NULL,
  subject text NOT NULL,
  facts jsonb NOT NULL,
  at timestamptz NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by text,
  CONSTRAINT notice_pkey PRIMARY KEY (id),
  CONSTRAINT notice_to_agency_check CHECK (to_agency IS NULL OR left(to_agency, 2) = to_country),
  CONSTRAINT notice_acknowledged_check CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE INDEX notice_to_country_at_id_idx ON core.notice (to_country, at, id);
CREATE INDEX notice_subject_idx ON core.notice (subject) WHERE acknowledged_at IS NULL;
ALTER TABLE core.notice ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Who writes says truly from where: a country, or nobody where no context is (a task of the service itself).
GRANT INSERT ON core.notice TO sarhad_write;
CREATE POLICY written ON core.notice FOR INSERT TO sarhad_write
  WITH CHECK (from_country IS NOT DISTINCT FROM (SELECT gate.country()) AND acknowledged_at IS NULL);

GRANT SELECT ON core.notice TO gate_own;
CREATE POLICY addressed ON core.notice FOR SELECT TO gate_own USING (
  to_country = (SELECT gate.country()) AND (to_agency IS NULL OR to_agency = (SELECT gate.agency())));
CREATE VIEW shared.notice AS
  SELECT id, from_country, to_country, to_agency, kind, subject, facts, at, acknowledged_at, acknowledged_by
  FROM core.notice;
ALTER VIEW shared.notice OWNER TO gate_own;
GRANT SELECT ON shared.notice TO sarhad_read, sarhad_write;

CREATE POLICY addressed_to_be_acknowledged ON core.notice FOR SELECT TO sarhad_owner USING (
  to_country = (SELECT gate.country()) AND (to_agency IS NULL OR to_agency = (SELECT gate.agency())));
CREATE POLICY acknowledged ON core.notice FOR UPDATE TO sarhad_owner
  USING (acknowledged_at IS NULL) WITH CHECK (acknowledged_at IS NOT NULL);
-- The one update: what is addressed to the caller is acknowledged, one notice or all those of one subject.
-- What an officer did alone another hand takes note of.
CREATE FUNCTION gate.acknowledge_notices(notice_id uuid, about text, acknowledging text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  changed integer;
BEGIN
  UPDATE core.notice n SET acknowledged_at = now(), acknowledged_by = acknowledging
    WHERE n.acknowledged_at IS NULL AND (n.id = notice_id OR n.subject = about)
      AND n.to_country = gate.country() AND (n.to_agency IS NULL OR n.to_agency = gate.agency())
      AND NOT (n.kind IN ('record-granted', 'record-released') AND gate.one_hand(n.facts ->> 'by', acknowledging));
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END $$;
REVOKE ALL ON FUNCTION gate.acknowledge_notices(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.acknowledge_notices(uuid, text, text) TO sarhad_write;
"""

REQUESTS = """
CREATE TABLE core.release_request (
  id uuid NOT NULL,
  record_id uuid NOT NULL,
  owner char(2) NOT NULL CONSTRAINT release_request_owner_fkey REFERENCES core.country (code),
  asker_country char(2) NOT NULL,
  asker_agency text NOT NULL CONSTRAINT release_request_asker_agency_fkey REFERENCES core.agency (code),
  asked_by text NOT NULL,
  purpose text NOT NULL,
  case_reference text,
  reason text NOT NULL,
  wanted integer NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  deadline timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open',
  given integer NOT NULL DEFAULT 0,
  given_until timestamptz,
  duties integer NOT NULL DEFAULT 0,
  refusal text,
  said text,
  settled_at timestamptz,
  settled_by text,
  CONSTRAINT release_request_pkey PRIMARY KEY (id),
  CONSTRAINT release_request_state_check CHECK (state IN ('open', 'answered', 'refused', 'withdrawn')),
  CONSTRAINT release_request_settled_check CHECK ((state = 'open') = (settled_at IS NULL)),
  CONSTRAINT release_request_given_check CHECK (
    (state = 'answered') = (given <> 0) AND (given <> 0) = (given_until IS NOT NULL) AND given & ~wanted = 0),
  CONSTRAINT release_request_refusal_check CHECK ((state = 'refused') = (refusal IS NOT NULL)),
  CONSTRAINT release_request_asker_agency_check CHECK (left(asker_agency, 2) = asker_country AND asker_country <> owner)
);
-- one question at a time about one record, for one purpose
CREATE UNIQUE INDEX release_request_open_idx ON core.release_request (asker_agency, record_id, purpose)
  WHERE state = 'open';
CREATE INDEX release_request_owner_asked_at_id_idx ON core.release_request (owner, asked_at, id);
CREATE INDEX release_request_asker_agency_asked_at_id_idx ON core.release_request (asker_agency, asked_at, id);
ALTER TABLE core.release_request ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.release_request TO sarhad_write;
CREATE POLICY asked ON core.release_request FOR INSERT TO sarhad_write WITH CHECK (
  asker_country = (SELECT gate.country()) AND asker_agency = (SELECT gate.agency()) AND state = 'open');

GRANT SELECT ON core.release_request TO gate_own;
CREATE POLICY parties ON core.release_request FOR SELECT TO gate_own USING (
  owner = (SELECT gate.country())
  OR asker_country = (SELECT gate.country()) AND asker_agency = (SELECT gate.agency()));
CREATE VIEW shared.release_request AS
  SELECT id, record_id, owner, asker_country, asker_agency, purpose, case_reference, reason, wanted, asked_at, deadline,
    state, given, given_until, duties, refusal, said, settled_at FROM core.release_request;
ALTER VIEW shared.release_request OWNER TO gate_own;
GRANT SELECT ON shared.release_request TO sarhad_read, sarhad_write;

-- What an asker is given of the record it names, seen from the transaction that writes the request.
GRANT SELECT (record_id, country, mask) ON shared.report TO sarhad_write;

CREATE POLICY parties_settle ON core.release_request FOR SELECT TO sarhad_owner USING (
  owner = (SELECT gate.country()) OR asker_country = (SELECT gate.country()));
CREATE POLICY settled ON core.release_request FOR UPDATE TO sarhad_owner
  USING (state = 'open') WITH CHECK (state <> 'open');
-- An open request ends once: withdrawn by the agency that asked, answered or refused by the owner. False: not open.
CREATE FUNCTION gate.settle_request(request uuid, becoming text, giving integer, until timestamptz, obliging integer,
  refusing text, saying text, settling text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.release_request r SET state = becoming, given = giving, given_until = until, duties = obliging,
      refusal = refusing, said = saying, settled_at = now(), settled_by = settling
    WHERE r.id = request AND r.state = 'open'
      AND CASE WHEN becoming = 'withdrawn'
        THEN r.asker_country = gate.country() AND r.asker_agency = gate.agency()
        ELSE r.owner = gate.country() END;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.settle_request(uuid, text, integer, timestamptz, integer, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.settle_request(uuid, text, integer, timestamptz, integer, text, text, text)
  TO sarhad_write;
"""

RULES = """
CREATE TABLE core.record_rule (
  id uuid NOT NULL,
  record_id uuid NOT NULL,
  owner char(2) NOT NULL CONSTRAINT record_rule_owner_fkey REFERENCES core.country (code),
  kind text NOT NULL,
  countries text[],
  agencies text[],
  purposes text[],
  facets integer NOT NULL,
  duties integer NOT NULL,
  until timestamptz,
  reason text NOT NULL,
  origin text NOT NULL,
  origin_id uuid,
  made_at timestamptz NOT NULL DEFAULT now(),
  made_by text NOT NULL,
  ended_at timestamptz,
  ended_by text,
  CONSTRAINT record_rule_pkey PRIMARY KEY (id),
  CONSTRAINT record_rule_kind_check CHECK (kind IN ('grant', 'block', 'embargo')),
  CONSTRAINT record_rule_origin_check CHECK (origin IN ('sharing', 'request', 'recall')
    AND (origin = 'sharing') = (origin_id IS NULL)),
  CONSTRAINT record_rule_grant_check CHECK ((kind = 'grant') = (facets <> 0) AND (kind = 'grant' OR duties = 0)),
  CONSTRAINT record_rule_until_check CHECK (kind = 'block' OR until IS NOT NULL),
  CONSTRAINT record_rule_audience_check CHECK (CASE kind
    WHEN 'grant' THEN countries IS NOT NULL OR agencies IS NOT NULL
    WHEN 'embargo' THEN countries IS NULL AND agencies IS NULL ELSE true END)
);
CREATE INDEX record_rule_record_id_idx ON core.record_rule (record_id);
CREATE INDEX record_rule_origin_id_idx ON core.record_rule (origin_id);
ALTER TABLE core.record_rule ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.record_rule TO sarhad_write;
CREATE POLICY made ON core.record_rule FOR INSERT TO sarhad_write
  WITH CHECK (owner = (SELECT gate.country()) AND ended_at IS NULL);
GRANT SELECT ON core.record_rule TO gate_own;
CREATE POLICY own ON core.record_rule FOR SELECT TO gate_own USING (owner = (SELECT gate.country()));
CREATE VIEW shared.record_rule AS
  SELECT id, record_id, owner, kind, countries, agencies, purposes, facets, duties, until, reason, origin, origin_id,
    made_at, made_by, ended_at, ended_by FROM core.record_rule;
ALTER VIEW shared.record_rule OWNER TO gate_own;
GRANT SELECT ON shared.record_rule TO sarhad_read, sarhad_write;

CREATE POLICY own_to_be_ended ON core.record_rule FOR SELECT TO sarhad_owner USING (owner = (SELECT gate.country()));
CREATE POLICY ended ON core.record_rule FOR UPDATE TO sarhad_owner
  USING (ended_at IS NULL) WITH CHECK (ended_at IS NOT NULL);
CREATE FUNCTION gate.end_record_rules(rules uuid[], ending text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  changed integer;
BEGIN
  UPDATE core.record_rule r SET ended_at = now(), ended_by = ending
    WHERE r.id = ANY (rules) AND r.ended_at IS NULL AND r.owner = gate.country();
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed;
END $$;
REVOKE ALL ON FUNCTION gate.end_record_rules(uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.end_record_rules(uuid[], text) TO sarhad_write;
"""

RECALLS = """
CREATE TABLE core.recall (
  id uuid NOT NULL,
  owner char(2) NOT NULL CONSTRAINT recall_owner_fkey REFERENCES core.country (code),
  agency text NOT NULL CONSTRAINT recall_agency_fkey REFERENCES core.agency (code),
  records uuid[] NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  deadline timestamptz NOT NULL,
  made_by text NOT NULL,
  CONSTRAINT recall_pkey PRIMARY KEY (id),
  CONSTRAINT recall_records_check CHECK (cardinality(records) > 0)
);
CREATE INDEX recall_owner_at_id_idx ON core.recall (owner, at, id);

-- What one recipient learns of a recall: the records that it has read, and nothing of others.
CREATE TABLE core.recall_recipient (
  recall_id uuid NOT NULL CONSTRAINT recall_recipient_recall_id_fkey REFERENCES core.recall (id),
  agency text NOT NULL CONSTRAINT recall_recipient_agency_fkey REFERENCES core.agency (code),
  country char(2) NOT NULL,
  owner char(2) NOT NULL,
  records uuid[] NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  deadline timestamptz NOT NULL,
  done text,
  legal_reference text,
  said text,
  acknowledged_at timestamptz,
  acknowledged_by text,
  CONSTRAINT recall_recipient_pkey PRIMARY KEY (recall_id, agency),
  CONSTRAINT recall_recipient_agency_check CHECK (left(agency, 2) = country AND country <> owner),
  CONSTRAINT recall_recipient_done_check CHECK (done IN ('deleted', 'kept')
    AND (done IS NULL) = (acknowledged_at IS NULL) AND (done <> 'kept' OR legal_reference IS NOT NULL))
);
CREATE INDEX recall_recipient_agency_at_recall_id_idx ON core.recall_recipient (agency, at, recall_id);

ALTER TABLE core.recall ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE core.recall_recipient ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT INSERT ON core.recall, core.recall_recipient TO sarhad_write;
CREATE POLICY made ON core.recall FOR INSERT TO sarhad_write WITH CHECK (owner = (SELECT gate.country()));
CREATE POLICY made ON core.recall_recipient FOR INSERT TO sarhad_write
  WITH CHECK (owner = (SELECT gate.country()) AND acknowledged_at IS NULL);
GRANT SELECT ON core.recall, core.recall_recipient TO gate_own;
CREATE POLICY own ON core.recall FOR SELECT TO gate_own USING (owner = (SELECT gate.country()));
CREATE POLICY parties ON core.recall_recipient FOR SELECT TO gate_own USING (
  owner = (SELECT gate.country()) OR country = (SELECT gate.country()) AND agency = (SELECT gate.agency()));
-- a foreign key is checked as the owner of the table it points to
CREATE POLICY referred ON core.recall FOR SELECT TO sarhad_owner USING (owner = (SELECT gate.country()));
CREATE VIEW shared.recall AS SELECT id, owner, agency, records, reason, at, deadline FROM core.recall;
CREATE VIEW shared.recall_recipient AS
  SELECT recall_id, agency, country, owner, records, reason, at, deadline, done, legal_reference, said, acknowledged_at
  FROM core.recall_recipient;
ALTER VIEW shared.recall OWNER TO gate_own;
ALTER VIEW shared.recall_recipient OWNER TO gate_own;
GRANT SELECT ON shared.recall, shared.recall_recipient TO sarhad_read, sarhad_write;

CREATE POLICY recipient_acknowledges ON core.recall_recipient FOR SELECT TO sarhad_owner USING (
  country = (SELECT gate.country()) AND agency = (SELECT gate.agency()));
CREATE POLICY acknowledged ON core.recall_recipient FOR UPDATE TO sarhad_owner
  USING (acknowledged_at IS NULL) WITH CHECK (acknowledged_at IS NOT NULL);
CREATE FUNCTION gate.acknowledge_recall(recall uuid, doing text, by_law text, saying text, acknowledging text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.recall_recipient r SET done = doing, legal_reference = by_law, said = saying, acknowledged_at = now(),
      acknowledged_by = acknowledging
    WHERE r.recall_id = recall AND r.agency = gate.agency() AND r.country = gate.country()
      AND r.acknowledged_at IS NULL;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION gate.acknowledge_recall(uuid, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.acknowledge_recall(uuid, text, text, text, text) TO sarhad_write;

-- Who has read the caller's own records, for the one who recalls them: which agency which records, and no more.
GRANT SELECT (owner, country, agency, record_ids) ON core.access TO gate_own;
CREATE POLICY recalled_from ON core.access FOR SELECT TO gate_own
  USING (owner = (SELECT gate.country()) AND country <> owner);
CREATE VIEW shared.recall_reader AS SELECT country, agency, record_ids FROM core.access;
ALTER VIEW shared.recall_reader OWNER TO gate_own;
GRANT SELECT ON shared.recall_reader TO sarhad_write;

-- The caller's own records that stand recalled: the flag on its own answers.
CREATE VIEW shared.recalled AS SELECT DISTINCT record_id FROM core.record_rule
  WHERE origin = 'recall' AND ended_at IS NULL;
ALTER VIEW shared.recalled OWNER TO gate_own;
GRANT SELECT ON shared.recalled TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(NOTICES, REQUESTS, RULES, RECALLS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
