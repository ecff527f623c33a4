-- Profiles of one method that are at least as alike as its calibration asks for. These are found first, and then the
-- reports they are of: the other way round, which a planner that knows nothing of the tables may choose, every report
-- is put beside every other.
CREATE FUNCTION core.find_profile_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off
  SET enable_seqscan = off AS $$
  WITH found AS MATERIALIZED (
    SELECT p.record_id AS one, o.record_id AS other, p.method, 1 - (o.distance ^ 2) / 2 AS r
    FROM profile p
    CROSS JOIN LATERAL (SELECT c.least FROM profile_calibration c WHERE c.method = p.method
      ORDER BY c.version DESC LIMIT 1) c
    CROSS JOIN (SELECT DISTINCT s.owner FROM gate.scope s) w
    -- of each country the nearest by the distance that belongs to r, and none farther away than is proposed
    CROSS JOIN LATERAL (SELECT q.record_id, q.unit OPERATOR(public.<->) p.unit AS distance FROM profile q
      WHERE q.latest AND q.method = p.method AND q.owner = w.owner AND q.record_id <> p.record_id
        AND q.unit OPERATOR(public.<@) public.cube_enlarge(p.unit, sqrt(2 * (1 - c.least)), public.cube_dim(p.unit))
      ORDER BY q.unit OPERATOR(public.<->) p.unit LIMIT {alike_of_country}) o
    WHERE p.record_id = ANY (taken) AND p.latest AND 1 - (o.distance ^ 2) / 2 >= c.least
  ), sided AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, f.method, f.r,
      x.agency AS a_agency, y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope,
      x.month_end AS a_month, y.month_end AS b_month
    FROM (SELECT one, other, method, r FROM found UNION ALL SELECT other, one, method, r FROM found) f
    JOIN report x ON x.record_id = f.one AND x.latest AND x.status = 'reported'
    JOIN report y ON y.record_id = f.other AND y.latest AND y.status = 'reported'
    WHERE (x.agency, x.record_id) < (y.agency, y.record_id)
    ORDER BY x.record_id, y.record_id, f.r DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, facets,
      weights, levels, least, score, method)
    SELECT link_id('chemical', s.a, s.b), 'chemical', s.a, s.b, s.a_agency, s.b_agency, s.a_scope, s.b_scope, s.a_month,
      s.b_month, 1 << 17, ARRAY[1 << 17], ARRAY[0], ARRAY['profile:alike'], 0, s.r, s.method
    FROM {roomy} s
    ON CONFLICT (relation, a, b) DO UPDATE SET score = EXCLUDED.score, method = EXCLUDED.method
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh
$$;
