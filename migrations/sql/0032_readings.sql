-- A function in SQL is planned anew in every transaction that calls it; one in PL/pgSQL once a session. These are
-- called for every request and every row's array.

-- Called by the gate's own functions alone, as their owner and on their search path.
ALTER FUNCTION gate.claim() SECURITY INVOKER;
ALTER FUNCTION gate.claim() RESET search_path;

CREATE OR REPLACE FUNCTION gate.stops(of_country char(2), of_agency text, of_key text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, core AS $$
BEGIN
  RETURN ARRAY(SELECT x.id FROM core.suspension x
    WHERE x.lifted_at IS NULL AND x.owner <> stops.of_country
      AND (x.towards_country IS NULL OR x.towards_country = stops.of_country)
      AND (x.towards_agency IS NULL OR x.towards_agency = stops.of_agency)
      AND (x.towards_key IS NULL OR x.towards_key = stops.of_key)
    ORDER BY x.id);
END $$;

CREATE OR REPLACE FUNCTION gate.masks() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  claim text[] := gate.claim();
  taken_in uuid[];
  active uuid[];
  list integer[];
BEGIN
  SELECT k.masks || '{}'::integer[], k.stopped, gate.stops(c.country, c.agency, claim[3]) INTO list, taken_in, active
    FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id
    WHERE k.context_id = claim[1]::integer AND k.until > now();
  IF active = taken_in THEN
    RETURN list;
  END IF;
  RETURN (
    SELECT array_agg(CASE WHEN x.stopped THEN 0 ELSE m.mask END ORDER BY m.number)
    FROM unnest(list) WITH ORDINALITY AS m(mask, number)
    LEFT JOIN (
      SELECT DISTINCT s.id, true AS stopped FROM core.suspension x
      JOIN gate.scope s ON s.owner = x.owner AND (x.of_agency IS NULL OR s.agency = x.of_agency)
      WHERE x.id = ANY (active)) x ON x.id = m.number - 1);
END $$;

CREATE OR REPLACE FUNCTION gate.mint(key_id text, stated_purpose text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate, core AS $$
BEGIN
  RETURN (
    SELECT gate.enter(a.country, a.code, ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid),
                      coalesce(stated_purpose, ''), k.kid)
    FROM core.agency_key k JOIN core.agency a ON a.code = k.agency
    WHERE k.kid = key_id AND k.use = 'request-signing' AND k.not_before <= now()
      AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL);
END $$;

CREATE OR REPLACE FUNCTION gate.reading(roles text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT r FROM unnest(roles) r
    WHERE r IN ('reporter', 'laboratory', 'analyst', 'policy_officer', 'coordinator') ORDER BY 1);
END $$;

-- The scope of a record's own with the labels of this one.
CREATE FUNCTION gate.own_scope(of_record uuid, like_scope integer) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT p.id FROM gate.scope s JOIN gate.scope p ON p.record = of_record
      AND (p.owner, p.agency, p.kind, p.groups, p.handling) = (s.owner, s.agency, s.kind, s.groups, s.handling)
    WHERE s.id = like_scope);
END $$;
REVOKE ALL ON FUNCTION gate.own_scope(uuid, integer) FROM PUBLIC;

-- Where each version goes is looked up for itself: joined by labels, every scope of a record met every other of the same
-- labels, and a recall of 300 records read 17,000 pairs twice.
CREATE OR REPLACE FUNCTION gate.make_planned(of_records uuid[], mine char(2)) RETURNS integer
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
  WITH moving AS MATERIALIZED (
    SELECT r.record_id, r.version, gate.own_scope(r.record_id, r.scope_id) AS scope_id
    FROM core.report r WHERE r.record_id = ANY (of_records) AND r.country = mine
  )
  UPDATE core.report_line l SET scope_id = m.scope_id FROM moving m
    WHERE (l.record_id, l.version) = (m.record_id, m.version) AND l.scope_id <> m.scope_id;
  WITH moving AS MATERIALIZED (
    SELECT r.record_id, r.version, gate.own_scope(r.record_id, r.scope_id) AS scope_id
    FROM core.report r WHERE r.record_id = ANY (of_records) AND r.country = mine
  )
  UPDATE core.report r SET scope_id = m.scope_id FROM moving m
    WHERE (r.record_id, r.version) = (m.record_id, m.version) AND r.scope_id <> m.scope_id;
  RETURN first;
END $$;
