"""What is taken away: exports, saved questions, and the packs that a country reports to international bodies.

An export is seen by the key that asked for it and by nobody else. Of a question that is shared the question is, never
an answer: whoever asks it gets what is given to itself. A pack is seen by its country alone, and frozen once approved.
"""

from alembic import op

from migrations.scripts import run

revision = "0023"
down_revision = "0022"

EXPORTS = """
CREATE TABLE core.export (
  id uuid NOT NULL,
  key_id text NOT NULL CONSTRAINT export_key_id_fkey REFERENCES core.agency_key (kid),
  country char(2) NOT NULL,
  agency text NOT NULL CONSTRAINT export_agency_fkey REFERENCES core.agency (code),
  purpose text NOT NULL,
  case_reference text,
  subject text NOT NULL,
  format text NOT NULL,
  question jsonb NOT NULL,
  asked bytea NOT NULL,
  state text NOT NULL DEFAULT 'queued',
  made_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz NOT NULL,
  so_far integer NOT NULL DEFAULT 0,
  policy text NOT NULL DEFAULT '',
  size bigint,
  digest bytea,
  provenance jsonb,
  refusal jsonb,
  CONSTRAINT export_pkey PRIMARY KEY (id),
  CONSTRAINT export_state_check
    CHECK (state IN ('queued', 'running', 'ready', 'refused', 'failed', 'deleted', 'expired')),
  CONSTRAINT export_ready_check CHECK ((state IN ('ready', 'deleted', 'expired') OR size IS NULL)
    AND (state <> 'ready' OR size IS NOT NULL AND digest IS NOT NULL AND provenance IS NOT NULL))
);
CREATE INDEX export_key_id_made_at_id_idx ON core.export (key_id, made_at, id);
CREATE INDEX export_country_expires_at_idx ON core.export (country, expires_at);
CREATE INDEX export_country_made_at_idx ON core.export (country, made_at);
ALTER TABLE core.export ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.export TO sarhad_write;
CREATE POLICY asked ON core.export FOR INSERT TO sarhad_write WITH CHECK (
  key_id = (SELECT gate.key()) AND country = (SELECT gate.country()) AND agency = (SELECT gate.agency())
  AND state = 'queued');

GRANT SELECT ON core.export TO gate_own;
CREATE POLICY own_key ON core.export FOR SELECT TO gate_own USING (key_id = (SELECT gate.key()));
CREATE VIEW shared.export AS SELECT * FROM core.export;
ALTER VIEW shared.export OWNER TO gate_own;
GRANT SELECT ON shared.export TO sarhad_read, sarhad_write;

CREATE POLICY own_key_moves ON core.export FOR SELECT TO sarhad_owner USING (true);
CREATE POLICY moved ON core.export FOR UPDATE TO sarhad_owner USING (true) WITH CHECK (true);
CREATE POLICY forgotten ON core.export FOR DELETE TO sarhad_owner USING (state IN ('deleted', 'expired'));
"""

MOVES = """
-- Each moves exports of the key in whose context it is called; the last one those whose time is over.
CREATE FUNCTION gate.begin_export(export uuid, under text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'running', started_at = coalesce(e.started_at, now()), so_far = 0, policy = under
    WHERE e.id = export AND e.key_id = gate.key() AND e.state IN ('queued', 'running') AND e.expires_at > now();
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.progress_export(export uuid, rows_so_far integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET so_far = rows_so_far
    WHERE e.id = export AND e.key_id = gate.key() AND e.state = 'running';
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.finish_export(export uuid, becoming text, rows_so_far integer, bytes bigint, sha256 bytea,
  sheet jsonb, refused jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = becoming, finished_at = now(), so_far = rows_so_far, size = bytes, digest = sha256,
      provenance = sheet, refusal = refused
    WHERE e.id = export AND e.key_id = gate.key() AND e.state IN ('queued', 'running')
      AND becoming IN ('ready', 'refused', 'failed');
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.delete_export(export uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'deleted'
    WHERE e.id = export AND e.key_id = gate.key() AND e.state <> 'deleted';
  RETURN FOUND;
END $$;
-- Which of these have a file that is still to be kept, once those whose time is over have been given up.
CREATE FUNCTION gate.keep_exports(files uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'expired' WHERE e.expires_at <= now() AND e.state NOT IN ('expired', 'deleted');
  DELETE FROM core.export e WHERE e.state IN ('deleted', 'expired') AND e.expires_at <= now() - interval '30 days';
  RETURN ARRAY(SELECT e.id FROM core.export e WHERE e.id = ANY (files) AND e.state IN ('queued', 'running', 'ready'));
END $$;
-- What the exports of a country come to together: how many are under way, how much is kept, until when at least.
CREATE FUNCTION gate.country_exports() RETURNS TABLE (under_way bigint, bytes bigint, frees timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT count(*) FILTER (WHERE e.state IN ('queued', 'running')),
      coalesce(sum(e.size) FILTER (WHERE e.state = 'ready'), 0)::bigint,
      min(e.expires_at) FILTER (WHERE e.state = 'ready')
    FROM core.export e WHERE e.country = gate.country() AND e.expires_at > now();
END $$;
-- When the country asked for exports: deleted ones cost what others do, and count towards how many it may ask for.
CREATE FUNCTION gate.exports_asked() RETURNS TABLE (at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY SELECT e.made_at FROM core.export e
    WHERE e.country = gate.country() AND e.made_at > now() - interval '1 hour';
END $$;
REVOKE ALL ON FUNCTION gate.begin_export(uuid, text), gate.progress_export(uuid, integer),
  gate.finish_export(uuid, text, integer, bigint, bytea, jsonb, jsonb), gate.delete_export(uuid),
  gate.keep_exports(uuid[]), gate.country_exports(),
  gate.exports_asked() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.begin_export(uuid, text), gate.progress_export(uuid, integer),
  gate.finish_export(uuid, text, integer, bigint, bytea, jsonb, jsonb), gate.delete_export(uuid),
  gate.keep_exports(uuid[]), gate.country_exports(),
  gate.exports_asked() TO sarhad_write;
"""

QUESTIONS = """
CREATE TABLE core.question (
  id uuid NOT NULL,
  key_id text NOT NULL CONSTRAINT question_key_id_fkey REFERENCES core.agency_key (kid),
  country char(2) NOT NULL,
  agency text NOT NULL CONSTRAINT question_agency_fkey REFERENCES core.agency (code),
  purpose text NOT NULL,
  name text NOT NULL,
  asks jsonb NOT NULL,
  shared text NOT NULL,
  schedule text,
  threshold numeric,
  made_at timestamptz NOT NULL DEFAULT now(),
  next_at timestamptz,
  told_at timestamptz,
  changed_at timestamptz,
  told jsonb,
  asked_at timestamptz,
  CONSTRAINT question_pkey PRIMARY KEY (id),
  CONSTRAINT question_shared_check CHECK (shared IN ('key', 'agency', 'country', 'members')),
  CONSTRAINT question_schedule_check CHECK (schedule IN ('daily', 'weekly', 'monthly')),
  CONSTRAINT question_next_check CHECK ((schedule IS NULL) = (next_at IS NULL))
);
CREATE INDEX question_next_at_idx ON core.question (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX question_key_id_made_at_id_idx ON core.question (key_id, made_at, id);
ALTER TABLE core.question ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.question TO sarhad_write;
CREATE POLICY asked ON core.question FOR INSERT TO sarhad_write WITH CHECK (
  key_id = (SELECT gate.key()) AND country = (SELECT gate.country()) AND agency = (SELECT gate.agency())
  AND told IS NULL);

GRANT SELECT ON core.question TO gate_own;
CREATE POLICY shared ON core.question FOR SELECT TO gate_own USING (
  key_id = (SELECT gate.key())
  OR shared = 'agency' AND agency = (SELECT gate.agency())
  OR shared = 'country' AND country = (SELECT gate.country())
  OR shared = 'members' AND (SELECT gate.country()) IN (SELECT c.code FROM core.country c WHERE c.status = 'member'));
GRANT SELECT ON core.country TO gate_own;
-- What is told of schedules and changes is the asker's alone, for it rests on what only the asker was given.
CREATE VIEW shared.question AS
  SELECT q.id, q.agency, q.purpose, q.name, q.asks, q.shared, q.made_at, q.mine,
    CASE WHEN q.mine THEN q.schedule END AS schedule, CASE WHEN q.mine THEN q.threshold END AS threshold,
    CASE WHEN q.mine THEN q.next_at END AS next_at, CASE WHEN q.mine THEN q.told_at END AS told_at,
    CASE WHEN q.mine THEN q.changed_at END AS changed_at
  FROM (SELECT id, key_id, country, agency, purpose, name, asks, shared, schedule, threshold, made_at, next_at, told_at,
    changed_at, told, key_id = (SELECT gate.key()) AS mine FROM core.question) q;
ALTER VIEW shared.question OWNER TO gate_own;
GRANT SELECT ON shared.question TO sarhad_read, sarhad_write;

CREATE POLICY kept ON core.question FOR SELECT TO sarhad_owner USING (true);
CREATE POLICY moved ON core.question FOR UPDATE TO sarhad_owner USING (true) WITH CHECK (true);
CREATE POLICY dropped ON core.question FOR DELETE TO sarhad_owner USING (true);
"""

ACTS = """
CREATE FUNCTION core.question_period(schedule text) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT CASE schedule WHEN 'daily' THEN interval '1 day' WHEN 'weekly' THEN interval '7 days'
    ELSE interval '1 month' END
$$;

-- Each acts on a question of the key in whose context it is called; the last one gives those whose time has come, once.
-- A question is asked once a period, however often its schedule is said: `again` then, or when the period since it was
-- asked is over.
CREATE FUNCTION gate.change_question(question uuid, named text, sharing text, scheduling text,
  at_least numeric, again timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.question q SET name = named, shared = sharing, schedule = scheduling, threshold = at_least,
      next_at = CASE WHEN again IS NOT NULL THEN greatest(again, q.asked_at + core.question_period(scheduling)) END
    WHERE q.id = question AND q.key_id = gate.key();
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.drop_question(question uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM core.question q WHERE q.id = question AND q.key_id = gate.key();
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.last_told(question uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN (SELECT q.told FROM core.question q WHERE q.id = question AND q.key_id = gate.key());
END $$;
CREATE FUNCTION gate.tell_question(question uuid, saying jsonb, changed boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.question q SET told = saying, told_at = now(),
      changed_at = CASE WHEN changed THEN now() ELSE q.changed_at END
    WHERE q.id = question AND q.key_id = gate.key();
  RETURN FOUND;
END $$;
-- How many questions of the caller's country are scheduled, but for one.
CREATE FUNCTION gate.scheduled_questions(but uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN (SELECT count(*) FROM core.question q
    WHERE q.country = gate.country() AND q.next_at IS NOT NULL AND q.id IS DISTINCT FROM but);
END $$;
CREATE FUNCTION gate.due_questions() RETURNS TABLE (id uuid, key_id text, purpose text, country char(2))
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY UPDATE core.question q SET asked_at = now(), next_at = now() + core.question_period(q.schedule)
    FROM (SELECT d.id, row_number() OVER (PARTITION BY d.country ORDER BY d.next_at, d.id) AS place
      FROM core.question d WHERE d.next_at <= now()) due
    WHERE q.id = due.id AND due.place <= 20 RETURNING q.id, q.key_id, q.purpose, q.country;
END $$;
REVOKE ALL ON FUNCTION gate.change_question(uuid, text, text, text, numeric, timestamptz), gate.drop_question(uuid),
  gate.last_told(uuid), gate.tell_question(uuid, jsonb, boolean), gate.due_questions(),
  core.question_period(text), gate.scheduled_questions(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.change_question(uuid, text, text, text, numeric, timestamptz), gate.drop_question(uuid),
  gate.last_told(uuid), gate.tell_question(uuid, jsonb, boolean), gate.due_questions(),
  gate.scheduled_questions(uuid) TO sarhad_write;
"""

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
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(EXPORTS, MOVES, QUESTIONS, ACTS, PACKS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
