-- A context token: context, expiry, key, roles, random, and a keyed hash of them all. Only the role that verified a
-- signature may mint one; whoever reads can neither forge one nor turn one into another. It opens transactions that
-- begin within two minutes.
CREATE FUNCTION gate.token(of_context integer, of_key text, of_roles text[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, gate AS $$
DECLARE
  claim text := concat_ws('.', of_context, extract(epoch FROM clock_timestamp())::bigint + 120, of_key,
    array_to_string(of_roles, '+'), encode(public.gen_random_bytes(16), 'hex'));
BEGIN
  RETURN claim || '.' || encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex');
END $$;

-- The token's claim, once its hash and its time hold: an empty array otherwise. Called by the gate's own functions
-- alone, as their owner and on their search path.
CREATE FUNCTION gate.claim() RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  token text := nullif(current_setting('sarhad.context', true), '');
  claim text := left(token, -65);
BEGIN
  IF token IS NULL
    OR right(token, 64) <>
      encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex')
  THEN
    RETURN '{}';
  END IF;
  -- a statement of its own: the planner may compute a cast ahead of the condition that guards it
  IF split_part(claim, '.', 2)::bigint < extract(epoch FROM now()) THEN
    RETURN '{}';
  END IF;
  RETURN string_to_array(claim, '.');
END $$;

CREATE OR REPLACE FUNCTION gate.context_id() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (gate.claim())[1]::integer;
END $$;

-- The key that signed the request, and all roles that it holds.
CREATE FUNCTION gate.key() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN nullif((gate.claim())[3], '');
END $$;
CREATE FUNCTION gate.roles() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN string_to_array(nullif((gate.claim())[4], ''), '+');
END $$;

-- Whose eyes these are; of a trial nobody's, so that it opens nothing that is a country's own.
CREATE OR REPLACE FUNCTION gate.country() RETURNS char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT c.country FROM gate.context c WHERE c.id = gate.context_id() AND c.trial IS NULL);
END $$;
CREATE FUNCTION gate.agency() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT c.agency FROM gate.context c WHERE c.id = gate.context_id() AND c.trial IS NULL);
END $$;

-- Roles that read nothing make no context of their own.
CREATE FUNCTION gate.reading(roles text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT r FROM unnest(roles) r
    WHERE r IN ('reporter', 'laboratory', 'analyst', 'policy_officer', 'coordinator') ORDER BY 1);
END $$;

CREATE FUNCTION gate.enter(entering_country text, entering_agency text, entering_roles text[], entering_purpose text,
  entering_key text DEFAULT '') RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  counted text[] := gate.reading(entering_roles);
  found integer;
  fresh boolean;
BEGIN
  SELECT c.id, coalesce(k.until > now(), false) INTO found, fresh
    FROM gate.context c LEFT JOIN gate.compiled k ON k.context_id = c.id
    WHERE (c.country, c.agency, c.roles, c.purpose) = (entering_country, entering_agency, counted, entering_purpose)
      AND c.trial IS NULL;
  IF fresh IS NOT TRUE THEN
    -- who signs in waits a moment, not for a policy that takes long to put in place: others need the connection
    PERFORM set_config('lock_timeout', '1s', true);
    PERFORM gate.share();
    IF found IS NULL THEN
      IF (SELECT count(*) >= 1024 FROM gate.context c WHERE c.country = entering_country AND c.trial IS NULL) THEN
        RAISE EXCEPTION 'a country has at most 1024 contexts: agencies, combinations of roles and purposes'
          USING ERRCODE = 'SG001';
      END IF;
      INSERT INTO gate.context (country, agency, roles, purpose)
        VALUES (entering_country, entering_agency, counted, entering_purpose)
        ON CONFLICT DO NOTHING;
      SELECT c.id INTO STRICT found FROM gate.context c
        WHERE (c.country, c.agency, c.roles, c.purpose)
          = (entering_country, entering_agency, counted, entering_purpose) AND c.trial IS NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM gate.compiled k WHERE k.context_id = found AND k.until > now()) THEN
      PERFORM gate.compile(ARRAY[found]);
    END IF;
  ELSIF EXISTS (SELECT FROM gate.compiled k WHERE k.context_id = found
      AND k.stopped <> gate.stops(entering_country, entering_agency, NULL))
    AND pg_try_advisory_xact_lock_shared(7276823)
  THEN
    PERFORM gate.compile(ARRAY[found]);
  END IF;
  RETURN gate.token(found, entering_key, ARRAY(SELECT DISTINCT unnest(entering_roles) ORDER BY 1));
END $$;

-- A token for the holder of an enrolled key that is in force; NULL for any other. A key of a sign-in opens the gate
-- only while its person is not ended, whatever became of the key.
CREATE OR REPLACE FUNCTION gate.mint(key_id text, stated_purpose text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate, core AS $$
BEGIN
  RETURN (
    SELECT gate.enter(a.country, a.code, ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid),
                      coalesce(stated_purpose, ''), k.kid)
    FROM core.agency_key k JOIN core.agency a ON a.code = k.agency
    WHERE k.kid = key_id AND k.use = 'request-signing' AND gate.in_force(k)
      AND NOT EXISTS (SELECT FROM core.session_key s JOIN core.person p ON p.id = s.person
        WHERE s.kid = k.kid AND p.ended_at IS NOT NULL));
END $$;

-- A fresh token for what goes on in another transaction beside this one, while the key is in force.
CREATE FUNCTION gate.renew() RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, gate, core AS $$
  SELECT gate.token(c.id, gate.key(), gate.roles()) FROM gate.context c
  WHERE c.id = gate.context_id() AND c.trial IS NULL AND (gate.key() IS NULL OR EXISTS (
    SELECT FROM core.agency_key k WHERE k.kid = gate.key() AND gate.in_force(k)))
$$;

-- What has been stopped towards this reader and is not yet compiled in: no scope of those gives anything. Arrays leave
-- flat (`|| '{}'`): a stored, out-of-line array would be fetched anew for every row.
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

CREATE OR REPLACE FUNCTION gate.delays() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.delays || '{}'::integer[] FROM gate.compiled k
    WHERE k.context_id = gate.context_id() AND k.until > now());
END $$;
CREATE FUNCTION gate.duties() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.duties || '{}'::integer[] FROM gate.compiled k
    WHERE k.context_id = gate.context_id() AND k.until > now());
END $$;
-- Days since 1970-01-01, both inclusive, where bit 30 of the mask says so.
CREATE FUNCTION gate.windows_from() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.windows_from || '{}'::integer[] FROM gate.compiled k
    WHERE k.context_id = gate.context_id() AND k.until > now());
END $$;
CREATE FUNCTION gate.windows_until() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.windows_until || '{}'::integer[] FROM gate.compiled k
    WHERE k.context_id = gate.context_id() AND k.until > now());
END $$;

CREATE OR REPLACE FUNCTION gate.policy_version() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  claim text[] := gate.claim();
  known text;
  active uuid[];
BEGIN
  SELECT k.version, gate.stops(c.country, c.agency, claim[3]) INTO known, active
    FROM gate.compiled k JOIN gate.context c ON c.id = k.context_id
    WHERE k.context_id = claim[1]::integer AND k.until > now();
  IF active = '{}' THEN
    RETURN known;
  END IF;
  RETURN left(encode(sha256(convert_to(known || active::text, 'UTF8')), 'hex'), 16);
END $$;
