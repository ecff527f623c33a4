-- The caller's country, if an officer for policies calls.
CREATE FUNCTION gate.trying() RETURNS char(2)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, gate AS $$
BEGIN
  IF 'policy_officer' = ANY (gate.roles()) AND gate.country() IS NOT NULL THEN
    RETURN gate.country();
  END IF;
  RAISE EXCEPTION 'only a policy officer looks through the eyes of another' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION gate.trial(as_country text, as_agency text, as_roles text[], as_purpose text) RETURNS integer
LANGUAGE sql SET search_path = pg_catalog, gate AS $$
  INSERT INTO gate.context (country, agency, roles, purpose, trial)
    VALUES (as_country, as_agency, gate.reading(as_roles), coalesce(as_purpose, ''), gate.trying()) RETURNING id
$$;

-- A token that sees the records of the caller's own country, and no other, exactly as that reader would: under the
-- rules in force, or with `rules` in the place of the layer. It opens nothing that is a country's own.
CREATE FUNCTION gate.preview(as_country text, as_agency text, as_roles text[], as_purpose text,
  of_layer text DEFAULT NULL, rules jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.trying();
  trial integer;
BEGIN
  DELETE FROM gate.compiled k USING gate.context c
    WHERE c.id = k.context_id AND c.trial = mine AND c.made_at < now() - interval '10 minutes';
  DELETE FROM gate.context c WHERE c.trial = mine AND c.made_at < now() - interval '10 minutes';
  trial := gate.trial(as_country, as_agency, as_roles, as_purpose);
  INSERT INTO gate.compiled (context_id, masks, delays, duties, windows_from, windows_until, version, until, stopped)
    SELECT trial, coalesce(array_agg(coalesce(v.mask, 0) ORDER BY s.id), '{}'),
      coalesce(array_agg(coalesce(v.delay, 0) ORDER BY s.id), '{}'),
      coalesce(array_agg(coalesce(v.duties, 0) ORDER BY s.id), '{}'), array_agg(v.window_from ORDER BY s.id),
      array_agg(v.window_until ORDER BY s.id), encode(public.gen_random_bytes(8), 'hex'),
      now() + interval '10 minutes', '{}'
    FROM gate.scope s
    LEFT JOIN gate.verdicts(ARRAY[trial], gate.scopes_of(mine), clock_timestamp(), mine, of_layer, rules) v
      ON v.scope_id = s.id;
  RETURN gate.token(trial, gate.key(), gate.roles());
END $$;

-- The same as numbers: what that reader would get of each own scope at a moment. Leaves nothing behind.
CREATE FUNCTION gate.trial_masks(as_country text, as_agency text, as_roles text[], as_purpose text,
  of_layer text DEFAULT NULL, rules jsonb DEFAULT NULL, at timestamptz DEFAULT now())
RETURNS TABLE (scope_id integer, mask integer, delay integer, duties integer, window_from integer, window_until integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.trying();
  eyes integer := gate.trial(as_country, as_agency, as_roles, as_purpose);
BEGIN
  RETURN QUERY SELECT v.scope_id, v.mask, v.delay, v.duties, v.window_from, v.window_until
    FROM gate.verdicts(ARRAY[eyes], gate.scopes_of(mine), at, mine, of_layer, rules) v WHERE v.mask <> 0
      AND v.scope_id NOT IN (SELECT s.id FROM core.suspension x
        JOIN gate.scope s ON s.owner = x.owner AND (x.of_agency IS NULL OR s.agency = x.of_agency)
        WHERE x.id = ANY (gate.stops(as_country, as_agency, NULL)));
  DELETE FROM gate.context c WHERE c.id = eyes;
END $$;

-- What a preview looked through, which holds its token, is of no use after it.
CREATE FUNCTION gate.end_trial() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  ended integer := (SELECT c.id FROM gate.context c WHERE c.id = gate.context_id() AND c.trial IS NOT NULL);
BEGIN
  DELETE FROM gate.compiled k WHERE k.context_id = ended;
  DELETE FROM gate.context c WHERE c.id = ended;
END $$;
