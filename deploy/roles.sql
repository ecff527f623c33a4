-- Database roles, least privilege, idempotent. Run once per cluster by a superuser (or a role that may create roles).
-- Each process logs in as the role of the work at hand; none may bypass row security, none owns anything.
DO $$
DECLARE
  login text;
  nologin text;
BEGIN
  FOREACH nologin IN ARRAY ARRAY['sarhad_owner',
    -- owners of the masking views: one per precision level, each held to that level by row security
    'gate_instant', 'gate_day', 'gate_month', 'gate_undated', 'gate_point', 'gate_cell', 'gate_items', 'gate_reference', 'gate_own'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = nologin) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || quote_ident(nologin) || ' NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION';
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another start made it meanwhile
      END;
    END IF;
  END LOOP;
  FOREACH login IN ARRAY ARRAY['sarhad_read', 'sarhad_write', 'sarhad_authn', 'sarhad_sequencer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || quote_ident(login) || ' LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION';
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another start made it meanwhile
      END;
    END IF;
  END LOOP;
END $$;
