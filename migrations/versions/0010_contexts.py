"""Contexts: the tokens that choose one, what a context's reader is given, suspensions, trials, and whose eyes are open.

The SQL of tokens, suspensions and trials stands in `sql/0010_*.sql`.
"""

from alembic import op

from migrations.given import LEVEL
from migrations.scripts import read, run

revision = "0010"
down_revision = "0009"

EYES = """
-- The eyes of an agency are those of a key in force, or of an officer who will sign in again. Contexts stay for ever:
-- also those of keys that were revoked, of agencies and officers that have ended.
CREATE FUNCTION gate.has_eyes(of_agency text, of_roles text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN EXISTS (SELECT FROM core.agency_key k WHERE k.agency = of_agency AND k.use = 'request-signing'
      AND gate.in_force(k)
      AND gate.reading(ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid)) = of_roles)
    OR EXISTS (SELECT FROM core.person p WHERE p.agency = of_agency AND p.ended_at IS NULL
      AND gate.reading(p.roles) = of_roles);
END $$;

-- The contexts in which these agencies could read: those there are, compiled where they have lapsed; of an agency that
-- has not read for any purpose, those of its keys in force for each purpose there is. An agency that only files has
-- none for any purpose, and what was compiled lapses when a rule begins or ends; through eyes that nobody has any more
-- nobody is told of anything.
CREATE FUNCTION gate.ready(agencies text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate, core SET lock_timeout = '1s' AS $$
DECLARE
  lapsed integer[];
BEGIN
  IF EXISTS (SELECT FROM unnest(agencies) AS a(code) WHERE NOT EXISTS (
      SELECT FROM gate.context c WHERE c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL
        AND gate.has_eyes(c.agency, c.roles))) THEN
    PERFORM gate.share();
    INSERT INTO gate.context (country, agency, roles, purpose)
      SELECT DISTINCT a.country, a.code, h.roles, p.purpose
      FROM core.agency a
      JOIN core.agency_key k ON k.agency = a.code AND k.use = 'request-signing' AND gate.in_force(k)
      CROSS JOIN LATERAL (
        SELECT gate.reading(ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid)) AS roles) h
      CROSS JOIN unnest(ARRAY['analysis', 'operational', 'forensic', 'health', 'statistics']) AS p(purpose)
      WHERE a.code = ANY (agencies) AND h.roles <> '{}'
        AND NOT EXISTS (
          SELECT FROM gate.context c WHERE c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL
            AND gate.has_eyes(c.agency, c.roles))
        -- the places that a country has are for those who ask
        AND (SELECT count(*) < 512 FROM gate.context c WHERE c.country = a.country AND c.trial IS NULL)
      ON CONFLICT DO NOTHING;
  END IF;
  SELECT array_agg(c.id) INTO lapsed FROM gate.context c LEFT JOIN gate.compiled k ON k.context_id = c.id
    WHERE c.agency = ANY (agencies) AND c.purpose <> '' AND c.trial IS NULL AND gate.has_eyes(c.agency, c.roles)
      AND (k.context_id IS NULL OR k.until <= now() OR k.stopped <> gate.stops(c.country, c.agency, NULL));
  IF lapsed IS NOT NULL THEN
    PERFORM gate.share();
    PERFORM gate.compile(lapsed);
  END IF;
END $$;
"""

# A page in the order of time reads rows until it is full. Of an owner that gives a reader nothing it would read every
# row and take as long as that owner has records: half a minute at some millions, and a measure of how many there are.
# Of one that gives a hundred of a million it would read a million. Where the scopes that give are few, a page is sought
# by them: the planner knows how many records a scope has.
GIVING = f"""
-- Who gives the context's reader anything at a level of time or place; by owner, the ids of the scopes that do, or null
-- where these are more than `most`.
CREATE FUNCTION gate.giving(most integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  given integer[] := gate.masks();
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(o.owner, o.scopes), '{{}}') FROM (
    SELECT s.owner, CASE WHEN count(*) <= most THEN jsonb_agg(s.id ORDER BY s.id) END AS scopes FROM gate.scope s
      WHERE given[s.id + 1] & {sum(LEVEL.values())} <> 0 GROUP BY s.owner) o);
END $$;
"""

RIGHTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.duties(), gate.windows_from(), gate.windows_until(), gate.agency(), gate.key(),
  gate.roles() TO sarhad_read, sarhad_write, gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell,
  gate_items, gate_reference, gate_own;
GRANT EXECUTE ON FUNCTION gate.giving(integer) TO sarhad_read, sarhad_write;
GRANT EXECUTE ON FUNCTION gate.ready(text[]), gate.has_eyes(text, text[]) TO gate_linker;
GRANT EXECUTE ON FUNCTION gate.renew(), gate.suspend(text, text, text, text, text, text), gate.lift(uuid, text),
  gate.preview(text, text, text[], text, text, jsonb),
  gate.trial_masks(text, text, text[], text, text, jsonb, timestamptz), gate.end_trial() TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(read("0010_tokens"), read("0010_suspensions"), read("0010_trials"), EYES, GIVING, RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
