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

-- The scope with the labels of `like_scope` that this record has for itself, made where it is new.
CREATE FUNCTION gate.private_scope(of_record uuid, like_scope integer, ended date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  labels gate.scope := (SELECT s FROM gate.scope s WHERE s.id = like_scope);
  kept gate.scope;
BEGIN
  SELECT s.* INTO kept FROM gate.scope s WHERE s.record = of_record
    AND (s.owner, s.agency, s.kind, s.groups, s.handling)
      = (labels.owner, labels.agency, labels.kind, labels.groups, labels.handling);
  IF kept.month_end = ended THEN
    RETURN kept.id;
  END IF;
  PERFORM gate.lock();
  IF kept.id IS NOT NULL THEN
    UPDATE gate.scope s SET month_end = ended WHERE s.id = kept.id;
  ELSE
    IF (SELECT count(*) >= 4096 FROM gate.scope s WHERE s.owner = labels.owner AND s.record IS NOT NULL) THEN
      RAISE EXCEPTION 'a country has at most 4096 records with rules of their own' USING ERRCODE = 'SG002';
    END IF;
    INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
      SELECT count(*), labels.owner, labels.kind, labels.groups, labels.handling, labels.agency, of_record, ended
      FROM gate.scope RETURNING * INTO kept;
  END IF;
  PERFORM gate.put(gate.weigh(gate.readers(), ARRAY[kept.id], clock_timestamp()), gate.readers(), ARRAY[kept.id]);
  IF EXISTS (SELECT FROM gate.rule r WHERE r.record = of_record) THEN
    PERFORM gate.restamp(gate.readers(), clock_timestamp());
  END IF;
  RETURN kept.id;
END $$;

-- Gives a record of the caller's own country a scope of its own, in every version; again: the same. Readers see of it
-- what they saw. Raises where there is no such record.
CREATE FUNCTION gate.privatise(of_record uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  v record;
  own_scope integer;
BEGIN
  PERFORM gate.lock_record(of_record);
  FOR v IN SELECT r.version, r.scope_id, r.month_end FROM core.report r
    WHERE r.record_id = of_record AND r.country = gate.country() ORDER BY r.version
  LOOP
    own_scope := gate.private_scope(of_record, v.scope_id, v.month_end);
    IF own_scope <> v.scope_id THEN
      UPDATE core.report_line l SET scope_id = own_scope
        WHERE (l.record_id, l.version) = (of_record, v.version);
      UPDATE core.report r SET scope_id = own_scope WHERE (r.record_id, r.version) = (of_record, v.version);
    END IF;
  END LOOP;
  IF own_scope IS NULL THEN
    RAISE EXCEPTION 'no such record of the own country' USING ERRCODE = 'no_data_found';
  END IF;
  RETURN own_scope;
END $$;

-- Grants, blocks and embargoes of one own record, replaced as a whole: permits add to what the policy gives, denies take
-- all away from whom they name. Each ends some day. Returns the record's scope.
CREATE FUNCTION gate.record_rules(of_record uuid, rules jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  own_scope integer;
  places integer[];
  mine char(2) := gate.country();
BEGIN
  IF EXISTS (SELECT FROM jsonb_to_recordset(rules) AS r(permit boolean, valid_until timestamptz, gives text)
    WHERE r.permit IS NULL OR r.valid_until IS NULL OR coalesce(r.gives, 'rows') <> 'rows')
  THEN
    RAISE EXCEPTION 'a rule of a record permits rows or denies, and has an end' USING ERRCODE = 'check_violation';
  END IF;
  own_scope := gate.privatise(of_record);
  DELETE FROM gate.rule r WHERE r.owner = mine AND r.record = of_record;
  INSERT INTO gate.rule SELECT p.* FROM gate.parsed(mine, 'record', 0, (
    SELECT coalesce(jsonb_agg(item || jsonb_build_object('record', of_record)), '[]')
    FROM jsonb_array_elements(rules) AS item), clock_timestamp()) p;
  PERFORM gate.lock();
  places := ARRAY(SELECT s.id FROM gate.scope s WHERE s.owner = mine AND s.record = of_record);
  PERFORM gate.put(gate.weigh(gate.readers(), places, clock_timestamp()), gate.readers(), places);
  PERFORM gate.restamp(gate.readers(), clock_timestamp());
  RETURN own_scope;
END $$;

-- A later version of a record with rules of its own stays under them, whatever scope its labels have in general.
CREATE FUNCTION gate.keep_private() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  IF EXISTS (SELECT FROM gate.scope s WHERE s.record = NEW.record_id) THEN
    NEW.scope_id := gate.private_scope(NEW.record_id, NEW.scope_id, NEW.month_end);
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
