"""Saved questions: who asks what, with whom the question is shared, when it is asked again, and what it last said.

Shared is the question, never an answer: whoever asks it gets what is given to itself.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

TABLE = """
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
  FROM (SELECT *, key_id = (SELECT gate.key()) AS mine FROM core.question) q;
ALTER VIEW shared.question OWNER TO gate_own;
GRANT SELECT ON shared.question TO sarhad_read, sarhad_write;

CREATE POLICY kept ON core.question FOR SELECT TO sarhad_owner USING (true);
CREATE POLICY moved ON core.question FOR UPDATE TO sarhad_owner USING (true) WITH CHECK (true);
CREATE POLICY dropped ON core.question FOR DELETE TO sarhad_owner USING (true);
"""
# Each acts on a question of the key in whose context it is called; the last one gives those whose time has come, once.
FUNCTIONS = """
CREATE FUNCTION gate.change_question(question uuid, named text, sharing text, scheduling text, at_least numeric,
  again timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.question q SET name = named, shared = sharing, schedule = scheduling, threshold = at_least,
      next_at = again
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
CREATE FUNCTION gate.due_questions() RETURNS TABLE (id uuid, key_id text, purpose text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY UPDATE core.question q SET next_at = now()
      + CASE q.schedule WHEN 'daily' THEN interval '1 day' WHEN 'weekly' THEN interval '7 days'
          ELSE interval '1 month' END
    WHERE q.next_at <= now() RETURNING q.id, q.key_id, q.purpose;
END $$;
"""
NAMES = (
    "gate.change_question(uuid, text, text, text, numeric, timestamptz)",
    "gate.drop_question(uuid)",
    "gate.last_told(uuid)",
    "gate.tell_question(uuid, jsonb, boolean)",
    "gate.due_questions()",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql(TABLE)
    connection.exec_driver_sql(FUNCTIONS)
    for name in NAMES:
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {name} TO sarhad_write")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
