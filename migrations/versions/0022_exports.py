"""Exports: what was asked for, by whom, how far it is. The key that asked sees its own, and nobody else any."""

from alembic import op

revision = "0022"
down_revision = "0021"

TABLE = """
CREATE TABLE core.export (
  id uuid NOT NULL,
  key_id text NOT NULL CONSTRAINT export_key_id_fkey REFERENCES core.agency_key (kid),
  country char(2) NOT NULL,
  agency text NOT NULL CONSTRAINT export_agency_fkey REFERENCES core.agency (code),
  purpose text NOT NULL,
  case_reference text,
  subject text NOT NULL,
  format text NOT NULL,
  question jsonb NOT NULL,
  asked bytea NOT NULL,
  state text NOT NULL DEFAULT 'queued',
  made_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz NOT NULL,
  so_far integer NOT NULL DEFAULT 0,
  policy text NOT NULL DEFAULT '',
  size bigint,
  digest bytea,
  provenance jsonb,
  refusal jsonb,
  CONSTRAINT export_pkey PRIMARY KEY (id),
  CONSTRAINT export_state_check
    CHECK (state IN ('queued', 'running', 'ready', 'refused', 'failed', 'deleted', 'expired')),
  CONSTRAINT export_ready_check CHECK ((state IN ('ready', 'deleted', 'expired') OR size IS NULL)
    AND (state <> 'ready' OR size IS NOT NULL AND digest IS NOT NULL AND provenance IS NOT NULL))
);
CREATE INDEX export_key_id_made_at_id_idx ON core.export (key_id, made_at, id);
ALTER TABLE core.export ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT INSERT ON core.export TO sarhad_write;
CREATE POLICY asked ON core.export FOR INSERT TO sarhad_write WITH CHECK (
  key_id = (SELECT gate.key()) AND country = (SELECT gate.country()) AND agency = (SELECT gate.agency())
  AND state = 'queued');

GRANT SELECT ON core.export TO gate_own;
CREATE POLICY own_key ON core.export FOR SELECT TO gate_own USING (key_id = (SELECT gate.key()));
CREATE VIEW shared.export AS SELECT * FROM core.export;
ALTER VIEW shared.export OWNER TO gate_own;
GRANT SELECT ON shared.export TO sarhad_read, sarhad_write;

CREATE POLICY own_key_moves ON core.export FOR SELECT TO sarhad_owner USING (true);
CREATE POLICY moved ON core.export FOR UPDATE TO sarhad_owner USING (true) WITH CHECK (true);
CREATE POLICY forgotten ON core.export FOR DELETE TO sarhad_owner USING (state IN ('deleted', 'expired'));
"""

# Each moves exports of the key in whose context it is called; the last one those whose time is over.
MOVES = """
CREATE FUNCTION gate.begin_export(export uuid, under text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'running', started_at = coalesce(e.started_at, now()), so_far = 0, policy = under
    WHERE e.id = export AND e.key_id = gate.key() AND e.state IN ('queued', 'running') AND e.expires_at > now();
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.progress_export(export uuid, rows_so_far integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET so_far = rows_so_far
    WHERE e.id = export AND e.key_id = gate.key() AND e.state = 'running';
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.finish_export(export uuid, becoming text, rows_so_far integer, bytes bigint, sha256 bytea,
  sheet jsonb, refused jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = becoming, finished_at = now(), so_far = rows_so_far, size = bytes, digest = sha256,
      provenance = sheet, refusal = refused
    WHERE e.id = export AND e.key_id = gate.key() AND e.state IN ('queued', 'running')
      AND becoming IN ('ready', 'refused', 'failed');
  RETURN FOUND;
END $$;
CREATE FUNCTION gate.delete_export(export uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'deleted'
    WHERE e.id = export AND e.key_id = gate.key() AND e.state <> 'deleted';
  RETURN FOUND;
END $$;
-- Which of these have a file that is still to be kept, once those whose time is over have been given up.
CREATE FUNCTION gate.keep_exports(files uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, core AS $$
BEGIN
  UPDATE core.export e SET state = 'expired' WHERE e.expires_at <= now() AND e.state NOT IN ('expired', 'deleted');
  DELETE FROM core.export e WHERE e.state IN ('deleted', 'expired') AND e.expires_at <= now() - interval '30 days';
  RETURN ARRAY(SELECT e.id FROM core.export e WHERE e.id = ANY (files) AND e.state IN ('queued', 'running', 'ready'));
END $$;
"""
NAMES = (
    "gate.begin_export(uuid, text)",
    "gate.progress_export(uuid, integer)",
    "gate.finish_export(uuid, text, integer, bigint, bytea, jsonb, jsonb)",
    "gate.delete_export(uuid)",
    "gate.keep_exports(uuid[])",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql(TABLE)
    connection.exec_driver_sql(MOVES)
    for name in NAMES:
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {name} TO sarhad_write")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
