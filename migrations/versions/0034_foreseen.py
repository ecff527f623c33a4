"""What readers of other countries would be given of a record that is about to be filed.

An officer who reports sees, before it signs, whom its country's policy gives what. Of other countries' policies, and of
records that stand, this tells nothing.
"""

from alembic import op

from migrations.scripts import run

revision = "0034"
down_revision = "0033"

FORESEEN = """
-- What analysts of every other member country, of agencies that no rule names, would be given now, for each of the
-- purposes, of a record that the caller's agency files under a scope of its own. The contexts that it makes are gone
-- afterwards, and take no number of those that stay: theirs lie below zero, each country its own 255.
CREATE FUNCTION gate.foreseen(of_scope integer, purposes text[])
RETURNS TABLE (country char(2), purpose text, mask integer, delay integer, window_from integer, window_until integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country();
  eyes integer[];
  below integer := -256 * (256 * ascii(mine) + ascii(right(mine, 1)));
BEGIN
  IF NOT gate.roles() && ARRAY['reporter', 'laboratory'] OR NOT EXISTS (
    SELECT FROM gate.scope s WHERE s.id = of_scope AND s.owner = mine AND s.agency = gate.agency()) THEN
    RAISE EXCEPTION 'what would be given of a record is told to the agency that files it'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  WITH made AS (
    INSERT INTO gate.context (id, country, agency, roles, purpose, trial) OVERRIDING SYSTEM VALUE
      SELECT below - row_number() OVER (), k.code, '', gate.reading(ARRAY['analyst']), p.purpose, mine
      FROM core.country k CROSS JOIN unnest(purposes) p(purpose) WHERE k.status = 'member' AND k.code <> mine
      RETURNING id)
  SELECT coalesce(array_agg(id), '{}') INTO eyes FROM made;
  RETURN QUERY SELECT c.country, c.purpose, v.mask, v.delay, v.window_from, v.window_until
    FROM gate.verdicts(eyes, ARRAY[of_scope], clock_timestamp()) v JOIN gate.context c ON c.id = v.context_id
    WHERE v.mask <> 0 AND NOT EXISTS (
      SELECT FROM core.suspension x JOIN gate.scope s ON s.owner = x.owner
      WHERE s.id = of_scope AND (x.of_agency IS NULL OR s.agency = x.of_agency)
        AND x.id = ANY (gate.stops(c.country, c.agency, NULL)))
    ORDER BY c.country, array_position(purposes, c.purpose);
  DELETE FROM gate.context c WHERE c.id = ANY (eyes);
END $$;
REVOKE ALL ON FUNCTION gate.foreseen(integer, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.foreseen(integer, text[]) TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(FORESEEN)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
