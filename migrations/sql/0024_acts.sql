-- The sum of what is disclosed of the evidence.
CREATE FUNCTION core.link_weight(mask integer, facets integer[], weights real[]) RETURNS real
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(sum(e.weight), 0)::real FROM unnest(facets, weights) AS e(facet, weight)
  WHERE mask & e.facet = e.facet
$$;

-- One party's word on a link that it sees. Between two agencies each confirms with a key of its own; within one agency
-- two hands do. What was refused or undone begins anew. Answers with the state, or with why not.
CREATE FUNCTION gate.act_on_link(of_link uuid, acting text, saying text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  l link;
  who text := gate.agency();
  signer text := gate.key();
  settled boolean;
BEGIN
  PERFORM FROM shared.link v WHERE v.id = of_link;
  IF NOT FOUND OR who IS NULL OR signer IS NULL THEN RETURN 'hidden'; END IF;
  SELECT k.* INTO l FROM link k WHERE k.id = of_link FOR UPDATE;
  IF who NOT IN (l.a_agency, l.b_agency) THEN RETURN 'no-party'; END IF;
  IF acting = 'confirm' AND l.state = 'confirmed' OR acting = 'reject' AND l.state <> 'proposed'
    OR acting = 'undo' AND l.state <> 'confirmed' THEN RETURN 'out-of-turn'; END IF;
  IF acting = 'confirm' AND EXISTS (
      SELECT FROM link_act t WHERE (t.link_id, t.round, t.act) = (l.id, l.round, 'confirm')
      AND (gate.one_hand(t.key_id, signer) OR t.agency = who AND l.a_agency <> l.b_agency))
    THEN RETURN 'said-already'; END IF;
  INSERT INTO link_act (id, link_id, round, act, agency, key_id, reason)
    VALUES (gen_random_uuid(), l.id, l.round, acting, who, signer, saying);
  IF acting = 'confirm' THEN
    SELECT count(DISTINCT t.key_id) >= 2
        AND count(DISTINCT t.agency) = CASE WHEN l.a_agency = l.b_agency THEN 1 ELSE 2 END
      INTO settled FROM link_act t WHERE (t.link_id, t.round, t.act) = (l.id, l.round, 'confirm');
    UPDATE link k SET state = CASE WHEN settled THEN 'confirmed' ELSE 'proposed' END WHERE k.id = l.id;
    RETURN CASE WHEN settled THEN 'confirmed' ELSE 'proposed' END;
  END IF;
  UPDATE link k SET state = CASE acting WHEN 'reject' THEN 'rejected' ELSE 'undone' END, round = k.round + 1
    WHERE k.id = l.id;
  RETURN CASE acting WHEN 'reject' THEN 'rejected' ELSE 'undone' END;
END $$;

-- Which agencies among the parties see these links, in any role and for any purpose, through eyes that somebody has: to
-- nobody else may anything be said of them. Whom a link may be told to is judged by what is compiled for its parties'
-- contexts, so these are made ready first.
CREATE FUNCTION gate.link_audience(links uuid[]) RETURNS TABLE (agency text, relation text, number bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
#variable_conflict use_column
BEGIN
  PERFORM gate.ready(ARRAY(SELECT DISTINCT p.party FROM link k CROSS JOIN LATERAL (VALUES (k.a_agency), (k.b_agency))
    AS p(party) WHERE k.id = ANY (links)));
  RETURN QUERY SELECT s.agency, s.relation, count(*) FROM (
    SELECT DISTINCT c.agency, k.relation, k.id
    FROM link k
    JOIN gate.context c ON c.agency IN (k.a_agency, k.b_agency) AND c.trial IS NULL
      AND gate.has_eyes(c.agency, c.roles)
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
      AND EXISTS (SELECT FROM unnest(k.grounds) AS g(facets)
        WHERE m.masks[k.a_scope + 1] & m.masks[k.b_scope + 1] & g.facets = g.facets)
      AND link_weight(m.masks[k.a_scope + 1] & m.masks[k.b_scope + 1], k.facets, k.weights) >= k.least
  ) s GROUP BY s.agency, s.relation ORDER BY s.agency, s.relation;
END $$;

-- Of profiles that the reader may only be told a match of (`hits`): whose they are. Never which, how many, how alike,
-- or when. `r` says how alike they are at the least, whatever any calibration says: one is a laboratory's word about its
-- own method, and whoever made new ones could feel for a hidden profile.
CREATE FUNCTION gate.profile_hits(asked text, probe public.cube)
RETURNS TABLE (owner text, agency text, r double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT s.owner::text, s.agency, 0.95::double precision
  FROM (
    SELECT p.scope_id, p.month_end, 1 - ((p.unit OPERATOR(public.<->) probe) ^ 2) / 2 AS r,
      ((SELECT gate.masks()))[p.scope_id + 1] AS mask, ((SELECT gate.delays()))[p.scope_id + 1] AS delay
    FROM profile p WHERE p.latest AND p.method = asked AND p.unit OPERATOR(public.<@) public.cube_enlarge(probe,
      sqrt(2 * (1 - 0.95)), public.cube_dim(probe))
  ) f
  JOIN gate.scope s ON s.id = f.scope_id
  WHERE f.mask & ((1 << 29) | (1 << 17)) = (1 << 29) | (1 << 17)
    AND (f.delay = 0 OR f.month_end + f.delay <= current_date)
    AND (f.mask & (1 << 30) = 0 OR f.month_end - DATE '1970-01-01'
      BETWEEN ((SELECT gate.windows_from()))[f.scope_id + 1] AND ((SELECT gate.windows_until()))[f.scope_id + 1])
    AND f.r >= 0.95
  GROUP BY s.owner, s.agency ORDER BY s.owner, s.agency
$$;
