"""A scheduled question is asked once a period, however often its schedule is said; countries have their shares.

Every change of its terms had a question asked at once, and one key's could fill the queue of everybody's.
"""

from alembic import op

revision = "0066"
down_revision = "0065"

ASKED = """
ALTER TABLE core.question ADD COLUMN asked_at timestamptz;
UPDATE core.question SET asked_at = told_at;
CREATE FUNCTION core.question_period(schedule text) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT CASE schedule WHEN 'daily' THEN interval '1 day' WHEN 'weekly' THEN interval '7 days'
    ELSE interval '1 month' END
$$;

-- It is asked `again` then, or when the period since it was asked is over.
CREATE OR REPLACE FUNCTION gate.change_question(question uuid, named text, sharing text, scheduling text,
  at_least numeric, again timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.question q SET name = named, shared = sharing, schedule = scheduling, threshold = at_least,
      next_at = CASE WHEN again IS NOT NULL THEN greatest(again, q.asked_at + core.question_period(scheduling)) END
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

-- Those whose time has come, once; of each country so many at a time, the others at the next.
DROP FUNCTION gate.due_questions();
CREATE FUNCTION gate.due_questions() RETURNS TABLE (id uuid, key_id text, purpose text, country char(2))
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN QUERY UPDATE core.question q SET asked_at = now(), next_at = now() + core.question_period(q.schedule)
    FROM (SELECT d.id, row_number() OVER (PARTITION BY d.country ORDER BY d.next_at, d.id) AS place
      FROM core.question d WHERE d.next_at <= now()) due
    WHERE q.id = due.id AND due.place <= 20 RETURNING q.id, q.key_id, q.purpose, q.country;
END $$;
REVOKE ALL ON FUNCTION core.question_period(text), gate.scheduled_questions(uuid), gate.due_questions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.scheduled_questions(uuid), gate.due_questions() TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.get_bind().exec_driver_sql(ASKED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
