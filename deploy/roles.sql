-- Database roles, least privilege, idempotent. Run once per cluster by a superuser (or a role that may create roles).
-- Each process logs in as the role of the work at hand; none may bypass row security, none owns anything.
DO $$
DECLARE
  login text;
  nologin text;
  setting text;
  own text[];
  quiet text[] := ARRAY['log_error_verbosity=terse', 'log_min_error_statement=panic', 'log_parameter_max_length=0',
    'log_parameter_max_length_on_error=0'];
BEGIN
  FOREACH nologin IN ARRAY ARRAY['sarhad_owner',
    -- owners of the masking views: one per precision level, each held to that level by row security
    'gate_instant', 'gate_day', 'gate_month', 'gate_undated', 'gate_point', 'gate_cell', 'gate_items', 'gate_reference', 'gate_own', 'gate_record',
    -- owners of the views over the access log
    'gate_statement', 'gate_readings',
    -- owners of the views that figures are computed from, of approved publications and for readers who may only count
    'gate_publication', 'gate_aggregate',
    -- owner of the views of times, for officers who see no content
    'gate_timeliness',
    -- owner of the view that tells of hidden spectra whether there is a hit
    'gate_hits',
    -- the cube: its masking views (scopes that give a time, scopes that give none), and who counts
    'gate_cube', 'gate_cube_undated', 'gate_counter',
    -- links: their views, and who compares whole records
    'gate_link', 'gate_linker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = nologin) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || quote_ident(nologin) || ' NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION';
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another start made it meanwhile
      END;
    END IF;
  END LOOP;
  FOREACH login IN ARRAY ARRAY['sarhad_read', 'sarhad_write', 'sarhad_authn', 'sarhad_sequencer', 'sarhad_access', 'sarhad_jobs'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || quote_ident(login) || ' LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION';
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another start made it meanwhile
      END;
    END IF;
    -- A constraint quotes the row that it refuses, a failed statement its values: whatever a server is set to log, it
    -- writes neither for these roles. Only a superuser may say so.
    IF NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
      WHERE r.rolname = login AND s.setdatabase = 0 AND s.setconfig @> quiet) THEN
      BEGIN
        FOREACH setting IN ARRAY quiet LOOP
          EXECUTE 'ALTER ROLE ' || quote_ident(login) || ' SET ' || setting;
        END LOOP;
      EXCEPTION WHEN unique_violation OR internal_error THEN NULL; -- another start said it meanwhile
      WHEN insufficient_privilege THEN
        RAISE WARNING USING MESSAGE = 'the server may log rows that ' || login || ' is refused: see deploy/runbook.md';
      END;
    END IF;
    -- What the service's sessions ask for when they begin (service/database.py), for those that a pooler begins.
    own := ARRAY['TimeZone=UTC', 'search_path=' || CASE login WHEN 'sarhad_jobs' THEN 'jobs' ELSE 'public' END] || CASE login
      WHEN 'sarhad_read' THEN ARRAY['jit=off', 'statement_timeout=30s', 'idle_in_transaction_session_timeout=60s']
      WHEN 'sarhad_jobs' THEN ARRAY['statement_timeout=60s']
      ELSE ARRAY['statement_timeout=60s', 'lock_timeout=10s', 'idle_in_transaction_session_timeout=120s'] END;
    IF NOT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
      WHERE r.rolname = login AND s.setdatabase = 0 AND s.setconfig @> own) THEN
      BEGIN
        FOREACH setting IN ARRAY own LOOP
          EXECUTE 'ALTER ROLE ' || quote_ident(login) || ' SET ' || split_part(setting, '=', 1) || ' TO '
            || quote_literal(split_part(setting, '=', 2));
        END LOOP;
      EXCEPTION WHEN unique_violation OR internal_error THEN NULL; -- another start said it meanwhile
      END;
    END IF;
  END LOOP;
END $$;
