-- The ids of the given scopes of the caller's own country, made and compiled where they are new.
CREATE FUNCTION gate.scopes_for(wanted jsonb)
RETURNS TABLE (id integer, kind text, groups integer, handling smallint, agency text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  mine char(2) := gate.country();
  asked jsonb := wanted;
  held integer;
  fresh integer[];
BEGIN
  IF mine IS NULL THEN
    RAISE EXCEPTION 'no context';
  END IF;
  IF EXISTS (SELECT FROM jsonb_to_recordset(asked) AS w(agency text) WHERE (left(w.agency, 2) = mine) IS NOT TRUE) THEN
    RAISE EXCEPTION 'a scope is of an agency of the own country';
  END IF;
  -- A record chooses its groups, so scopes are rationed: beyond 4096 an owner's new combinations share the scope of
  -- all groups. Every deny that names a group applies to it, and of the permits only those that name none.
  SELECT count(*) INTO held FROM gate.scope s WHERE s.owner = mine AND s.record IS NULL;
  SELECT jsonb_agg(jsonb_build_object('kind', w.kind, 'handling', w.handling, 'agency', w.agency, 'asked', w.groups,
      'groups', CASE WHEN held + w.n <= 4096 OR EXISTS (SELECT FROM gate.scope s
        WHERE (s.owner, s.agency, s.kind, s.groups, s.handling) = (mine, w.agency, w.kind, w.groups, w.handling)
          AND s.record IS NULL)
      THEN w.groups ELSE 2147483647 END))
    INTO wanted
    FROM (SELECT r.*, row_number() OVER () AS n
      FROM jsonb_to_recordset(asked) AS r(kind text, groups integer, handling smallint, agency text)) w;
  IF EXISTS (
    SELECT FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint, agency text)
    WHERE NOT EXISTS (SELECT FROM gate.scope s WHERE s.record IS NULL
      AND (s.owner, s.agency, s.kind, s.groups, s.handling) = (mine, w.agency, w.kind, w.groups, w.handling))
  ) THEN
    PERFORM gate.lock();
    WITH added AS (
      INSERT INTO gate.scope (id, owner, kind, groups, handling, agency)
      SELECT (SELECT count(*) FROM gate.scope) + row_number() OVER () - 1, mine, w.kind, w.groups, w.handling, w.agency
      FROM (SELECT DISTINCT *
        FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint, agency text)) w
      WHERE NOT EXISTS (SELECT FROM gate.scope s WHERE s.record IS NULL
        AND (s.owner, s.agency, s.kind, s.groups, s.handling) = (mine, w.agency, w.kind, w.groups, w.handling))
      RETURNING gate.scope.id
    ) SELECT array_agg(a.id ORDER BY a.id) INTO fresh FROM added a;
    IF fresh IS NOT NULL THEN
      PERFORM gate.put(gate.weigh(gate.readers(), fresh, clock_timestamp()), gate.readers(), fresh);
    END IF;
  END IF;
  RETURN QUERY SELECT s.id, s.kind, w.asked, s.handling, s.agency
    FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint, agency text, asked integer)
    JOIN gate.scope s ON s.record IS NULL
      AND (s.owner, s.agency, s.kind, s.groups, s.handling) = (mine, w.agency, w.kind, w.groups, w.handling);
END $$;

-- The scope of a record's own with the labels of this one, for a version of this month.
CREATE FUNCTION gate.own_scope(of_record uuid, like_scope integer, of_month date) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT p.id FROM gate.scope s JOIN gate.scope p ON (p.record, p.month_end) = (of_record, of_month)
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (s.owner, s.agency, s.kind, s.groups, s.handling)
    WHERE s.id = like_scope);
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
-- `month_end`. Made with the version itself, they would hold the gate's lock to the COMMIT of a batch of 50,000 lines:
-- nobody would enter in new eyes, and no other country's recall, embargo or approval come through. In a short
-- transaction of its own, before the versions come: it holds the gate's lock to its COMMIT.
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
CREATE FUNCTION gate.keep_private() RETURNS trigger
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
CREATE TRIGGER keep_private BEFORE INSERT ON core.report FOR EACH ROW WHEN (NEW.version > 1)
  EXECUTE FUNCTION gate.keep_private();
CREATE FUNCTION gate.follow_report() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  NEW.scope_id := coalesce((SELECT r.scope_id FROM core.report r
    WHERE (r.record_id, r.version) = (NEW.record_id, NEW.version) AND r.scope_id IN (
      SELECT s.id FROM gate.scope s WHERE s.record = NEW.record_id)), NEW.scope_id);
  RETURN NEW;
END $$;
CREATE TRIGGER follow_report BEFORE INSERT ON core.report_line FOR EACH ROW WHEN (NEW.version > 1)
  EXECUTE FUNCTION gate.follow_report();

-- Besides superseding, the owner's rows move into a scope of the record's own, and nowhere else.
CREATE POLICY made_private ON core.report FOR UPDATE TO sarhad_owner USING (country = gate.country())
  WITH CHECK (country = gate.country() AND EXISTS (SELECT FROM gate.scope s
    WHERE (s.id, s.record) = (report.scope_id, report.record_id)));
CREATE POLICY made_private ON core.report_line FOR UPDATE TO sarhad_owner USING (
    EXISTS (SELECT FROM core.report r WHERE (r.record_id, r.version) = (report_line.record_id, report_line.version)))
  WITH CHECK (EXISTS (SELECT FROM gate.scope s WHERE (s.id, s.record) = (report_line.scope_id, report_line.record_id)));

-- A record becomes private, or gets its next version, one after the other.
CREATE OR REPLACE FUNCTION gate.supersede(record uuid, superseded integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  PERFORM gate.lock_record(record);
  UPDATE core.report SET latest = false
    WHERE record_id = record AND version = superseded AND latest AND country = gate.country();
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE core.report_line SET latest = false WHERE record_id = record AND version = superseded;
  RETURN true;
END $$;
