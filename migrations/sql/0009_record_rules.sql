-- The scopes of their own that these records of one country lack, planned. Returns how many.
CREATE FUNCTION gate.plan_private(of_records uuid[], mine char(2)) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  lacking integer;
BEGIN
  INSERT INTO gate.planned (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT -row_number() OVER (), w.* FROM (
      SELECT DISTINCT s.owner, s.kind, s.groups, s.handling, s.agency, r.record_id, r.month_end
      FROM core.report r JOIN gate.scope s ON s.id = r.scope_id
      WHERE r.record_id = ANY (of_records) AND r.country = mine
    ) w WHERE NOT EXISTS (SELECT FROM gate.scope p WHERE (p.record, p.month_end) = (w.record_id, w.month_end)
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (w.owner, w.agency, w.kind, w.groups, w.handling));
  GET DIAGNOSTICS lacking = ROW_COUNT;
  RETURN lacking;
END $$;

-- Makes the planned scopes and moves every version of the records into theirs. Under the lock. Returns the first id.
-- Where each version goes is looked up for itself: joined by labels, every scope of a record met every other of the
-- same labels, and a recall of 300 records read 17,000 pairs twice.
CREATE FUNCTION gate.make_planned(of_records uuid[], mine char(2)) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  first integer := (SELECT count(*) FROM gate.scope);
BEGIN
  INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT first - 1 - p.id, p.owner, p.kind, p.groups, p.handling, p.agency, p.record, p.month_end FROM gate.planned p;
  DELETE FROM gate.planned;
  IF (SELECT count(*) > 4096 FROM gate.scope s WHERE s.owner = mine AND s.record IS NOT NULL) THEN
    RAISE EXCEPTION 'a country has at most 4096 scopes of single records' USING ERRCODE = 'SG002';
  END IF;
  WITH moving AS MATERIALIZED (
    SELECT r.record_id, r.version, gate.own_scope(r.record_id, r.scope_id, r.month_end) AS scope_id
    FROM core.report r WHERE r.record_id = ANY (of_records) AND r.country = mine
  )
  UPDATE core.report_line l SET scope_id = m.scope_id FROM moving m
    WHERE (l.record_id, l.version) = (m.record_id, m.version) AND l.scope_id <> m.scope_id;
  WITH moving AS MATERIALIZED (
    SELECT r.record_id, r.version, gate.own_scope(r.record_id, r.scope_id, r.month_end) AS scope_id
    FROM core.report r WHERE r.record_id = ANY (of_records) AND r.country = mine
  )
  UPDATE core.report r SET scope_id = m.scope_id FROM moving m
    WHERE (r.record_id, r.version) = (m.record_id, m.version) AND r.scope_id <> m.scope_id;
  RETURN first;
END $$;

-- Grants, blocks and embargoes of some own records, replaced as a whole and effective for all of them at once: each
-- rule names its `record`; a record of which none is named has none. Permits add to what the policy gives, denies take
-- all away from whom they name. Weighed before the lock, so that nobody waits for a large recall; it is then held until
-- the COMMIT: call it last. A record has so many rules of its own, and a country's records; one for everyone (an
-- embargo, a recall) always fits. One country's changes of rules go one after the other, also with `gate.adopt`.
CREATE FUNCTION gate.rule_records(of_records uuid[], rules jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country();
  wanted uuid[] := ARRAY(SELECT DISTINCT unnest(of_records) ORDER BY 1);
  moment timestamptz;
  readers integer[];
  late integer[];
  places integer[];
  around text;
  weighed gate.placing[];
  first integer;
BEGIN
  IF EXISTS (
    SELECT FROM jsonb_to_recordset(rules) AS r(record uuid, permit boolean, valid_until timestamptz, gives text)
    WHERE r.permit IS NULL OR r.valid_until IS NULL OR coalesce(r.gives, 'rows') <> 'rows'
      OR (r.record = ANY (wanted)) IS NOT TRUE)
  THEN
    RAISE EXCEPTION 'a rule of a record permits rows or denies, and has an end' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(7276824, hashtext(mine));
  DELETE FROM gate.rule r WHERE r.owner = mine AND r.layer = 'record' AND r.valid_until < clock_timestamp();
  IF EXISTS (SELECT FROM jsonb_to_recordset(rules) AS r(record uuid, permit boolean, countries text[], agencies text[])
      WHERE r.permit OR r.countries IS NOT NULL OR r.agencies IS NOT NULL GROUP BY r.record HAVING count(*) > 40)
    OR (SELECT count(*) > 8192 FROM gate.rule r WHERE r.owner = mine AND r.layer = 'record'
      AND (r.permit OR r.countries IS NOT NULL OR r.agencies IS NOT NULL) AND r.record <> ALL (wanted))
  THEN
    RAISE EXCEPTION 'a record has at most 40 rules of its own, and a country 8192' USING ERRCODE = 'SG004';
  END IF;
  PERFORM gate.lock_record(r) FROM unnest(wanted) AS r;
  IF (SELECT count(DISTINCT r.record_id) FROM core.report r WHERE r.record_id = ANY (wanted) AND r.country = mine)
    <> cardinality(wanted)
  THEN
    RAISE EXCEPTION 'no such record of the own country' USING ERRCODE = 'no_data_found';
  END IF;
  PERFORM gate.plan_private(wanted, mine);
  moment := clock_timestamp();
  DELETE FROM gate.rule r WHERE r.owner = mine AND r.record = ANY (wanted);
  INSERT INTO gate.rule SELECT p.* FROM gate.parsed(mine, 'record', 0, rules, moment) p;
  places := ARRAY(SELECT s.id FROM gate.scope s WHERE s.owner = mine AND s.record = ANY (wanted)
    UNION ALL SELECT p.id FROM gate.planned p);
  readers := gate.readers();
  around := gate.circumstances();
  weighed := gate.weigh(readers, places, moment);

  PERFORM gate.lock();
  first := gate.make_planned(wanted, mine);
  weighed := ARRAY(SELECT ROW(p.context_id,
      ARRAY(SELECT CASE WHEN x.id < 0 THEN first - 1 - x.id ELSE x.id END
        FROM unnest(p.scopes) WITH ORDINALITY AS x(id, n) ORDER BY x.n),
      p.masks, p.delays, p.duties, p.windows_from, p.windows_until, p.turns)::gate.placing FROM unnest(weighed) AS p);
  places := ARRAY(SELECT s.id FROM gate.scope s WHERE s.owner = mine AND s.record = ANY (wanted));
  IF gate.circumstances() <> around THEN
    weighed := gate.weigh(readers, places, moment);
  END IF;
  late := ARRAY(SELECT unnest(gate.readers()) EXCEPT SELECT unnest(readers));
  PERFORM gate.put(weighed, readers, places);
  IF late <> '{}' THEN
    PERFORM gate.put(gate.weigh(late, places, moment), late, places);
  END IF;
  PERFORM gate.restamp(readers || late, moment);
END $$;

-- The rules of one record.
CREATE FUNCTION gate.record_rules(of_record uuid, rules jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  PERFORM gate.rule_records(ARRAY[of_record], (
    SELECT coalesce(jsonb_agg(item || jsonb_build_object('record', of_record)), '[]')
    FROM jsonb_array_elements(rules) AS item));
  RETURN (SELECT r.scope_id FROM core.report r WHERE r.record_id = of_record ORDER BY r.version DESC LIMIT 1);
END $$;
