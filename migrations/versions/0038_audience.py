"""Who is told of a link: also parties that have never read anything, or not since what they are given has changed.

Whom a link may be told to is judged by what is compiled for its parties' contexts. An agency that only files has none
for any purpose, and one that was compiled lapses when a rule begins or ends: both are compiled before they are judged.
"""

from alembic import op

revision = "0038"
down_revision = "0037"

READY = """
-- The contexts in which these agencies could read: those there are, compiled where they have lapsed; of an agency that
-- has not read for any purpose, those of its valid keys for each purpose there is.
CREATE FUNCTION gate.ready(agencies text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate, core SET lock_timeout = '1s' AS $$
DECLARE
  lapsed integer[];
BEGIN
  IF EXISTS (SELECT FROM unnest(agencies) AS a(code) WHERE NOT EXISTS (
      SELECT FROM gate.context c WHERE c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL)) THEN
    PERFORM gate.share();
    INSERT INTO gate.context (country, agency, roles, purpose)
      SELECT DISTINCT a.country, a.code, h.roles, p.purpose
      FROM core.agency a
      JOIN core.agency_key k ON k.agency = a.code AND k.use = 'request-signing' AND k.not_before <= now()
        AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL
      CROSS JOIN LATERAL (
        SELECT gate.reading(ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid)) AS roles) h
      CROSS JOIN unnest(ARRAY['analysis', 'operational', 'forensic', 'health', 'statistics']) AS p(purpose)
      WHERE a.code = ANY (agencies) AND h.roles <> '{}'
        AND NOT EXISTS (
          SELECT FROM gate.context c WHERE c.agency = a.code AND c.purpose <> '' AND c.trial IS NULL)
        -- the places that a country has are for those who ask
        AND (SELECT count(*) < 512 FROM gate.context c WHERE c.country = a.country AND c.trial IS NULL)
      ON CONFLICT DO NOTHING;
  END IF;
  SELECT array_agg(c.id) INTO lapsed FROM gate.context c LEFT JOIN gate.compiled k ON k.context_id = c.id
    WHERE c.agency = ANY (agencies) AND c.purpose <> '' AND c.trial IS NULL
      AND (k.context_id IS NULL OR k.until <= now() OR k.stopped <> gate.stops(c.country, c.agency, NULL));
  IF lapsed IS NOT NULL THEN
    PERFORM gate.share();
    PERFORM gate.compile(lapsed);
  END IF;
END $$;
REVOKE ALL ON FUNCTION gate.ready(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.ready(text[]) TO gate_linker;

-- Which agencies among the parties see these links, in any role and for any purpose: to nobody else may anything be
-- said of them.
CREATE OR REPLACE FUNCTION gate.link_audience(links uuid[]) RETURNS TABLE (agency text, relation text, number bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  PERFORM gate.ready(ARRAY(SELECT DISTINCT p.party FROM link k CROSS JOIN LATERAL (VALUES (k.a_agency), (k.b_agency))
    AS p(party) WHERE k.id = ANY (links)));
  RETURN QUERY SELECT s.agency, s.relation, count(*) FROM (
    SELECT DISTINCT c.agency, k.relation, k.id
    FROM link k
    JOIN gate.context c ON c.agency IN (k.a_agency, k.b_agency) AND c.trial IS NULL
    JOIN gate.compiled m ON m.context_id = c.id AND m.until > now()
      AND m.stopped = (SELECT coalesce(array_agg(x.id ORDER BY x.id), '{}') FROM suspension x
        WHERE x.lifted_at IS NULL AND x.owner <> c.country AND x.towards_key IS NULL
          AND (x.towards_country IS NULL OR x.towards_country = c.country)
          AND (x.towards_agency IS NULL OR x.towards_agency = c.agency))
    WHERE k.id = ANY (links)
      AND m.masks[k.a_scope + 1] & (k.base | (1 << 26)) = k.base | (1 << 26)
      AND m.masks[k.b_scope + 1] & (k.base | (1 << 26)) = k.base | (1 << 26)
      AND (m.delays[k.a_scope + 1] = 0 OR k.a_month + m.delays[k.a_scope + 1] <= current_date)
      AND (m.delays[k.b_scope + 1] = 0 OR k.b_month + m.delays[k.b_scope + 1] <= current_date)
      AND (m.masks[k.a_scope + 1] & (1 << 30) = 0 OR k.a_month - DATE '1970-01-01'
        BETWEEN m.windows_from[k.a_scope + 1] AND m.windows_until[k.a_scope + 1])
      AND (m.masks[k.b_scope + 1] & (1 << 30) = 0 OR k.b_month - DATE '1970-01-01'
        BETWEEN m.windows_from[k.b_scope + 1] AND m.windows_until[k.b_scope + 1])
      AND link_weight(m.masks[k.a_scope + 1] & m.masks[k.b_scope + 1], k.facets, k.weights) >= k.least
  ) s GROUP BY s.agency, s.relation ORDER BY s.agency, s.relation;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.get_bind().exec_driver_sql(READY)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
