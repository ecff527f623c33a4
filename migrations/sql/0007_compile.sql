DROP FUNCTION gate.adopt(char, jsonb);
DROP FUNCTION gate.recompile(char);
DROP FUNCTION gate.compile(integer[]);
DROP FUNCTION gate.version_for(gate.context);
DROP FUNCTION gate.grants(integer[], integer[]);
DROP FUNCTION gate.mask(integer, boolean);
DROP FUNCTION gate.lock();
DROP FUNCTION gate.scopes_for(jsonb);

-- Who changes compiled places of others holds this alone; who compiles only its own context shares it. Readers never
-- wait. A policy is weighed before the lock is taken, so that nobody's new scope or context waits for it.
CREATE FUNCTION gate.lock() RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock(7276823)
$$;
CREATE FUNCTION gate.share() RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock_shared(7276823)
$$;
CREATE FUNCTION gate.lock_record(of_record uuid) RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(of_record::text, 7276823))
$$;

-- The active suspensions towards a reader.
CREATE FUNCTION gate.stops(of_country char(2), of_agency text, of_key text) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = pg_catalog, core AS $$
  SELECT coalesce(array_agg(x.id ORDER BY x.id), '{}') FROM core.suspension x
  WHERE x.lifted_at IS NULL AND x.owner <> stops.of_country
    AND (x.towards_country IS NULL OR x.towards_country = stops.of_country)
    AND (x.towards_agency IS NULL OR x.towards_agency = stops.of_agency)
    AND (x.towards_key IS NULL OR x.towards_key = stops.of_key)
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

-- One context's verdicts on some scopes, side by side: the only way in which verdicts are kept.
CREATE TYPE gate.placing AS (context_id integer, scopes integer[], masks integer[], delays integer[], duties integer[],
  windows_from integer[], windows_until integer[], turns timestamptz);

CREATE FUNCTION gate.weigh(wanted_contexts integer[], wanted_scopes integer[], moment timestamptz)
RETURNS gate.placing[] LANGUAGE sql STABLE SET search_path = pg_catalog, gate SET work_mem = '128MB' AS $$
  SELECT coalesce(array_agg(p.placing), '{}') FROM (
    SELECT ROW(v.context_id, array_agg(v.scope_id), array_agg(v.mask), array_agg(v.delay), array_agg(v.duties),
      CASE WHEN bool_or(v.mask & (1 << 30) <> 0) THEN array_agg(v.window_from) END,
      CASE WHEN bool_or(v.mask & (1 << 30) <> 0) THEN array_agg(v.window_until) END,
      min(v.turns))::gate.placing AS placing
    FROM gate.verdicts(wanted_contexts, wanted_scopes, moment) v GROUP BY v.context_id
  ) p
$$;

-- Put verdicts into their places; `wanted_scopes` that got none give nothing. Under the lock.
CREATE FUNCTION gate.put(placings gate.placing[], wanted_contexts integer[], wanted_scopes integer[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  k record;
  m integer[]; d integer[]; o integer[]; f integer[]; u integer[];
  slot integer; i integer;
BEGIN
  FOR k IN
    SELECT c.context_id, c.masks, c.delays, c.duties, c.windows_from, c.windows_until, c.until, p.scopes,
      p.masks AS new_masks, p.delays AS new_delays, p.duties AS new_duties, p.windows_from AS new_from,
      p.windows_until AS new_until, p.turns
    FROM gate.compiled c LEFT JOIN unnest(placings) AS p ON p.context_id = c.context_id
    WHERE c.context_id = ANY (wanted_contexts)
  LOOP
    m := k.masks; d := k.delays; o := k.duties; f := k.windows_from; u := k.windows_until;
    IF k.new_from IS NOT NULL AND f IS NULL THEN
      f := array_fill(NULL::integer, ARRAY[greatest(cardinality(m), 1)]);
      u := f;
    END IF;
    FOREACH slot IN ARRAY wanted_scopes LOOP
      m[slot + 1] := 0; d[slot + 1] := 0; o[slot + 1] := 0;
    END LOOP;
    FOR i IN 1 .. coalesce(cardinality(k.scopes), 0) LOOP
      slot := k.scopes[i] + 1;
      m[slot] := k.new_masks[i]; d[slot] := k.new_delays[i]; o[slot] := k.new_duties[i];
    END LOOP;
    IF k.new_from IS NOT NULL THEN
      FOR i IN 1 .. cardinality(k.scopes) LOOP
        f[k.scopes[i] + 1] := k.new_from[i]; u[k.scopes[i] + 1] := k.new_until[i];
      END LOOP;
    END IF;
    UPDATE gate.compiled c SET masks = m, delays = d, duties = o, windows_from = f, windows_until = u,
      until = least(k.until, k.turns) WHERE c.context_id = k.context_id;
  END LOOP;
END $$;

CREATE FUNCTION gate.restamp(wanted_contexts integer[], moment timestamptz) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, gate AS $$
  UPDATE gate.compiled k SET version = s.version, until = least(k.until, s.turns)
  FROM gate.summaries(wanted_contexts, moment) s
  WHERE s.context_id = k.context_id AND (k.version <> s.version OR k.until > s.turns)
$$;

CREATE FUNCTION gate.readers() RETURNS integer[] LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  SELECT coalesce(array_agg(c.id), '{}') FROM gate.context c WHERE c.trial IS NULL
$$;
CREATE FUNCTION gate.scopes_of(of_owner char(2)) RETURNS integer[]
LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  SELECT coalesce(array_agg(s.id ORDER BY s.id), '{}') FROM gate.scope s WHERE of_owner IS NULL OR s.owner = of_owner
$$;

-- Everything that these contexts see, anew.
CREATE FUNCTION gate.compile(wanted_contexts integer[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  everything integer[] := gate.scopes_of(NULL);
BEGIN
  INSERT INTO gate.compiled (context_id, masks, delays, duties, version, until, stopped)
    SELECT c.id, zeros.list, zeros.list, zeros.list, '', 'infinity', gate.stops(c.country, c.agency, NULL)
    FROM gate.context c, (SELECT array_fill(0, ARRAY[cardinality(everything)]) AS list) zeros
    WHERE c.id = ANY (wanted_contexts)
    ON CONFLICT (context_id) DO UPDATE SET masks = EXCLUDED.masks, delays = EXCLUDED.delays, duties = EXCLUDED.duties,
      windows_from = NULL, windows_until = NULL, until = 'infinity', stopped = EXCLUDED.stopped;
  PERFORM gate.put(gate.weigh(wanted_contexts, everything, moment), wanted_contexts, '{}');
  PERFORM gate.restamp(wanted_contexts, moment);
END $$;

-- What the scopes of one owner give, after its rules changed. Weighed before the lock; who came meanwhile, after it.
CREATE FUNCTION gate.recompile(adopting char(2)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  readers integer[] := gate.readers();
  places integer[] := gate.scopes_of(adopting);
  weighed gate.placing[] := gate.weigh(readers, places, moment);
  late_readers integer[];
  late_places integer[];
BEGIN
  PERFORM gate.lock();
  late_readers := ARRAY(SELECT unnest(gate.readers()) EXCEPT SELECT unnest(readers));
  late_places := ARRAY(SELECT unnest(gate.scopes_of(adopting)) EXCEPT SELECT unnest(places) ORDER BY 1);
  PERFORM gate.put(weighed, readers, places);
  IF late_places <> '{}' THEN
    PERFORM gate.put(gate.weigh(readers, late_places, moment), readers, late_places);
  END IF;
  IF late_readers <> '{}' THEN
    PERFORM gate.put(gate.weigh(late_readers, places || late_places, moment), late_readers, places || late_places);
  END IF;
  PERFORM gate.restamp(readers || late_readers, moment);
END $$;

-- The rules of one layer of one owner from `effective` on; those before end there. NULL: no such layer any more.
CREATE FUNCTION gate.adopt(adopting char(2), of_layer text, of_version integer, rules jsonb,
  effective timestamptz DEFAULT now()) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  beginning timestamptz;
BEGIN
  IF (adopting = gate.country()) IS NOT TRUE THEN
    RAISE EXCEPTION 'a context adopts the rules of its own country only';
  END IF;
  IF (of_layer = 'national' OR of_layer LIKE 'agency:' || adopting || '-%') IS NOT TRUE THEN
    RAISE EXCEPTION 'a layer is national or of an agency of the country';
  END IF;
  PERFORM pg_advisory_xact_lock(7276824, hashtext(adopting));
  beginning := greatest(effective, clock_timestamp());
  DELETE FROM gate.rule r WHERE r.owner = adopting AND r.layer = of_layer AND r.begins >= beginning;
  DELETE FROM gate.layer l WHERE l.owner = adopting AND l.layer = of_layer
    AND (l.begins >= beginning OR l.version = of_version);
  UPDATE gate.rule r SET ends = beginning WHERE r.owner = adopting AND r.layer = of_layer AND r.ends > beginning;
  UPDATE gate.layer l SET ends = beginning WHERE l.owner = adopting AND l.layer = of_layer AND l.ends > beginning;
  DELETE FROM gate.rule r WHERE r.owner = adopting AND r.layer = of_layer AND r.ends <= clock_timestamp();
  DELETE FROM gate.layer l WHERE l.owner = adopting AND l.layer = of_layer AND l.ends <= clock_timestamp();
  IF rules IS NOT NULL THEN
    INSERT INTO gate.layer VALUES (adopting, of_layer, of_version, beginning);
    INSERT INTO gate.rule SELECT * FROM gate.parsed(adopting, of_layer, of_version, rules, beginning);
  END IF;
  PERFORM gate.recompile(adopting);
END $$;
