-- Of one record it is known whether a delay is over: with another month it has another scope, and what readers see of
-- the version in force does not change before the next one is committed.
ALTER TABLE gate.scope DROP CONSTRAINT scope_labels_key;
ALTER TABLE gate.scope ADD CONSTRAINT scope_labels_key
  UNIQUE NULLS NOT DISTINCT (owner, agency, kind, groups, handling, record, month_end);

DROP FUNCTION gate.privatise(uuid);
DROP FUNCTION gate.own_scope(uuid, integer);
-- The scope of a record's own with the labels of this one, for a version of this month.
CREATE FUNCTION gate.own_scope(of_record uuid, like_scope integer, of_month date) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT p.id FROM gate.scope s JOIN gate.scope p ON (p.record, p.month_end) = (of_record, of_month)
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (s.owner, s.agency, s.kind, s.groups, s.handling)
    WHERE s.id = like_scope);
END $$;

-- A record becomes private, or gets its next version, one after the other: whoever does either holds the row of its
-- first version. A batch holds as many as it has corrections, more than the cluster has room for other locks.
CREATE OR REPLACE FUNCTION gate.lock_record(of_record uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM FROM core.report r WHERE (r.record_id, r.version) = (of_record, 1) FOR NO KEY UPDATE;
END $$;

-- Versions of these records are about to come. Of those that the caller's agency filed, nobody gives one rules of its
-- own until the COMMIT. Returns those that have scopes of their own, as which their next versions come, too.
CREATE FUNCTION gate.hold_records(of_records uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country();
  filing text := gate.agency();
  held uuid[];
BEGIN
  held := ARRAY(SELECT r.record_id FROM core.report r
    WHERE r.record_id = ANY (of_records) AND r.version = 1 AND r.country = mine AND r.agency = filing
    ORDER BY r.record_id FOR NO KEY UPDATE);
  RETURN ARRAY(SELECT DISTINCT s.record FROM gate.scope s WHERE s.record = ANY (held));
END $$;

-- The scopes that versions to come of own records with scopes of their own need, made and compiled where they are new;
-- beyond the ration, none. Each of `wanted` names its `record`, the `scope` that its labels have in general, and its
-- `month_end`. In a short transaction of its own, before the versions come: it holds the gate's lock to its COMMIT.
CREATE FUNCTION gate.private_scopes_for(wanted jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country();
  moment timestamptz;
  readers integer[];
  room integer := 4096 - (SELECT count(*) FROM gate.scope s WHERE s.owner = gate.country() AND s.record IS NOT NULL);
  fresh integer[];
BEGIN
  IF room <= 0 OR NOT EXISTS (SELECT FROM jsonb_to_recordset(wanted) AS w(record uuid, scope integer, month_end date)
    WHERE gate.own_scope(w.record, w.scope, w.month_end) IS NULL)
  THEN
    RETURN;
  END IF;
  PERFORM gate.lock();
  room := 4096 - (SELECT count(*) FROM gate.scope s WHERE s.owner = mine AND s.record IS NOT NULL);
  WITH lacking AS (
    SELECT DISTINCT s.kind, s.groups, s.handling, s.agency, w.record, w.month_end
    FROM jsonb_to_recordset(wanted) AS w(record uuid, scope integer, month_end date)
    JOIN gate.scope s ON s.id = w.scope AND s.owner = mine
    WHERE gate.own_scope(w.record, w.scope, w.month_end) IS NULL
      AND EXISTS (SELECT FROM gate.scope p WHERE p.record = w.record AND p.owner = mine)
    LIMIT greatest(room, 0)
  ), added AS (
    INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
    SELECT (SELECT count(*) FROM gate.scope) + row_number() OVER () - 1, mine, l.kind, l.groups, l.handling, l.agency,
      l.record, l.month_end FROM lacking l
    RETURNING gate.scope.id
  ) SELECT array_agg(a.id ORDER BY a.id) INTO fresh FROM added a;
  IF fresh IS NULL THEN
    RETURN;
  END IF;
  moment := clock_timestamp();
  readers := gate.readers();
  PERFORM gate.put(gate.weigh(readers, fresh, moment), readers, fresh);
  IF EXISTS (SELECT FROM gate.rule r JOIN gate.scope s ON s.record = r.record WHERE s.id = ANY (fresh)) THEN
    PERFORM gate.restamp(readers, moment);
  END IF;
END $$;

-- A later version of a record with scopes of its own goes into one of them, or nowhere.
CREATE OR REPLACE FUNCTION gate.keep_private() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  IF EXISTS (SELECT FROM gate.scope s WHERE s.record = NEW.record_id) THEN
    NEW.scope_id := gate.own_scope(NEW.record_id, NEW.scope_id, NEW.month_end);
    IF NEW.scope_id IS NULL THEN
      RAISE EXCEPTION 'a record with rules of its own has no scope for this version' USING ERRCODE = 'SG005';
    END IF;
  END IF;
  RETURN NEW;
END $$;
DROP FUNCTION gate.private_scope(uuid, integer, date);

-- The scopes of their own that these records of one country lack, planned. Returns how many.
CREATE OR REPLACE FUNCTION gate.plan_private(of_records uuid[], mine char(2)) RETURNS integer
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
CREATE OR REPLACE FUNCTION gate.make_planned(of_records uuid[], mine char(2)) RETURNS integer
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

REVOKE ALL ON FUNCTION gate.own_scope(uuid, integer, date), gate.hold_records(uuid[]), gate.private_scopes_for(jsonb)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.hold_records(uuid[]), gate.private_scopes_for(jsonb) TO sarhad_write;
