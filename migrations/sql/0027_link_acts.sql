-- The sum of what is disclosed of the evidence.
CREATE FUNCTION core.link_weight(mask integer, facets integer[], weights real[]) RETURNS real
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT coalesce(sum(e.weight), 0)::real FROM unnest(facets, weights) AS e(facet, weight)
  WHERE mask & e.facet = e.facet
$$;

-- What was filed waits for a pass; what stands for a record follows its scope and its versions.
CREATE FUNCTION core.queue_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue SELECT f.record_id FROM filed f WHERE f.kind <> 'zero';
  RETURN NULL;
END $$;
CREATE FUNCTION core.requeue_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  INSERT INTO link_queue VALUES (NEW.record_id);
  RETURN NULL;
END $$;
CREATE FUNCTION core.keep_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE profile p SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (p.record_id, p.version) = (NEW.record_id, NEW.version);
  UPDATE appearance p SET scope_id = NEW.scope_id, latest = NEW.latest
    WHERE (p.record_id, p.version) = (NEW.record_id, NEW.version);
  IF NEW.latest THEN
    UPDATE link k SET a_scope = NEW.scope_id, a_month = NEW.month_end WHERE k.a = NEW.record_id;
    UPDATE link k SET b_scope = NEW.scope_id, b_month = NEW.month_end WHERE k.b = NEW.record_id;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION core.empty_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  DELETE FROM link; DELETE FROM link_fact; DELETE FROM link_queue;
  RETURN NULL;
END $$;
CREATE TRIGGER links_filed AFTER INSERT ON core.report REFERENCING NEW TABLE AS filed
  FOR EACH STATEMENT EXECUTE FUNCTION core.queue_links();
CREATE TRIGGER links_followed AFTER UPDATE OF scope_id, latest ON core.report FOR EACH ROW
  WHEN ((OLD.scope_id, OLD.latest) IS DISTINCT FROM (NEW.scope_id, NEW.latest)) EXECUTE FUNCTION core.keep_links();
CREATE TRIGGER links_succeeded AFTER INSERT ON core.report FOR EACH ROW
  WHEN (NEW.version > 1) EXECUTE FUNCTION core.keep_links();
CREATE TRIGGER links_resulted AFTER UPDATE OF substance ON core.report_line FOR EACH ROW
  WHEN (OLD.substance <> NEW.substance AND NEW.latest) EXECUTE FUNCTION core.requeue_links();
CREATE TRIGGER links_emptied AFTER TRUNCATE ON core.report FOR EACH STATEMENT EXECUTE FUNCTION core.empty_links();

-- One party's word on a link that it sees. Between two agencies each confirms with a key of its own; within one agency
-- two keys do. What was refused or undone begins anew. Answers with the state, or with why not.
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
  IF acting = 'confirm' AND EXISTS (SELECT FROM link_act t WHERE (t.link_id, t.round, t.act) = (l.id, l.round, 'confirm')
      AND (t.key_id = signer OR t.agency = who AND l.a_agency <> l.b_agency)) THEN RETURN 'said-already'; END IF;
  INSERT INTO link_act (id, link_id, round, act, agency, key_id, reason)
    VALUES (gen_random_uuid(), l.id, l.round, acting, who, signer, saying);
  IF acting = 'confirm' THEN
    SELECT count(DISTINCT t.key_id) >= 2 AND count(DISTINCT t.agency) = CASE WHEN l.a_agency = l.b_agency THEN 1 ELSE 2 END
      INTO settled FROM link_act t WHERE (t.link_id, t.round, t.act) = (l.id, l.round, 'confirm');
    UPDATE link k SET state = CASE WHEN settled THEN 'confirmed' ELSE 'proposed' END WHERE k.id = l.id;
    RETURN CASE WHEN settled THEN 'confirmed' ELSE 'proposed' END;
  END IF;
  UPDATE link k SET state = CASE acting WHEN 'reject' THEN 'rejected' ELSE 'undone' END, round = k.round + 1
    WHERE k.id = l.id;
  RETURN CASE acting WHEN 'reject' THEN 'rejected' ELSE 'undone' END;
END $$;

-- Which agencies among the parties see these links, in any role and for any purpose in which they have come before: to
-- nobody else may anything be said of them.
CREATE FUNCTION gate.link_audience(links uuid[]) RETURNS TABLE (agency text, relation text, number bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT s.agency, s.relation, count(*) FROM (
    SELECT DISTINCT c.agency, k.relation, k.id
    FROM link k
    JOIN gate.context c ON c.agency IN (k.a_agency, k.b_agency) AND c.trial IS NULL
    JOIN gate.compiled m ON m.context_id = c.id AND m.until > now() AND m.windows_from IS NULL
      AND m.stopped = (SELECT coalesce(array_agg(x.id ORDER BY x.id), '{}') FROM suspension x
        WHERE x.lifted_at IS NULL AND x.owner <> c.country AND (x.towards_country IS NULL OR x.towards_country = c.country)
          AND (x.towards_agency IS NULL OR x.towards_agency = c.agency) AND x.towards_key IS NULL)
    WHERE k.id = ANY (links)
      AND m.masks[k.a_scope + 1] & (k.base | (1 << 26)) = k.base | (1 << 26)
      AND m.masks[k.b_scope + 1] & (k.base | (1 << 26)) = k.base | (1 << 26)
      AND (m.delays[k.a_scope + 1] = 0 OR k.a_month + m.delays[k.a_scope + 1] <= current_date)
      AND (m.delays[k.b_scope + 1] = 0 OR k.b_month + m.delays[k.b_scope + 1] <= current_date)
      AND link_weight(m.masks[k.a_scope + 1] & m.masks[k.b_scope + 1], k.facets, k.weights) >= k.least
  ) s GROUP BY s.agency, s.relation ORDER BY s.agency, s.relation
$$;

-- Of profiles that the reader may only be told a match of (`hits`): whose they are and how alike the most alike is. Never
-- which, how many, or when; less alike than the calibration of the method asks for, nothing.
CREATE FUNCTION gate.profile_hits(asked text, probe public.cube)
RETURNS TABLE (owner text, agency text, r double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  SELECT s.owner::text, s.agency, max(f.r)
  FROM (
    SELECT p.scope_id, p.month_end, 1 - ((p.unit OPERATOR(public.<->) probe) ^ 2) / 2 AS r,
      ((SELECT gate.masks()))[p.scope_id + 1] AS mask, ((SELECT gate.delays()))[p.scope_id + 1] AS delay
    FROM profile p WHERE p.latest AND p.method = asked AND p.unit OPERATOR(public.<@) public.cube_enlarge(probe,
      sqrt(2 * (1 - (SELECT c.least FROM profile_calibration c WHERE c.method = asked ORDER BY c.version DESC LIMIT 1))),
      public.cube_dim(probe))
  ) f
  JOIN gate.scope s ON s.id = f.scope_id
  WHERE f.mask & ((1 << 29) | (1 << 17)) = (1 << 29) | (1 << 17)
    AND (f.delay = 0 OR f.month_end + f.delay <= current_date)
    AND (f.mask & (1 << 30) = 0 OR f.month_end - DATE '1970-01-01'
      BETWEEN ((SELECT gate.windows_from()))[f.scope_id + 1] AND ((SELECT gate.windows_until()))[f.scope_id + 1])
    AND f.r >= (SELECT c.least FROM profile_calibration c WHERE c.method = asked ORDER BY c.version DESC LIMIT 1)
  GROUP BY s.owner, s.agency ORDER BY s.owner, s.agency
$$;
