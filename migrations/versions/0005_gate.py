"""The policy gate: scopes, contexts, rules, compiled masks and the tokens that choose a context.

A scope is all that a rule may test about a record; a context is all that a rule may test about a caller. Rules ×
scopes × contexts compile into one integer per (context, scope): the facets granted, and flags for the precision
level. Row security and the masking views read those integers through an InitPlan, so a row costs one array access.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE gate.secret (key bytea NOT NULL DEFAULT public.gen_random_bytes(32));
INSERT INTO gate.secret DEFAULT VALUES;

-- ids are dense from 0, because they index the compiled arrays
CREATE TABLE gate.scope (
  id integer PRIMARY KEY,
  owner char(2) NOT NULL,
  kind text NOT NULL,
  groups integer NOT NULL,
  handling smallint NOT NULL,
  UNIQUE (owner, kind, groups, handling),
  UNIQUE (id, owner)
);

CREATE TABLE gate.context (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  country char(2) NOT NULL,
  agency text NOT NULL,
  roles text[] NOT NULL,
  purpose text NOT NULL,
  UNIQUE (country, agency, roles, purpose)
);

-- NULL means any; `groups` and `facets` are bit masks
CREATE TABLE gate.rule (
  owner char(2) NOT NULL,
  position integer NOT NULL,
  permit boolean NOT NULL,
  joins boolean NOT NULL,
  countries text[],
  agencies text[],
  roles text[],
  purposes text[],
  kinds text[],
  groups integer,
  handling smallint NOT NULL,
  facets integer NOT NULL,
  delay integer NOT NULL,
  PRIMARY KEY (owner, position)
);

CREATE TABLE gate.compiled (
  context_id integer PRIMARY KEY REFERENCES gate.context,
  masks integer[] NOT NULL,
  delays integer[] NOT NULL,
  version text NOT NULL
);
ALTER TABLE gate.compiled ALTER COLUMN masks SET STORAGE EXTERNAL, ALTER COLUMN delays SET STORAGE EXTERNAL;
"""

# What each context may see of each scope. Deny overrides. Of the permits, the first that does not join is the base;
# those that join add their facets, if they do not make the reader wait longer than the base.
GRANTS = """
CREATE FUNCTION gate.grants(wanted_contexts integer[], wanted_scopes integer[])
RETURNS TABLE (context_id integer, scope_id integer, facets integer, delay integer, own boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  WITH reader AS (
    SELECT * FROM gate.context c
    WHERE c.id = ANY (wanted_contexts)
      AND c.roles && ARRAY['reporter', 'laboratory', 'analyst', 'policy_officer', 'coordinator']
  ), matching AS (
    SELECT c.id AS context_id, s.id AS scope_id, r.*
    FROM reader c
    CROSS JOIN gate.scope s
    JOIN gate.rule r ON r.owner = s.owner
      AND (r.countries IS NULL OR c.country = ANY (r.countries))
      AND (r.agencies IS NULL OR c.agency = ANY (r.agencies))
      AND (r.roles IS NULL OR c.roles && r.roles)
      AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
      AND (r.kinds IS NULL OR s.kind = ANY (r.kinds))
      AND CASE WHEN r.permit
        THEN (r.groups IS NULL OR s.groups & ~r.groups = 0) AND s.handling <= r.handling
        ELSE (r.groups IS NULL OR s.groups & r.groups <> 0) AND s.handling >= r.handling END
    WHERE c.country <> s.owner AND c.purpose <> '' AND s.id = ANY (wanted_scopes)
  ), ranked AS (
    SELECT m.context_id, m.scope_id, m.position, m.joins, m.facets, m.delay, bool_and(m.permit) OVER pair AS permitted,
      coalesce(min(m.position) FILTER (WHERE NOT m.joins) OVER pair, min(m.position) OVER pair) AS base
    FROM matching m WINDOW pair AS (PARTITION BY m.context_id, m.scope_id)
  ), based AS (
    SELECT r.*, max(r.delay) FILTER (WHERE r.position = r.base) OVER (PARTITION BY r.context_id, r.scope_id) AS wait
    FROM ranked r WHERE r.permitted
  )
  SELECT b.context_id, b.scope_id, bit_or(b.facets), b.wait, false
  FROM based b
  WHERE b.position = b.base OR b.joins AND b.delay <= b.wait
  GROUP BY b.context_id, b.scope_id, b.wait
  UNION ALL
  SELECT c.id, s.id, 524287, 0, true
  FROM reader c JOIN gate.scope s ON s.owner = c.country
  WHERE s.id = ANY (wanted_scopes)
$$;

-- Facet bits 0–18 as in the record format, then one flag for the time level, one for the place level, and what rows
-- the context sees at all: 20 instant 21 day 22 month 23 undated · 24 point 25 cell · 26 visible 27 own.
CREATE FUNCTION gate.mask(facets integer, own boolean) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT facets | (1 << 26) | CASE WHEN own THEN 1 << 27 ELSE 0 END
    | CASE WHEN facets & (1 << 2) <> 0 THEN 1 << 20 WHEN facets & (1 << 3) <> 0 THEN 1 << 21
           WHEN facets & (1 << 4) <> 0 THEN 1 << 22 ELSE 1 << 23 END
    | CASE WHEN facets & (1 << 5) <> 0 THEN 1 << 24 WHEN facets & (1 << 6) <> 0 THEN 1 << 25 ELSE 0 END
$$;
"""

COMPILE = """
-- The version names the rules that may touch this context and nothing else, not even their places among the others,
-- so that it tells nothing of other rules and nothing of which records exist.
CREATE FUNCTION gate.version_for(c gate.context) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, gate AS $$
  SELECT left(encode(sha256(convert_to(coalesce(string_agg(
    ROW(r.owner, r.permit, r.joins, r.countries, r.agencies, r.roles, r.purposes, r.kinds, r.groups, r.handling,
        r.facets, r.delay)::text, ';' ORDER BY r.owner, r.position), ''), 'UTF8')), 'hex'), 16)
  FROM gate.rule r
  WHERE r.owner <> c.country
    AND (r.countries IS NULL OR c.country = ANY (r.countries))
    AND (r.agencies IS NULL OR c.agency = ANY (r.agencies))
    AND (r.roles IS NULL OR c.roles && r.roles)
    AND (r.purposes IS NULL OR c.purpose = ANY (r.purposes))
$$;

-- Every context meets every scope: a loop over the grants for each pair, which the planner may choose for want of
-- statistics, took a minute where this takes a second.
CREATE FUNCTION gate.compile(wanted_contexts integer[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, gate SET enable_nestloop = off SET jit = off AS $$
  INSERT INTO gate.compiled (context_id, masks, delays, version)
  SELECT c.id,
    coalesce(array_agg(coalesce(gate.mask(g.facets, g.own), 0) ORDER BY s.id) FILTER (WHERE s.id IS NOT NULL), '{}'),
    coalesce(array_agg(coalesce(g.delay, 0) ORDER BY s.id) FILTER (WHERE s.id IS NOT NULL), '{}'),
    gate.version_for(c)
  FROM gate.context c
  LEFT JOIN gate.scope s ON true
  LEFT JOIN gate.grants(wanted_contexts, ARRAY(SELECT id FROM gate.scope)) g
    ON (g.context_id, g.scope_id) = (c.id, s.id)
  WHERE c.id = ANY (wanted_contexts)
  GROUP BY c.id, c.*
  ON CONFLICT (context_id) DO UPDATE
    SET masks = EXCLUDED.masks, delays = EXCLUDED.delays, version = EXCLUDED.version
$$;

-- One writer of the compiled arrays at a time; readers never wait.
CREATE FUNCTION gate.lock() RETURNS void LANGUAGE sql SET search_path = pg_catalog AS $$
  SELECT pg_advisory_xact_lock(7276823)
$$;

-- What the scopes of one owner give, after its rules changed. The other owners' places stay as they are: nobody pays
-- for the rules of another, so nobody can make another's change of policy slow.
CREATE FUNCTION gate.recompile(adopting char(2)) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, gate SET enable_nestloop = off SET jit = off AS $$
  UPDATE gate.compiled k SET version = gate.version_for(c) FROM gate.context c WHERE c.id = k.context_id;
  UPDATE gate.compiled k SET masks = n.masks, delays = n.delays
  FROM (
    SELECT o.context_id,
      array_agg(CASE WHEN s.owner = adopting THEN coalesce(gate.mask(g.facets, g.own), 0) ELSE o.mask END
        ORDER BY s.id) AS masks,
      array_agg(CASE WHEN s.owner = adopting THEN coalesce(g.delay, 0) ELSE o.delay END ORDER BY s.id) AS delays
    FROM (
      SELECT k.context_id, place.mask, place.delay, place.number - 1 AS scope_id
      FROM gate.compiled k, unnest(k.masks, k.delays) WITH ORDINALITY AS place(mask, delay, number)
    ) o
    JOIN gate.scope s ON s.id = o.scope_id
    LEFT JOIN gate.grants(ARRAY(SELECT id FROM gate.context), ARRAY(SELECT id FROM gate.scope WHERE owner = adopting)) g
      ON (g.context_id, g.scope_id) = (o.context_id, s.id)
    GROUP BY o.context_id
  ) n WHERE n.context_id = k.context_id
$$;

-- Rules of one owner, replaced as a whole.
CREATE FUNCTION gate.adopt(adopting char(2), rules jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  IF (adopting = gate.country()) IS NOT TRUE THEN
    RAISE EXCEPTION 'a context adopts the rules of its own country only';
  END IF;
  PERFORM gate.lock();
  DELETE FROM gate.rule WHERE owner = adopting;
  INSERT INTO gate.rule
    SELECT adopting, r.position, r.permit, r.joins, r.countries, r.agencies, r.roles, r.purposes, r.kinds, r.groups,
           r.handling, r.facets, r.delay
    FROM jsonb_to_recordset(rules) AS r(position integer, permit boolean, joins boolean, countries text[],
      agencies text[], roles text[], purposes text[], kinds text[], groups integer, handling smallint,
      facets integer, delay integer);
  PERFORM gate.recompile(adopting);
END $$;

-- The ids of the given scopes of the caller's own country, made and compiled where they are new.
CREATE FUNCTION gate.scopes_for(wanted jsonb)
RETURNS TABLE (id integer, kind text, groups integer, handling smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate SET enable_nestloop = off SET jit = off AS $$
DECLARE
  mine char(2) := gate.country();
  asked jsonb := wanted;
  held integer;
  fresh integer[];
BEGIN
  IF mine IS NULL THEN
    RAISE EXCEPTION 'no context';
  END IF;
  -- A record chooses its groups, so scopes are rationed: beyond 4096 an owner's new combinations share the scope of
  -- all groups. Every deny that names a group applies to it, and of the permits only those that name none.
  SELECT count(*) INTO held FROM gate.scope s WHERE s.owner = mine;
  SELECT jsonb_agg(jsonb_build_object('kind', w.kind, 'handling', w.handling, 'asked', w.groups, 'groups',
      CASE WHEN held + w.n <= 4096 OR EXISTS (SELECT FROM gate.scope s
        WHERE (s.owner, s.kind, s.groups, s.handling) = (mine, w.kind, w.groups, w.handling))
      THEN w.groups ELSE 2147483647 END))
    INTO wanted
    FROM (SELECT r.*, row_number() OVER () AS n
      FROM jsonb_to_recordset(asked) AS r(kind text, groups integer, handling smallint)) w;
  IF EXISTS (
    SELECT FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint)
    WHERE NOT EXISTS (SELECT FROM gate.scope s
      WHERE (s.owner, s.kind, s.groups, s.handling) = (mine, w.kind, w.groups, w.handling))
  ) THEN
    PERFORM gate.lock();
    WITH added AS (
      INSERT INTO gate.scope
      SELECT (SELECT count(*) FROM gate.scope) + row_number() OVER () - 1, mine, w.kind, w.groups, w.handling
      FROM (SELECT DISTINCT * FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint)) w
      WHERE NOT EXISTS (SELECT FROM gate.scope s
        WHERE (s.owner, s.kind, s.groups, s.handling) = (mine, w.kind, w.groups, w.handling))
      RETURNING gate.scope.id
    ) SELECT array_agg(a.id ORDER BY a.id) INTO fresh FROM added a;
    IF fresh IS NOT NULL THEN
      UPDATE gate.compiled k SET masks = k.masks || n.masks, delays = k.delays || n.delays
      FROM (
        SELECT c.id AS context_id,
          array_agg(coalesce(gate.mask(g.facets, g.own), 0) ORDER BY s.id) AS masks,
          array_agg(coalesce(g.delay, 0) ORDER BY s.id) AS delays
        FROM gate.context c
        CROSS JOIN unnest(fresh) AS s(id)
        LEFT JOIN gate.grants(ARRAY(SELECT x.id FROM gate.context x), fresh) g
          ON (g.context_id, g.scope_id) = (c.id, s.id)
        GROUP BY c.id
      ) n WHERE n.context_id = k.context_id;
    END IF;
  END IF;
  RETURN QUERY SELECT s.id, s.kind, w.asked, s.handling
    FROM jsonb_to_recordset(wanted) AS w(kind text, groups integer, handling smallint, asked integer)
    JOIN gate.scope s ON (s.owner, s.kind, s.groups, s.handling) = (mine, w.kind, w.groups, w.handling);
END $$;
"""

TOKENS = """
-- A context token: context, expiry, random, and a keyed hash of the three. Only the role that verified a signature
-- may mint one; whoever reads can neither forge one nor turn one into another.
CREATE FUNCTION gate.enter(entering_country text, entering_agency text, entering_roles text[], entering_purpose text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  sorted text[] := ARRAY(SELECT DISTINCT unnest(entering_roles) ORDER BY 1);
  found integer;
  claim text;
BEGIN
  SELECT c.id INTO found FROM gate.context c
    WHERE (c.country, c.agency, c.roles, c.purpose) = (entering_country, entering_agency, sorted, entering_purpose);
  IF found IS NULL THEN
    -- who signs in waits a moment, not for a policy that takes long to compile: the connection is needed by others
    PERFORM set_config('lock_timeout', '1s', true);
    PERFORM gate.lock();
    INSERT INTO gate.context (country, agency, roles, purpose)
      VALUES (entering_country, entering_agency, sorted, entering_purpose)
      ON CONFLICT DO NOTHING RETURNING id INTO found;
    IF found IS NULL THEN
      SELECT c.id INTO STRICT found FROM gate.context c
        WHERE (c.country, c.agency, c.roles, c.purpose) = (entering_country, entering_agency, sorted, entering_purpose);
    ELSE
      PERFORM gate.compile(ARRAY[found]);
    END IF;
  END IF;
  claim := found || '.' || (extract(epoch FROM clock_timestamp())::bigint + 900) || '.'
    || encode(public.gen_random_bytes(16), 'hex');
  RETURN claim || '.' || encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex');
END $$;

-- A token for the holder of an enrolled, valid key; NULL for any other.
CREATE FUNCTION gate.mint(key_id text, stated_purpose text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, gate, core AS $$
  SELECT gate.enter(a.country, a.code, ARRAY(SELECT g.role FROM core.role_grant g WHERE g.kid = k.kid),
                    coalesce(stated_purpose, ''))
  FROM core.agency_key k JOIN core.agency a ON a.code = k.agency
  WHERE k.kid = key_id AND k.use = 'request-signing' AND k.not_before <= now()
    AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL
$$;

CREATE FUNCTION gate.context_id() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
DECLARE
  token text := nullif(current_setting('sarhad.context', true), '');
  claim text := left(token, -65);
BEGIN
  IF token IS NULL
    OR right(token, 64) <>
      encode(public.hmac(convert_to(claim, 'UTF8'), (SELECT key FROM gate.secret), 'sha256'), 'hex')
  THEN
    RETURN NULL;
  END IF;
  -- a statement of its own: the planner may compute a cast ahead of the condition that guards it
  IF split_part(claim, '.', 2)::bigint < extract(epoch FROM clock_timestamp()) THEN
    RETURN NULL;
  END IF;
  RETURN split_part(claim, '.', 1)::integer;
END $$;

CREATE FUNCTION gate.country() RETURNS char(2)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT c.country FROM gate.context c WHERE c.id = gate.context_id());
END $$;

-- The arrays leave flat (`|| '{}'`): a stored, out-of-line array would be fetched anew for every row.
CREATE FUNCTION gate.masks() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.masks || '{}'::integer[] FROM gate.compiled k WHERE k.context_id = gate.context_id());
END $$;

CREATE FUNCTION gate.delays() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.delays || '{}'::integer[] FROM gate.compiled k WHERE k.context_id = gate.context_id());
END $$;

CREATE FUNCTION gate.policy_version() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT k.version FROM gate.compiled k WHERE k.context_id = gate.context_id());
END $$;

-- What the context's scopes give, per level (instant, day, month, undated, point, cell): the union of their masks, 0
-- where no scope has that level. A query leaves out the levels that cannot answer it; it never adds any.
CREATE FUNCTION gate.reach() RETURNS integer[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, gate AS $$
BEGIN
  RETURN (SELECT array_agg(coalesce(l.mask, 0) ORDER BY l.level) FROM (
    SELECT level, (SELECT bit_or(m) FROM unnest(gate.masks()) m WHERE m & (1 << level) <> 0) AS mask
    FROM generate_series(20, 25) AS level) l);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.mint(text, text) TO sarhad_authn;
GRANT EXECUTE ON FUNCTION gate.masks(), gate.delays(), gate.policy_version(), gate.country(), gate.reach()
  TO sarhad_read, sarhad_write, gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell, gate_items,
     gate_reference, gate_own;
GRANT EXECUTE ON FUNCTION gate.adopt(char, jsonb), gate.scopes_for(jsonb) TO sarhad_write;
GRANT EXECUTE ON FUNCTION gate.bbox_overlaps(public.geometry, public.geometry), gate.same(text, text) TO sarhad_read;
GRANT USAGE ON SCHEMA gate TO gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell, gate_items,
  gate_reference, gate_own;
GRANT USAGE ON SCHEMA core TO gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell, gate_items,
  gate_reference, gate_own;
GRANT USAGE, CREATE ON SCHEMA shared TO gate_instant, gate_day, gate_month, gate_undated, gate_point, gate_cell,
  gate_items, gate_reference, gate_own;
"""

POLICIES = """
CREATE TABLE core.policy (
  country char(2) NOT NULL CONSTRAINT policy_country_fkey REFERENCES core.country (code),
  version integer NOT NULL,
  document jsonb NOT NULL,
  signed text NOT NULL,
  key_id text NOT NULL,
  adopted_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT policy_pkey PRIMARY KEY (country, version)
);
GRANT INSERT ON core.policy TO sarhad_write;
GRANT SELECT ON core.policy TO gate_own;
ALTER TABLE core.policy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON core.policy FOR SELECT TO gate_own USING (country = (SELECT gate.country()));
CREATE POLICY filed ON core.policy FOR INSERT TO sarhad_write WITH CHECK (country = (SELECT gate.country()));
CREATE VIEW shared.policy AS SELECT country, version, document, signed, key_id, adopted_at FROM core.policy;
ALTER VIEW shared.policy OWNER TO gate_own;
GRANT SELECT ON shared.policy TO sarhad_read, sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (TABLES, GRANTS, COMPILE, TOKENS, POLICIES):
        op.get_bind().exec_driver_sql(part)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
