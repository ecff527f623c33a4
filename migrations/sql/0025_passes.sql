-- A pass is taken, compared and, where that fails, put back in one transaction, which holds the lock of passes. It
-- looks at records of one country, so that one which fails holds up that country's alone.
--
-- What a pass looks at: records of the country whose turn it is. At one turn those that nobody has looked at yet, at
-- the next those that waited longest of what passes did not get through with, as many as were put back as often.
CREATE FUNCTION core.take_links(most integer, OUT records uuid[], OUT times integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET enable_seqscan = off AS $$
DECLARE
  turn record;
BEGIN
  records := '{}'; times := 0;
  IF NOT pg_try_advisory_xact_lock(7276827) THEN RETURN; END IF;
  WITH RECURSIVE queued(country) AS (
    SELECT min(q.country) FROM link_queue q
    UNION ALL SELECT (SELECT min(q.country) FROM link_queue q WHERE q.country > w.country) FROM queued w
    WHERE w.country IS NOT NULL
  ), waiting AS (
    SELECT w.country, 0 AS again FROM queued w WHERE w.country IS NOT NULL
    UNION ALL SELECT DISTINCT r.country, 1 FROM link_retry r WHERE most >> r.tried > 0
  ), placed AS (
    SELECT w.*, 2 * (256 * ascii(w.country) + ascii(right(w.country, 1))) + w.again AS place FROM waiting w
  ) SELECT p.* INTO turn FROM placed p ORDER BY p.place <= (SELECT t.last_value FROM link_turn t), p.place LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM setval('core.link_turn', turn.place);
  IF turn.again = 0 THEN
    WITH gone AS (
      DELETE FROM link_queue q WHERE q.ctid = ANY (ARRAY(
        SELECT w.ctid FROM link_queue w WHERE w.country = turn.country LIMIT most)) RETURNING q.record_id
    ) SELECT coalesce(array_agg(DISTINCT g.record_id), '{}') INTO records FROM gone g;
    DELETE FROM link_retry r WHERE r.record_id = ANY (records);
    RETURN;
  END IF;
  times := (SELECT r.tried FROM link_retry r WHERE r.country = turn.country AND most >> r.tried > 0
    ORDER BY r.id LIMIT 1);
  WITH gone AS (
    DELETE FROM link_retry r WHERE r.record_id = ANY (ARRAY(
      SELECT w.record_id FROM link_retry w WHERE w.country = turn.country AND w.tried = times
      ORDER BY w.id LIMIT most >> times)) RETURNING r.record_id
  ) SELECT coalesce(array_agg(g.record_id), '{}') INTO records FROM gone g;
END $$;
CREATE FUNCTION core.put_links_back(records uuid[], times integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
  INSERT INTO link_retry (record_id, country, tried)
    SELECT r.record_id, r.country, times FROM report r WHERE r.record_id = ANY (records) AND r.latest
$$;

-- These records are compared with all there are. Returns the links that are new.
CREATE FUNCTION core.find_links(taken uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
BEGIN
  -- what was proposed for an earlier version, or under an earlier result, is looked at anew
  DELETE FROM link k WHERE (k.a = ANY (taken) OR k.b = ANY (taken)) AND k.state = 'proposed'
    AND NOT EXISTS (SELECT FROM link_act t WHERE (t.link_id, t.round) = (k.id, k.round));
  RETURN ARRAY(SELECT find_event_links(taken) UNION ALL SELECT find_profile_links(taken)
    UNION ALL SELECT find_tablet_links(taken));
END $$;
-- Both at once: a pass that nobody interrupts.
CREATE FUNCTION core.find_links(most integer) RETURNS TABLE (looked integer, fresh uuid[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core SET jit = off AS $$
DECLARE
  taken uuid[] := (SELECT t.records FROM take_links(most) t);
BEGIN
  looked := cardinality(taken);
  fresh := CASE WHEN looked > 0 THEN find_links(taken) ELSE '{}' END;
  RETURN NEXT;
END $$;
