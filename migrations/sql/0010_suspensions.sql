-- Stop what the caller's country shares, towards whom every given member names, at once; answers with its id, that of
-- the one in force where the same is stopped already. Lifted by the same country only. Every reading of everyone asks
-- what is stopped, so narrow ones are rationed; a country, or everyone, can always be stopped.
CREATE FUNCTION gate.suspend(of_agency text, towards_country text, towards_agency text, towards_key text, by text,
  reason text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
DECLARE
  mine char(2) := gate.country();
  made uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(7276826, hashtext(mine));
  SELECT x.id INTO made FROM core.suspension x WHERE x.owner = mine AND x.lifted_at IS NULL
    AND x.of_agency IS NOT DISTINCT FROM suspend.of_agency
    AND x.towards_country IS NOT DISTINCT FROM suspend.towards_country
    AND x.towards_agency IS NOT DISTINCT FROM suspend.towards_agency
    AND x.towards_key IS NOT DISTINCT FROM suspend.towards_key;
  IF made IS NULL THEN
    IF coalesce(suspend.of_agency, suspend.towards_agency, suspend.towards_key) IS NOT NULL AND (
      SELECT count(*) >= 256 FROM core.suspension x WHERE x.owner = mine AND x.lifted_at IS NULL
        AND coalesce(x.of_agency, x.towards_agency, x.towards_key) IS NOT NULL)
    THEN
      RAISE EXCEPTION 'a country has at most 256 suspensions of an agency or a key' USING ERRCODE = 'SG003';
    END IF;
    INSERT INTO core.suspension (owner, of_agency, towards_country, towards_agency, towards_key, by, reason)
      VALUES (mine, suspend.of_agency, suspend.towards_country, suspend.towards_agency, suspend.towards_key,
        suspend.by, suspend.reason) RETURNING id INTO made;
  END IF;
  RETURN made;
END $$;
CREATE POLICY filed_for ON core.suspension FOR INSERT TO sarhad_owner
  WITH CHECK (owner = gate.country() AND lifted_at IS NULL);
CREATE FUNCTION gate.lift(suspension uuid, by text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.suspension x SET lifted_at = clock_timestamp(), lifted_by = lift.by
    WHERE x.id = lift.suspension AND x.owner = gate.country() AND x.lifted_at IS NULL;
  RETURN FOUND;
END $$;

-- Who is a member, or in a group, decides what rules mean: contexts of the country are compiled anew at their next use.
-- Under the lock: who weighs rules meanwhile would put back what lapses here.
CREATE FUNCTION gate.country_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  changed text[] := CASE TG_TABLE_NAME
    WHEN 'country' THEN ARRAY[to_jsonb(NEW) ->> 'code']
    ELSE ARRAY[to_jsonb(OLD) ->> 'country', to_jsonb(NEW) ->> 'country'] END;
BEGIN
  PERFORM gate.lock();
  UPDATE gate.compiled k SET until = '-infinity' FROM gate.context c
    WHERE c.id = k.context_id AND c.country = ANY (changed);
  RETURN NULL;
END $$;
CREATE TRIGGER gate_follows AFTER UPDATE OF status ON core.country FOR EACH ROW
  EXECUTE FUNCTION gate.country_changed();
CREATE TRIGGER gate_follows AFTER INSERT OR UPDATE OR DELETE ON core.country_group FOR EACH ROW
  EXECUTE FUNCTION gate.country_changed();
