-- The rules of a document as rows, in the form in which `gate.adopt` and a draft come. What is left out takes the
-- strictest reading, but for the rules of one record, which mean it whatever its label.
CREATE FUNCTION gate.parsed(of_owner char(2), of_layer text, of_version integer, rules jsonb, beginning timestamptz)
RETURNS SETOF gate.rule LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  SELECT r.* FROM jsonb_array_elements(rules) WITH ORDINALITY AS listed(item, number)
  CROSS JOIN LATERAL jsonb_populate_record(NULL::gate.rule,
    jsonb_build_object('position', listed.number - 1, 'joins', false, 'facets', 0, 'delay', 0, 'gives', 'rows',
      'duties', 0, 'handling', CASE WHEN of_layer = 'record' AND (listed.item ->> 'permit')::boolean THEN 4 ELSE 0 END)
    || jsonb_strip_nulls(listed.item)
    || jsonb_build_object('owner', of_owner, 'layer', of_layer, 'version', of_version, 'begins', beginning,
      'ends', 'infinity')) AS r
$$;

-- 0–18 facets · 20 instant 21 day 22 month 23 undated · 24 point 25 cell · 26 visible rows · 27 own · 28 counted only ·
-- 29 hit only · 30 has an event window. Only rows have levels, so only rows are in a view.
CREATE FUNCTION gate.mask(facets integer, gives text, own boolean, windowed boolean) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT facets | CASE WHEN windowed THEN 1 << 30 ELSE 0 END | CASE gives
    WHEN 'hits' THEN 1 << 29
    WHEN 'aggregates' THEN 1 << 28
    ELSE (1 << 26) | CASE WHEN own THEN 1 << 27 ELSE 0 END
      | CASE WHEN facets & (1 << 2) <> 0 THEN 1 << 20 WHEN facets & (1 << 3) <> 0 THEN 1 << 21
             WHEN facets & (1 << 4) <> 0 THEN 1 << 22 ELSE 1 << 23 END
      | CASE WHEN facets & (1 << 5) <> 0 THEN 1 << 24 WHEN facets & (1 << 6) <> 0 THEN 1 << 25 ELSE 0 END END
$$;

-- Whether a base gives a record whose month ended then, today.
CREATE FUNCTION gate.ripe(month_end date, delay integer, events_from date, events_until date, today date)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT (delay = 0 OR month_end + delay <= today)
    AND coalesce(month_end >= events_from, true) AND coalesce(month_end <= events_until, true)
$$;

-- What each context may see of each scope at a moment, where it sees anything; and where a delay of a single record
-- ends later, when. With a draft, as if the draft were the layer of its owner.
--
-- The one rule of combination (`service/policies/document.py` says it in words): a matching deny of any layer ends it.
-- The reader is given the most (rows, aggregates, hits) that a permit which does not join gives, and the ceiling of the
-- filing agency too. Of the permits that give at least that and do not join, the base is that which reaches the
-- strictest label, then stands first; permits that join and give at least that add facets and obligations, if they
-- neither make the reader wait longer nor cover less time. Grants of a record add to that at once. Under a ceiling,
-- what both give.
--
-- Verdicts rest on no suspension, so that a lifted one gives back what the policy gives, also what was weighed while it
-- was in force: `gate.put` takes those in that the context's `stopped` names, `gate.masks` takes away the others
-- whenever it is asked. Readers that hear the same rules, and records that the same rules mean, are judged once.
CREATE FUNCTION gate.verdicts(wanted_contexts integer[], wanted_scopes integer[], moment timestamptz,
  draft_owner char(2) DEFAULT NULL, draft_layer text DEFAULT NULL, draft jsonb DEFAULT NULL)
RETURNS TABLE (context_id integer, scope_id integer, mask integer, delay integer, duties integer, window_from integer,
  window_until integer, turns timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, gate SET enable_nestloop = off SET jit = off
  SET work_mem = '128MB' AS $$
  WITH place AS MATERIALIZED (
    SELECT s.* FROM gate.scope s WHERE s.id = ANY (wanted_scopes)
    UNION ALL SELECT p.* FROM gate.planned p WHERE p.id = ANY (wanted_scopes)
  ), rule AS MATERIALIZED (
    SELECT r.*, array_position(ARRAY['hits', 'aggregates', 'rows'], r.gives) AS level,
      row_number() OVER (ORDER BY r.owner, r.layer, r.handling DESC, r.position, r.record) AS n
    FROM (
      SELECT k.* FROM gate.rule k WHERE draft IS NULL OR (k.owner, k.layer) <> (draft_owner, draft_layer)
      UNION ALL SELECT * FROM gate.parsed(draft_owner, draft_layer, 0, draft, '-infinity')
    ) r
    WHERE r.begins <= moment AND moment < r.ends AND coalesce(r.valid_from <= moment, true)
      AND coalesce(moment < r.valid_until, true) AND r.owner IN (SELECT owner FROM place)
      AND (r.record IS NULL OR r.record IN (SELECT record FROM place))
  ), capped AS MATERIALIZED (
    SELECT l.owner, l.layer FROM gate.layer l WHERE l.layer <> 'national' AND l.begins <= moment AND moment < l.ends
    UNION SELECT draft_owner, draft_layer WHERE draft_layer LIKE 'agency:%' AND draft IS NOT NULL
  ), reader AS MATERIALIZED (
    SELECT c.*, coalesce(k.status = 'member', false) AS member,
      ARRAY(SELECT g.code FROM core.country_group g WHERE g.country = c.country)
        || CASE WHEN k.status = 'member' THEN ARRAY['members'] ELSE '{}' END AS circles
    FROM gate.context c LEFT JOIN core.country k ON k.code = c.country
    WHERE c.id = ANY (wanted_contexts) AND c.roles <> '{}'
  ), heard AS (
    SELECT c.id AS context_id, r.owner, array_agg(r.n ORDER BY r.n) AS rules
    FROM reader c JOIN rule r ON c.country <> r.owner AND c.purpose <> '' AND {audience}
    GROUP BY c.id, r.owner
  ), listener AS MATERIALIZED (
    SELECT h.rules, array_agg(h.context_id) AS contexts, row_number() OVER () AS lc FROM heard h GROUP BY h.rules
  ), meant AS (
    SELECT s.id, ('agency:' || s.agency) IN (SELECT layer FROM capped) AS capped, s.month_end,
      array_agg(r.n ORDER BY r.n) AS rules
    FROM place s JOIN rule r ON r.owner = s.owner AND r.n IN (SELECT unnest(rules) FROM listener)
      AND (r.layer = 'national' OR r.layer = 'agency:' || s.agency OR r.record = s.record)
      AND (r.kinds IS NULL OR s.kind = ANY (r.kinds))
      AND CASE WHEN r.permit
        THEN (r.groups IS NULL OR s.groups & ~r.groups = 0) AND s.handling <= r.handling
        ELSE (r.groups IS NULL OR s.groups & r.groups <> 0) AND s.handling >= r.handling END
    GROUP BY s.id, s.owner, s.agency, s.month_end
  ), topic AS MATERIALIZED (
    SELECT m.rules, m.month_end, m.capped, array_agg(m.id) AS scopes, row_number() OVER () AS sc
    FROM meant m GROUP BY m.rules, m.month_end, m.capped
  ), pair AS MATERIALIZED (
    SELECT a.lc, b.sc, b.capped, r.n, r.permit, r.joins, r.layer, r.level, r.facets, r.duties, r.delay, r.events_from,
      r.events_until
    FROM (SELECT lc, unnest(rules) AS n FROM listener) a
    JOIN (SELECT sc, capped, unnest(rules) AS n FROM topic) b USING (n)
    JOIN rule r USING (n)
  ), judged AS (
    SELECT p.lc, p.sc, p.capped,
      ARRAY[min(p.n) FILTER (WHERE p.layer = 'national' AND NOT p.joins),
        min(p.n) FILTER (WHERE p.layer = 'national' AND NOT p.joins AND p.level >= 2),
        min(p.n) FILTER (WHERE p.layer = 'national' AND NOT p.joins AND p.level >= 3)] AS bases,
      ARRAY[min(p.n) FILTER (WHERE p.layer LIKE 'agency:%' AND NOT p.joins),
        min(p.n) FILTER (WHERE p.layer LIKE 'agency:%' AND NOT p.joins AND p.level >= 2),
        min(p.n) FILTER (WHERE p.layer LIKE 'agency:%' AND NOT p.joins AND p.level >= 3)] AS ceilings,
      bit_or(p.facets) FILTER (WHERE p.layer = 'record') AS granted,
      bit_or(p.duties) FILTER (WHERE p.layer = 'record') AS grant_duties
    FROM pair p GROUP BY p.lc, p.sc, p.capped HAVING bool_and(p.permit)
  ), levelled AS (
    SELECT j.*, CASE
      WHEN (j.bases[3] IS NOT NULL OR j.granted IS NOT NULL) AND (NOT j.capped OR j.ceilings[3] IS NOT NULL) THEN 3
      WHEN (j.bases[2] IS NOT NULL OR j.granted IS NOT NULL) AND (NOT j.capped OR j.ceilings[2] IS NOT NULL) THEN 2
      WHEN (j.bases[1] IS NOT NULL OR j.granted IS NOT NULL) AND (NOT j.capped OR j.ceilings[1] IS NOT NULL) THEN 1
      END AS level FROM judged j
  ), based AS MATERIALIZED (
    SELECT l.lc, l.sc, l.level, l.granted, l.grant_duties, l.bases[l.level] AS base, l.ceilings[l.level] AS ceiling
    FROM levelled l WHERE l.level IS NOT NULL
  ), joined AS (
    SELECT p.lc, p.sc, bit_or(p.facets) FILTER (WHERE p.layer = 'national') AS facets,
      bit_or(p.duties) FILTER (WHERE p.layer = 'national') AS duties,
      bit_or(p.facets) FILTER (WHERE p.layer <> 'national') AS ceiling_facets,
      bit_or(p.duties) FILTER (WHERE p.layer <> 'national') AS ceiling_duties
    FROM pair p JOIN based g USING (lc, sc)
    JOIN rule b ON b.n = CASE WHEN p.layer = 'national' THEN g.base ELSE g.ceiling END
    WHERE p.joins AND p.layer <> 'record' AND p.level >= g.level AND p.delay <= b.delay
      AND (p.events_from IS NULL OR p.events_from <= b.events_from)
      AND (p.events_until IS NULL OR p.events_until >= b.events_until)
    GROUP BY p.lc, p.sc
  ), weighed AS (
    SELECT g.lc, g.sc, t.capped, t.month_end, g.granted, g.grant_duties, g.level,
      b.delay, b.events_from, b.events_until,
      b.facets | coalesce(j.facets, 0) AS facets, b.duties | coalesce(j.duties, 0) AS duties,
      b.n IS NOT NULL AND (t.month_end IS NULL
        OR gate.ripe(t.month_end, b.delay, b.events_from, b.events_until, (moment AT TIME ZONE 'UTC')::date)) AS given,
      NOT t.capped OR c.n IS NOT NULL AND (t.month_end IS NULL
        OR gate.ripe(t.month_end, c.delay, c.events_from, c.events_until, (moment AT TIME ZONE 'UTC')::date)) AS let,
      c.delay AS ceiling_delay, c.events_from AS ceiling_from,
      c.events_until AS ceiling_until, c.facets | coalesce(j.ceiling_facets, 0) AS ceiling_facets,
      c.duties | coalesce(j.ceiling_duties, 0) AS ceiling_duties
    FROM based g JOIN topic t USING (sc)
    LEFT JOIN rule b ON b.n = g.base LEFT JOIN rule c ON c.n = g.ceiling AND t.capped LEFT JOIN joined j USING (lc, sc)
  ), granted AS (
    SELECT w.lc, w.sc, w.capped, w.month_end, w.let AND (w.given OR w.granted IS NOT NULL) AS shown,
      CASE WHEN w.given THEN w.facets ELSE 0 END | coalesce(w.granted, 0) AS facets,
      CASE WHEN w.given THEN w.duties ELSE 0 END | coalesce(w.grant_duties, 0) AS duties,
      (ARRAY['hits', 'aggregates', 'rows'])[w.level] AS gives, w.ceiling_facets, w.ceiling_duties,
      CASE WHEN w.month_end IS NULL THEN greatest(w.delay, w.ceiling_delay) ELSE 0 END AS delay,
      CASE WHEN w.month_end IS NULL THEN greatest(w.events_from, w.ceiling_from) END AS since,
      CASE WHEN w.month_end IS NULL THEN least(w.events_until, w.ceiling_until) END AS until,
      (SELECT min(turn) FROM (VALUES (w.month_end + w.delay), (w.month_end + w.ceiling_delay)) AS v(turn)
        WHERE turn > (moment AT TIME ZONE 'UTC')::date) AS turn
    FROM weighed w
  ), verdict AS (
    SELECT g.lc, g.sc, g.delay, g.turn::timestamp AT TIME ZONE 'UTC' AS turns,
      g.shown AND (g.since <= g.until) IS NOT FALSE AS shown,
      gate.mask(CASE WHEN g.capped THEN g.facets & g.ceiling_facets ELSE g.facets END, g.gives, false,
        g.since IS NOT NULL OR g.until IS NOT NULL) AS mask,
      CASE WHEN g.capped THEN g.duties | g.ceiling_duties ELSE g.duties END AS duties,
      CASE WHEN g.since IS NOT NULL OR g.until IS NOT NULL THEN coalesce(g.since - DATE '1970-01-01', -2147483648) END
        AS window_from,
      CASE WHEN g.since IS NOT NULL OR g.until IS NOT NULL THEN coalesce(g.until - DATE '1970-01-01', 2147483647) END
        AS window_until
    FROM granted g
  )
  SELECT l.context_id, t.scope_id, CASE WHEN v.shown THEN v.mask ELSE 0 END, v.delay, v.duties,
    v.window_from, v.window_until, v.turns
  FROM verdict v
  JOIN (SELECT lc, unnest(contexts) AS context_id FROM listener) l USING (lc)
  JOIN (SELECT sc, unnest(scopes) AS scope_id FROM topic) t USING (sc)
  WHERE v.shown OR v.turns IS NOT NULL
  UNION ALL
  SELECT c.id, s.id, gate.mask(524287, 'rows', true, false), 0, 0, NULL, NULL, NULL
  FROM reader c JOIN place s ON s.owner = c.country
$$;

-- The rules that may touch each context: their hash, which tells nothing of other rules and nothing of which records
-- exist, and when one of them begins or ends next. Rules of a record count where they show it.
CREATE FUNCTION gate.summaries(wanted_contexts integer[], moment timestamptz)
RETURNS TABLE (context_id integer, version text, turns timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, gate SET enable_nestloop = off SET jit = off AS $$
  WITH reader AS MATERIALIZED (
    SELECT c.*, coalesce(k.status = 'member', false) AS member,
      ARRAY(SELECT g.code FROM core.country_group g WHERE g.country = c.country)
        || CASE WHEN k.status = 'member' THEN ARRAY['members'] ELSE '{}' END AS circles
    FROM gate.context c LEFT JOIN core.country k ON k.code = c.country WHERE c.id = ANY (wanted_contexts)
  ), shown AS (
    SELECT k.context_id, s.record FROM gate.compiled k
    JOIN gate.scope s ON s.record IS NOT NULL AND k.masks[s.id + 1] <> 0 WHERE k.context_id = ANY (wanted_contexts)
  ), said AS MATERIALIZED ( -- once a rule, not once a reader: readers and rules are many
    SELECT r.*, r.begins <= moment AND moment < r.ends AND coalesce(r.valid_from <= moment, true)
      AND coalesce(moment < r.valid_until, true) AS in_force,
      sha256(convert_to(ROW(r.owner, r.layer, r.record, r.permit, r.joins, r.countries, r.audience_groups, r.agencies,
        r.roles, r.purposes, r.kinds, r.groups, r.handling, r.facets, r.delay, r.gives, r.duties, r.events_from,
        r.events_until, r.valid_from, r.valid_until)::text, 'UTF8')) AS digest,
      (SELECT min(v.turn) FROM (VALUES (r.begins), (r.ends), (r.valid_from), (r.valid_until)) AS v(turn)
        WHERE v.turn > moment) AS turn
    FROM gate.rule r
  ), touching AS (
    SELECT c.id AS context_id, r.owner, r.layer, r.position, r.record, r.permit, r.in_force, r.digest, r.turn
    FROM reader c JOIN said r ON c.country <> r.owner AND {audience}
  ), turning AS (
    SELECT t.context_id, t.turn FROM touching t
    UNION ALL
    SELECT c.id, v.turn FROM reader c JOIN gate.layer l ON l.layer <> 'national' AND l.owner <> c.country
    CROSS JOIN LATERAL (VALUES (l.begins), (l.ends)) AS v(turn)
  ), hashed AS (
    SELECT t.context_id, string_agg(t.digest, ''::bytea ORDER BY t.owner, t.layer, t.position, t.record) AS rules
    FROM touching t WHERE t.in_force AND (t.record IS NULL
      OR t.permit AND (t.context_id, t.record) IN (SELECT s.context_id, s.record FROM shown s))
    GROUP BY t.context_id
  ), ceiling AS (
    SELECT c.id AS context_id, string_agg(l.layer, ';' ORDER BY l.layer) AS layers
    FROM reader c JOIN gate.layer l ON l.owner <> c.country AND l.layer <> 'national'
      AND l.begins <= moment AND moment < l.ends
    GROUP BY c.id
  )
  SELECT c.id,
    left(encode(sha256(coalesce(h.rules, '') || convert_to('|' || coalesce(g.layers, ''), 'UTF8')), 'hex'), 16),
    coalesce(t.turn, 'infinity')
  FROM reader c LEFT JOIN hashed h ON h.context_id = c.id LEFT JOIN ceiling g ON g.context_id = c.id
  LEFT JOIN (SELECT context_id, min(turn) AS turn FROM turning WHERE turn > moment GROUP BY context_id) t
    ON t.context_id = c.id
$$;
