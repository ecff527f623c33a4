-- Who changes compiled places of others holds `gate.lock` (migration 0005) alone; who compiles only its own context
-- shares it. Readers never wait. A policy is weighed before the lock is taken, so that nobody's new scope or context
-- waits for it.
CREATE FUNCTION gate.share() RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock_shared(7276823)
$$;
-- A record becomes private, or gets its next version, one after the other: whoever does either holds the row of its
-- first version. A batch holds as many as it has corrections, more than the cluster has room for other locks.
CREATE FUNCTION gate.lock_record(of_record uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM FROM core.report r WHERE (r.record_id, r.version) = (of_record, 1) FOR NO KEY UPDATE;
END $$;

-- The active suspensions towards a reader. One that names a key with which a person signed in is towards that person,
-- with whatever key. (A function in SQL is planned anew in every transaction that calls it, one in PL/pgSQL once a
-- session: what is called for every request is in PL/pgSQL.)
CREATE FUNCTION gate.stops(of_country char(2), of_agency text, of_key text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN ARRAY(SELECT x.id FROM core.suspension x
    WHERE x.lifted_at IS NULL AND x.owner <> stops.of_country
      AND (x.towards_country IS NULL OR x.towards_country = stops.of_country)
      AND (x.towards_agency IS NULL OR x.towards_agency = stops.of_agency)
      AND (x.towards_key IS NULL OR x.towards_key = stops.of_key
        OR EXISTS (SELECT FROM core.session_key named JOIN core.session_key used USING (person)
          WHERE named.kid = x.towards_key AND used.kid = stops.of_key))
    ORDER BY x.id);
END $$;

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

-- Put verdicts into their places; `wanted_scopes` that got none give nothing, and neither do those that are stopped by
-- what the context has taken in. What lapsed meanwhile stays lapsed. Under the lock.
CREATE FUNCTION gate.put(placings gate.placing[], wanted_contexts integer[], wanted_scopes integer[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  k record;
  m integer[]; d integer[]; o integer[]; f integer[]; u integer[];
  slot integer; i integer;
BEGIN
  FOR k IN
    SELECT c.context_id, c.masks, c.delays, c.duties, c.windows_from, c.windows_until, c.until, c.stopped, p.scopes,
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
    FOR slot IN SELECT named.id + 1 FROM (
        SELECT s.id FROM core.suspension x
        JOIN gate.scope s ON s.owner = x.owner AND (x.of_agency IS NULL OR s.agency = x.of_agency)
        WHERE x.id = ANY (k.stopped)) AS named
    LOOP
      m[slot] := 0;
    END LOOP;
    UPDATE gate.compiled c SET masks = m, delays = d, duties = o, windows_from = f, windows_until = u,
      until = least(c.until, k.turns) WHERE c.context_id = k.context_id;
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
CREATE OR REPLACE FUNCTION gate.compile(wanted_contexts integer[]) RETURNS void
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

-- What verdicts also rest on and nobody waits for: who is a member, who is in which group. Where it changed between
-- weighing and lock, what was weighed is stale.
CREATE FUNCTION gate.circumstances() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, core AS $$
  SELECT concat_ws('|',
    (SELECT string_agg(c.code || c.status, ',' ORDER BY c.code) FROM core.country c),
    (SELECT string_agg(g.code || g.country, ',' ORDER BY g.code, g.country) FROM core.country_group g))
$$;

-- What the scopes of one owner give, after its rules changed. Weighed before the lock; who came meanwhile, after it.
CREATE OR REPLACE FUNCTION gate.recompile(adopting char(2)) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  readers integer[] := gate.readers();
  places integer[] := gate.scopes_of(adopting);
  around text := gate.circumstances();
  weighed gate.placing[] := gate.weigh(readers, places, moment);
  late_readers integer[];
  late_places integer[];
BEGIN
  PERFORM gate.lock();
  IF gate.circumstances() <> around THEN
    weighed := gate.weigh(readers, places, moment);
  END IF;
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
