-- Bits in which two perceptual hashes differ, of 64.
CREATE FUNCTION core.logo_distance(one bigint, other bigint) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog AS $$
  SELECT bit_count((one # other)::bit(64))::integer
$$;

-- Tablets of one press: those of one logo, or of like pictures. Each look of a record is compared once, however often
-- the record has it. One that has no picture is looked for by its logo alone, in an index, however many there are.
-- Points for what a press leaves on every tablet; they order a list and are no likelihood.
CREATE FUNCTION core.find_tablet_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off
  SET enable_seqscan = off AS $$
  -- a picture without detail has no hash to speak of
  UPDATE appearance p SET picture_hash = t.phash::bigint
    FROM report r, attachment t
    WHERE p.record_id = ANY (taken) AND p.latest AND p.picture_hash IS NULL
      AND (r.record_id, r.version) = (p.record_id, p.version)
      AND (t.country, t.sha256) = (r.country, decode(p.image_sha256, 'hex')) AND bit_count(t.phash) BETWEEN 16 AND 48;
  WITH look AS NOT MATERIALIZED (
    SELECT o.*, coalesce(o.logo_hash, o.picture_hash) AS shown, s.owner
    FROM appearance o JOIN gate.scope s ON s.id = o.scope_id WHERE o.latest
  ), own AS MATERIALIZED (
    SELECT DISTINCT {look} FROM look WHERE record_id = ANY (taken)
  ), named AS MATERIALIZED ({named}
  ), pictured AS MATERIALIZED ({pictured}
  ), alike AS MATERIALIZED ({alike}
  ), scored AS MATERIALIZED (
    SELECT DISTINCT ON (p.record_id, q.record_id) p.record_id AS one, q.record_id AS other, e.*
    FROM own p
    CROSS JOIN LATERAL (SELECT {look} FROM named n WHERE n.logo = p.logo
      UNION SELECT {look} FROM alike n WHERE n.seen = p.shown) q
    CROSS JOIN LATERAL (SELECT bit_count((p.logo_hash # q.logo_hash)::bit(64)) AS stated,
      bit_count((p.shown # q.shown)::bit(64)) AS shown) d
    CROSS JOIN LATERAL (
      SELECT array_agg(v.weight ORDER BY v.n) AS weights, array_agg(v.level ORDER BY v.n) AS levels,
        sum(v.weight) AS points
      FROM (VALUES
        (1, CASE WHEN p.logo = q.logo THEN 3 WHEN p.logo <> q.logo THEN -2 END::real,
          'logo:' || CASE WHEN p.logo = q.logo THEN 'same' ELSE 'different' END),
        -- light, angle and ground make two photographs of one imprint unlike: only what is stated speaks against it
        (2, CASE WHEN d.shown <= 10 THEN 3 WHEN d.stated > 20 THEN -3 END,
          CASE WHEN d.stated <= 10 THEN 'image:alike' WHEN d.shown <= 10 THEN 'photograph:alike'
            ELSE 'image:different' END),
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
    WHERE q.record_id <> p.record_id AND e.points >= 5
    ORDER BY p.record_id, q.record_id, e.points DESC, e.levels
  ), pair AS (
    SELECT DISTINCT ON (x.record_id, y.record_id) x.record_id AS a, y.record_id AS b, x.agency AS a_agency,
      y.agency AS b_agency, x.scope_id AS a_scope, y.scope_id AS b_scope, x.month_end AS a_month,
      y.month_end AS b_month, e.weights, e.levels, e.points
    FROM (
      SELECT one AS a, other AS b, points, weights, levels FROM scored
      UNION ALL SELECT other, one, points, weights, levels FROM scored) e
    JOIN report x ON x.record_id = e.a AND x.latest AND x.status = 'reported'
    JOIN report y ON y.record_id = e.b AND y.latest AND y.status = 'reported'
    WHERE (x.agency, x.record_id) < (y.agency, y.record_id)
    ORDER BY x.record_id, y.record_id, e.points DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, facets,
      weights, levels, least)
    SELECT link_id('physical', s.a, s.b), 'physical', s.a, s.b, s.a_agency, s.b_agency, s.a_scope, s.b_scope, s.a_month,
      s.b_month, 1 << 13, array_fill(1 << 13, ARRAY[cardinality(s.levels)]), s.weights, s.levels, 5
    FROM {roomy} s
    ON CONFLICT (relation, a, b) DO UPDATE SET facets = EXCLUDED.facets, weights = EXCLUDED.weights,
      levels = EXCLUDED.levels
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh
$$;
