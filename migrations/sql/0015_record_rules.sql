-- Private scopes that are about to be, while they are weighed: ids below zero until the lock gives them a place. Rows
-- come and go within one transaction, so that nobody else ever sees one.
CREATE TABLE gate.planned (LIKE gate.scope);

-- What verdicts also rest on and nobody waits for: who is suspended, who is a member, who is in which group. Where it
-- changed between weighing and lock, what was weighed is stale.
CREATE FUNCTION gate.circumstances() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, core AS $$
  SELECT concat_ws('|',
    (SELECT string_agg(x.id::text, ',' ORDER BY x.id) FROM core.suspension x WHERE x.lifted_at IS NULL),
    (SELECT string_agg(c.code || c.status, ',' ORDER BY c.code) FROM core.country c),
    (SELECT string_agg(g.code || g.country, ',' ORDER BY g.code, g.country) FROM core.country_group g))
$$;

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

-- The scopes of their own that these records of one country lack, planned. Returns how many.
CREATE FUNCTION gate.plan_private(of_records uuid[], mine char(2)) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  lacking integer;
BEGIN
  INSERT INTO gate.planned (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT -row_number() OVER (), w.owner, w.kind, w.groups, w.handling, w.agency, w.record_id, w.month_end FROM (
      SELECT DISTINCT ON (r.record_id, s.agency, s.kind, s.groups, s.handling) s.owner, s.kind, s.groups, s.handling,
        s.agency, r.record_id, r.month_end
      FROM core.report r JOIN gate.scope s ON s.id = r.scope_id
      WHERE r.record_id = ANY (of_records) AND r.country = mine
      ORDER BY r.record_id, s.agency, s.kind, s.groups, s.handling, r.version DESC
    ) w WHERE NOT EXISTS (SELECT FROM gate.scope p WHERE p.record = w.record_id
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (w.owner, w.agency, w.kind, w.groups, w.handling));
  GET DIAGNOSTICS lacking = ROW_COUNT;
  RETURN lacking;
END $$;

-- Makes the planned scopes and moves every version of the records into theirs. Under the lock. Returns the first id.
CREATE FUNCTION gate.make_planned(of_records uuid[], mine char(2)) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  first integer := (SELECT count(*) FROM gate.scope);
BEGIN
  INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT first - 1 - p.id, p.owner, p.kind, p.groups, p.handling, p.agency, p.record, p.month_end FROM gate.planned p;
  DELETE FROM gate.planned;
  IF (SELECT count(*) > 4096 FROM gate.scope s WHERE s.owner = mine AND s.record IS NOT NULL) THEN
    RAISE EXCEPTION 'a country has at most 4096 records with rules of their own' USING ERRCODE = 'SG002';
  END IF;
  UPDATE core.report_line l SET scope_id = p.id
    FROM core.report r JOIN gate.scope s ON s.id = r.scope_id JOIN gate.scope p ON p.record = r.record_id
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (s.owner, s.agency, s.kind, s.groups, s.handling)
    WHERE (l.record_id, l.version) = (r.record_id, r.version) AND r.record_id = ANY (of_records) AND r.country = mine
      AND p.id <> s.id;
  UPDATE core.report r SET scope_id = p.id
    FROM gate.scope s JOIN gate.scope p ON p.record IS NOT NULL
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (s.owner, s.agency, s.kind, s.groups, s.handling)
    WHERE s.id = r.scope_id AND p.record = r.record_id AND r.record_id = ANY (of_records) AND r.country = mine
      AND p.id <> s.id;
  RETURN first;
END $$;

-- Grants, blocks and embargoes of some own records, replaced as a whole and effective for all of them at once: each rule
-- names its `record`; a record of which none is named has none. Weighed before the lock, which is then held until the
-- COMMIT: call it last. One country's changes of rules go one after the other, also with `gate.adopt`.
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
  IF EXISTS (SELECT FROM jsonb_to_recordset(rules) AS r(record uuid, permit boolean, valid_until timestamptz, gives text)
    WHERE r.permit IS NULL OR r.valid_until IS NULL OR coalesce(r.gives, 'rows') <> 'rows'
      OR (r.record = ANY (wanted)) IS NOT TRUE)
  THEN
    RAISE EXCEPTION 'a rule of a record permits rows or denies, and has an end' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(7276824, hashtext(mine));
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
CREATE OR REPLACE FUNCTION gate.record_rules(of_record uuid, rules jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  PERFORM gate.rule_records(ARRAY[of_record], (
    SELECT coalesce(jsonb_agg(item || jsonb_build_object('record', of_record)), '[]')
    FROM jsonb_array_elements(rules) AS item));
  RETURN (SELECT r.scope_id FROM core.report r WHERE r.record_id = of_record ORDER BY r.version DESC LIMIT 1);
END $$;

REVOKE ALL ON FUNCTION gate.circumstances(), gate.plan_private(uuid[], char), gate.make_planned(uuid[], char),
  gate.rule_records(uuid[], jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.rule_records(uuid[], jsonb) TO sarhad_write;
