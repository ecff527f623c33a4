-- Bits in which two perceptual hashes differ, of 64.
CREATE FUNCTION core.logo_distance(one bigint, other bigint) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog AS $$
  SELECT bit_count((one # other)::bit(64))::integer
$$;

-- Profiles of one method that are at least as alike as its calibration asks for, and tablets of one press.
CREATE FUNCTION core.find_profile_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
  WITH found AS (
    SELECT p.record_id AS one, o.record_id AS other, p.method, 1 - (o.distance ^ 2) / 2 AS r
    FROM profile p
    CROSS JOIN LATERAL (SELECT c.least FROM profile_calibration c WHERE c.method = p.method
      ORDER BY c.version DESC LIMIT 1) c
    -- the distance that belongs to r; more than 200 specimens so alike are one batch already
    CROSS JOIN LATERAL (SELECT q.record_id, q.unit OPERATOR(public.<->) p.unit AS distance FROM profile q
      WHERE q.latest AND q.method = p.method AND q.record_id <> p.record_id
      ORDER BY q.unit OPERATOR(public.<->) p.unit LIMIT 200) o
    WHERE p.record_id = ANY (taken) AND p.latest AND 1 - (o.distance ^ 2) / 2 >= c.least
  ), sided AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, f.method, f.r,
      x.agency AS a_agency, y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope,
      x.month_end AS a_month, y.month_end AS b_month
    FROM found f
    JOIN report x ON x.latest AND x.status = 'reported' AND x.record_id IN (f.one, f.other)
    JOIN report y ON y.latest AND y.status = 'reported' AND y.record_id IN (f.one, f.other)
    WHERE (x.agency, x.record_id) < (y.agency, y.record_id)
    ORDER BY x.record_id, y.record_id, f.r DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, facets,
      weights, levels, least, score, method)
    SELECT link_id('chemical', s.a, s.b), 'chemical', s.a, s.b, s.a_agency, s.b_agency, s.a_scope, s.b_scope, s.a_month,
      s.b_month, 1 << 17, ARRAY[1 << 17], ARRAY[0], ARRAY['profile:alike'], 0, s.r, s.method
    FROM sided s
    ON CONFLICT (relation, a, b) DO UPDATE SET score = EXCLUDED.score, method = EXCLUDED.method
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh
$$;

-- Points for what a press leaves on every tablet; they order a list and are no likelihood.
CREATE FUNCTION core.find_tablet_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
  WITH pair AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, x.agency AS a_agency,
      y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope, x.month_end AS a_month, y.month_end AS b_month,
      e.weights, e.levels
    FROM appearance p
    JOIN appearance q ON q.latest AND q.record_id <> p.record_id
      AND (q.logo = p.logo OR logo_distance(p.logo_hash, q.logo_hash) <= 10)
    CROSS JOIN LATERAL (
      SELECT array_agg(v.weight ORDER BY v.n) AS weights, array_agg(v.level ORDER BY v.n) AS levels,
        sum(v.weight) AS points
      FROM (VALUES
        (1, CASE WHEN p.logo = q.logo THEN 3 WHEN p.logo <> q.logo THEN -2 END::real,
          'logo:' || CASE WHEN p.logo = q.logo THEN 'same' ELSE 'different' END),
        (2, CASE WHEN logo_distance(p.logo_hash, q.logo_hash) <= 10 THEN 3
            WHEN logo_distance(p.logo_hash, q.logo_hash) > 20 THEN -3 END,
          'image:' || CASE WHEN logo_distance(p.logo_hash, q.logo_hash) <= 10 THEN 'alike' ELSE 'different' END),
        (3, CASE WHEN p.logo_back = q.logo_back THEN 1 WHEN p.logo_back <> q.logo_back THEN -3 END,
          'logo_back:' || CASE WHEN p.logo_back = q.logo_back THEN 'same' ELSE 'different' END),
        (4, CASE WHEN p.score = q.score THEN 1 WHEN p.score <> q.score THEN -3 END,
          'score:' || CASE WHEN p.score = q.score THEN 'same' ELSE 'different' END),
        (5, CASE WHEN p.shape = q.shape THEN 1 WHEN p.shape <> q.shape THEN -2 END,
          'shape:' || CASE WHEN p.shape = q.shape THEN 'same' ELSE 'different' END),
        (6, CASE WHEN abs(p.diameter_mm - q.diameter_mm) <= 0.1 THEN 2
            WHEN abs(p.diameter_mm - q.diameter_mm) > 0.3 THEN -5 END,
          'diameter:' || CASE WHEN abs(p.diameter_mm - q.diameter_mm) <= 0.1 THEN 'same' ELSE 'different' END),
        (7, CASE WHEN abs(p.length_mm - q.length_mm) <= 0.1 AND abs(p.width_mm - q.width_mm) <= 0.1 THEN 2
            WHEN abs(p.length_mm - q.length_mm) > 0.3 OR abs(p.width_mm - q.width_mm) > 0.3 THEN -5 END,
          'outline:' || CASE WHEN abs(p.length_mm - q.length_mm) <= 0.1 AND abs(p.width_mm - q.width_mm) <= 0.1
            THEN 'same' ELSE 'different' END)
      ) AS v(n, weight, level) WHERE v.weight IS NOT NULL
    ) e
    JOIN report x ON x.latest AND x.status = 'reported' AND x.record_id IN (p.record_id, q.record_id)
    JOIN report y ON y.latest AND y.status = 'reported' AND y.record_id IN (p.record_id, q.record_id)
    WHERE p.record_id = ANY (taken) AND p.latest AND e.points >= 5
      AND (x.agency, x.record_id) < (y.agency, y.record_id)
    ORDER BY x.record_id, y.record_id, e.points DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, facets,
      weights, levels, least)
    SELECT link_id('physical', s.a, s.b), 'physical', s.a, s.b, s.a_agency, s.b_agency, s.a_scope, s.b_scope, s.a_month,
      s.b_month, 1 << 13, array_fill(1 << 13, ARRAY[cardinality(s.levels)]), s.weights, s.levels, 5
    FROM pair s
    ON CONFLICT (relation, a, b) DO UPDATE SET facets = EXCLUDED.facets, weights = EXCLUDED.weights,
      levels = EXCLUDED.levels
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh
$$;

-- One pass: some of the records that wait are compared with all there are. Returns the links that are new.
CREATE FUNCTION core.find_links(most integer) RETURNS TABLE (looked integer, fresh uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  taken uuid[];
BEGIN
  looked := 0; fresh := '{}';
  IF NOT pg_try_advisory_xact_lock(7276827) THEN RETURN NEXT; RETURN; END IF;
  WITH gone AS (
    DELETE FROM link_queue q WHERE q.ctid = ANY (ARRAY(SELECT w.ctid FROM link_queue w LIMIT most)) RETURNING q.record_id
  ) SELECT array_agg(DISTINCT g.record_id) INTO taken FROM gone g;
  IF taken IS NULL THEN RETURN NEXT; RETURN; END IF;
  looked := cardinality(taken);
  -- what was proposed for an earlier version, or under an earlier result, is looked at anew
  DELETE FROM link k WHERE (k.a = ANY (taken) OR k.b = ANY (taken)) AND k.state = 'proposed'
    AND NOT EXISTS (SELECT FROM link_act t WHERE (t.link_id, t.round) = (k.id, k.round));
  fresh := ARRAY(SELECT find_event_links(taken) UNION ALL SELECT find_profile_links(taken)
    UNION ALL SELECT find_tablet_links(taken));
  RETURN NEXT;
END $$;
