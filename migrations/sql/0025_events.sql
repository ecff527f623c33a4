-- Significant digits, closing zeros not counted: 9884 has four, 1000 has one.
CREATE FUNCTION core.significant(amount numeric) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT length(trim(BOTH '0' FROM replace(amount::text, '.', '')))
$$;

-- The id of a link follows from its records, so that it tells nothing of when or among how many it was found.
CREATE FUNCTION core.link_id(relation text, a uuid, b uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT left(encode(sha256(convert_to(concat_ws('|', relation, a, b), 'UTF8')), 'hex'), 32)::uuid
$$;

-- The levels at which the lines of these records agree with those of others; NULL where one of the two does not say.
-- `a` is the record of the agency whose code comes first. On a day that is crowded with lines of one group scopes are
-- looked at one by one, and of a crowded scope the lines nearest to an amount.
CREATE FUNCTION core.compare_events(taken uuid[])
RETURNS TABLE (a uuid, b uuid, amount text, substance text, "time" text, place text, admin1 text, transport text,
  origin text, destination text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off
  SET enable_seqscan = off AS $$
  WITH RECURSIVE own AS MATERIALIZED (
    SELECT f.*, coalesce(f.kg, f.quantity) AS much, f.day + n AS other_day FROM link_fact f
    CROSS JOIN generate_series(-3, 3) n
    WHERE f.record_id = ANY (taken)
  ), whole AS (
    SELECT t.policy_group, t.day,
      {day_crowded} AS crowded
    FROM (SELECT DISTINCT x.policy_group, x.other_day AS day FROM own x) t
  ), leap (policy_group, day, agency, scope_id, n) AS (
    -- the scopes of a day on which one of them may be crowded: by leaps through the index, however many lines there are
    SELECT t.policy_group, t.day, s.agency, s.scope_id, 1 FROM whole t
    CROSS JOIN LATERAL (SELECT f.agency, f.scope_id FROM {of_the_day}
      ORDER BY f.agency, f.scope_id LIMIT 1) s
    WHERE t.crowded
    UNION ALL SELECT t.policy_group, t.day, s.agency, s.scope_id, CASE s.agency WHEN t.agency THEN t.n + 1 ELSE 1 END
    FROM leap t CROSS JOIN LATERAL (SELECT f.agency, f.scope_id FROM {of_the_day}
      AND (f.agency, f.scope_id) > (t.agency, CASE WHEN t.n < {scopes} THEN t.scope_id ELSE 2147483647 END)
      ORDER BY f.agency, f.scope_id LIMIT 1) s
  ), told AS MATERIALIZED (
    SELECT t.policy_group, t.day, NULL::text AS agency, NULL::integer AS scope_id, false AS crowded FROM whole t
    WHERE NOT t.crowded
    UNION ALL SELECT t.policy_group, t.day, t.agency, t.scope_id,
      {scope_crowded} AS crowded FROM leap t
  )
  SELECT CASE WHEN x.agency < y.agency THEN x.record_id ELSE y.record_id END,
    CASE WHEN x.agency < y.agency THEN y.record_id ELSE x.record_id END,
    CASE WHEN m.p IS NULL OR greatest(m.p, m.q) = 0 THEN
        CASE WHEN x.kg_low IS NULL OR y.kg_low IS NULL THEN NULL
             WHEN x.kg_low <= y.kg_high * 1.02 AND y.kg_low <= x.kg_high * 1.02 THEN 'converted' ELSE 'different' END
      WHEN m.p = m.q THEN CASE WHEN significant(m.p) >= 4 THEN 'same-rare'
        WHEN significant(m.p) = 3 THEN 'same-distinctive' ELSE 'same-round' END
      WHEN abs(m.p - m.q) <= 0.02 * greatest(m.p, m.q) THEN 'close'
      WHEN abs(m.p - m.q) <= 0.1 * greatest(m.p, m.q) THEN 'near'
      WHEN abs(m.p - 1000 * m.q) <= 10 * m.q OR abs(m.q - 1000 * m.p) <= 10 * m.p THEN 'thousandfold'
      ELSE 'different' END,
    CASE WHEN x.substance = y.substance THEN 'same'
      WHEN x.substance = ANY (y.lineage) OR y.substance = ANY (x.lineage) THEN 'within' ELSE 'other' END,
    CASE abs(x.day - y.day) WHEN 0 THEN 'same' WHEN 1 THEN 'next' ELSE 'days' END,
    CASE WHEN d.km IS NOT NULL THEN CASE WHEN d.km <= 2 THEN 'same' WHEN d.km <= 25 THEN 'similar' ELSE 'different' END
      WHEN x.place = y.place THEN 'same' WHEN public.similarity(x.place, y.place) >= 0.4 THEN 'similar'
      WHEN x.place <> y.place THEN 'different' END,
    CASE WHEN x.admin1 = y.admin1 THEN 'same' WHEN x.admin1 <> y.admin1 THEN 'different' END,
    CASE WHEN x.transport = y.transport THEN 'same' WHEN x.transport <> y.transport THEN 'different' END,
    CASE WHEN x.origin = y.origin THEN 'same' WHEN x.origin <> y.origin THEN 'different' END,
    CASE WHEN x.destination = y.destination THEN 'same' WHEN x.destination <> y.destination THEN 'different' END
  FROM own x
  JOIN told t ON t.policy_group = x.policy_group AND t.day = x.other_day
    AND t.agency IS DISTINCT FROM x.agency
  CROSS JOIN LATERAL (
    SELECT f.* FROM {of_the_day} AND t.agency IS NULL
    UNION ALL SELECT f.* FROM {of_the_scope} AND NOT t.crowded
    UNION ALL (SELECT f.* FROM {of_the_scope} AND t.crowded AND {much} >= x.much
      ORDER BY {much} LIMIT {beside})
    UNION ALL (SELECT f.* FROM {of_the_scope} AND t.crowded AND {much} < x.much
      ORDER BY {much} DESC LIMIT {beside})) y
  CROSS JOIN LATERAL (SELECT 111.2 * sqrt((x.lat - y.lat) ^ 2 + ((x.lon - y.lon) * cosd(x.lat)) ^ 2) AS km) d
  CROSS JOIN LATERAL (SELECT
    CASE WHEN x.weighed AND y.weighed THEN x.kg WHEN x.unit = y.unit THEN x.quantity END AS p,
    CASE WHEN x.weighed AND y.weighed THEN y.kg WHEN x.unit = y.unit THEN y.quantity END AS q) m
  WHERE y.agency <> x.agency
    AND (x.place_country = y.place_country OR d.km <= 50
      OR y.place_country IN (x.origin, x.destination) OR x.place_country IN (y.origin, y.destination))
$$;

-- On which grounds two reports are compared: they are of one country, one is on the way to the country of the other, or
-- they are near each other. Which of these holds is said by facets of their own.
CREATE FUNCTION core.link_grounds(one uuid, other uuid) RETURNS integer[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT array_remove(ARRAY[
    CASE WHEN x.place_country = y.place_country THEN 1 << 8 END,
    CASE WHEN y.place_country IN (x.origin, x.destination) OR x.place_country IN (y.origin, y.destination)
      THEN (1 << 8) | (1 << 11) END,
    CASE WHEN 111.2 * sqrt((x.lat - y.lat) ^ 2 + ((x.lon - y.lon) * cosd(x.lat)) ^ 2) <= 50 THEN 1 << 5 END], NULL)
  FROM link_fact x, link_fact y WHERE x.record_id = one AND y.record_id = other LIMIT 1
$$;

-- Pairs of reports that may be of one event: of two agencies, of one policy group, at most three days apart, and in one
-- country, or within 50 km, or one on the other's route. Fellegi and Sunter (1969): the weights of the levels add up.
CREATE FUNCTION core.find_event_links(taken uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off
  SET enable_seqscan = off AS $$
DECLARE
  w jsonb;
  current integer;
  possible real;
BEGIN
  SELECT m.weights, m.version, (m.weights ->> 'possible')::real INTO w, current, possible
    FROM link_model m ORDER BY m.version DESC LIMIT 1;
  DELETE FROM link_fact f WHERE f.record_id = ANY (taken);
  INSERT INTO link_fact
    SELECT r.record_id, l.line, r.agency, t.day, r.place_country, r.admin1,
      nullif(regexp_replace(lower(facet(r.disclosures[6]) ->> 'place'), '[^[:alnum:]]+', ' ', 'g'), ''),
      public.ST_X(r.point), public.ST_Y(r.point), coalesce(s.policy_group, 'unknown'), l.substance,
      ARRAY(WITH RECURSIVE up(code, parent) AS (
        SELECT c.code, c.parent FROM substance c WHERE c.code = l.substance
        UNION ALL SELECT c.code, c.parent FROM substance c JOIN up ON c.code = up.parent) SELECT code FROM up),
      l.quantity, l.unit, l.kg, l.kg_low, l.kg_high, l.rule IN ('mass', 'named-mass', 'measured-mass'),
      r.transport_mode, t.origin, t.destination, r.scope_id
    FROM report r
    JOIN report_fact t ON (t.record_id, t.version) = (r.record_id, r.version)
    JOIN report_line l ON (l.record_id, l.version) = (r.record_id, r.version)
    LEFT JOIN substance s ON s.code = l.substance
    WHERE r.record_id = ANY (taken) AND r.latest AND r.status = 'reported' AND r.kind = 'seizure' AND t.day IS NOT NULL;
  RETURN QUERY
  WITH compared AS (
    SELECT p.*,
      coalesce((w -> 'amount' ->> p.amount)::real, 0) AS w_amount,
      coalesce((w -> 'time' ->> p.time)::real, 0) AS w_time,
      coalesce((w -> 'substance' ->> p.substance)::real, 0) AS w_substance,
      coalesce((w -> 'place' ->> p.place)::real, 0) AS w_place,
      coalesce((w -> 'admin1' ->> p.admin1)::real, 0) AS w_admin1,
      coalesce((w -> 'transport' ->> p.transport)::real, 0) AS w_transport,
      coalesce((w -> 'origin' ->> p.origin)::real, 0) AS w_origin,
      coalesce((w -> 'destination' ->> p.destination)::real, 0) AS w_destination
    FROM compare_events(taken) p
  ), best AS (
    SELECT DISTINCT ON (c.a, c.b) c.* FROM compared c
    -- as much as a reader may see who is given what speaks for it and not what speaks against it
    WHERE c.w_amount + c.w_time + c.w_substance + greatest(c.w_place, 0) + greatest(c.w_admin1, 0)
      + greatest(c.w_transport, 0) + greatest(c.w_origin, 0) + greatest(c.w_destination, 0) >= possible
    ORDER BY c.a, c.b, c.w_amount + c.w_substance DESC
  ), kept AS (
    INSERT INTO link AS k (id, relation, a, b, a_agency, b_agency, a_scope, b_scope, a_month, b_month, base, grounds,
      facets, weights, levels, least, model)
    SELECT link_id('event', c.a, c.b), 'event', c.a, c.b, x.agency, y.agency, x.scope_id, y.scope_id,
      x.month_end, y.month_end, (1 << 3) | (1 << 9), link_grounds(c.a, c.b),
      array_agg(e.facet ORDER BY e.n), array_agg(e.weight ORDER BY e.n), array_agg(e.level ORDER BY e.n),
      possible, current
    FROM {roomy} c
    JOIN report x ON x.record_id = c.a AND x.latest
    JOIN report y ON y.record_id = c.b AND y.latest
    CROSS JOIN LATERAL (VALUES
      (1, 1 << 9, c.w_amount, 'amount:' || c.amount), (2, 1 << 9, c.w_substance, 'substance:' || c.substance),
      (3, 1 << 3, c.w_time, 'time:' || c.time), (4, 1 << 5, c.w_place, 'place:' || c.place),
      (5, 1 << 7, c.w_admin1, 'admin1:' || c.admin1), (6, 1 << 10, c.w_transport, 'transport:' || c.transport),
      (7, 1 << 11, c.w_origin, 'origin:' || c.origin), (8, 1 << 11, c.w_destination, 'destination:' || c.destination)
    ) AS e(n, facet, weight, level)
    WHERE e.level IS NOT NULL
    GROUP BY c.a, c.b, x.agency, y.agency, x.scope_id, y.scope_id, x.month_end, y.month_end
    ON CONFLICT (relation, a, b) DO UPDATE SET grounds = EXCLUDED.grounds, facets = EXCLUDED.facets,
      weights = EXCLUDED.weights, levels = EXCLUDED.levels, least = EXCLUDED.least, model = EXCLUDED.model
    RETURNING k.id, k.xmax = 0 AS fresh
  ) SELECT k.id FROM kept k WHERE k.fresh;
END $$;

-- In which ways compared pairs agree, and how many of them the parties have confirmed: what weights are learned from.
-- All confirmed pairs, and those of as many other records as are asked for.
CREATE FUNCTION core.link_patterns(most integer) RETURNS TABLE (levels text[], confirmed bigint, compared bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
  WITH known AS (
    SELECT k.a, k.b FROM link k WHERE k.relation = 'event' AND k.state = 'confirmed'
  ), pair AS (
    SELECT DISTINCT ON (c.a, c.b) c.a, c.b,
      ARRAY[c.amount, c.substance, c."time", c.place, c.admin1, c.transport, c.origin, c.destination] AS levels
    FROM compare_events(ARRAY(SELECT k.a FROM known k UNION
      (SELECT DISTINCT f.record_id FROM link_fact f ORDER BY f.record_id LIMIT most))) c
    ORDER BY c.a, c.b
  )
  SELECT p.levels, count(k.a), count(*) FROM pair p LEFT JOIN known k ON (k.a, k.b) = (p.a, p.b) GROUP BY p.levels
$$;
