"""The registry: countries, agencies, keys, roles, changes, governance events; and the nonces spent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_READERS = "sarhad_read, sarhad_write, sarhad_authn"
_DIRECTORY = "core.country, core.agency, core.agency_key, core.role_grant"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    _parties()
    _keys()
    _changes()
    _nonces()
    _grants()


def _parties() -> None:
    op.create_table(
        "country",
        sa.Column("code", sa.CHAR(2), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="country_pkey"),
        sa.CheckConstraint("code ~ '^[A-Z]{2}$'", name="country_code_check"),
        schema="core",
    )
    op.create_table(
        "agency",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="agency_pkey"),
        sa.ForeignKeyConstraint(["country"], ["core.country.code"], name="agency_country_fkey"),
        sa.CheckConstraint("code ~ '^[A-Z]{2}-[A-Z0-9]{2,12}$' AND left(code, 2) = country", name="agency_code_check"),
        sa.CheckConstraint(
            "type IN ('BG', 'CU', 'PO', 'DC', 'SS', 'FI', 'CG', 'MI', 'PS', 'PR', 'OT',"
            " 'LAB', 'COURT', 'CENTRE', 'OBSERVER')",
            name="agency_type_check",
        ),
        schema="core",
    )
    op.create_index("agency_country_idx", "agency", ["country"], schema="core")


def _keys() -> None:
    now = sa.func.now()
    op.create_table(
        "agency_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("revocation_reason", sa.Text()),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("enrolled_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="agency_key_pkey"),
        sa.ForeignKeyConstraint(["agency"], ["core.agency.code"], name="agency_key_agency_fkey"),
        sa.CheckConstraint("length(kid) = 43", name="agency_key_kid_check"),
        sa.CheckConstraint("use IN ('request-signing', 'record-signing', 'witness')", name="agency_key_use_check"),
        sa.CheckConstraint("alg IN ('EdDSA', 'ES256')", name="agency_key_alg_check"),
        sa.CheckConstraint("not_after IS NULL OR not_after > not_before", name="agency_key_validity_check"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revocation_reason IS NULL)", name="agency_key_revocation_check"),
        schema="core",
    )
    op.create_index("agency_key_agency_idx", "agency_key", ["agency"], schema="core")
    op.create_table(
        "role_grant",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("kid", "role", name="role_grant_pkey"),
        sa.ForeignKeyConstraint(["kid"], ["core.agency_key.kid"], name="role_grant_kid_fkey"),
        schema="core",
    )


def _changes() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="proposed", nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("approved_by", sa.Text()),
        sa.Column("approved_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="change_pkey"),
        sa.ForeignKeyConstraint(["country"], ["core.country.code"], name="change_country_fkey"),
        sa.ForeignKeyConstraint(["proposed_by"], ["core.agency_key.kid"], name="change_proposed_by_fkey"),
        sa.ForeignKeyConstraint(["approved_by"], ["core.agency_key.kid"], name="change_approved_by_fkey"),
        sa.CheckConstraint("state IN ('proposed', 'applied')", name="change_state_check"),
        sa.CheckConstraint("(state = 'applied') = (approved_by IS NOT NULL)", name="change_approval_check"),
        sa.CheckConstraint("approved_by <> proposed_by", name="change_two_officers_check"),
        schema="core",
    )
    op.create_index("change_country_proposed_at_idx", "change", ["country", "proposed_at"], schema="core")
    op.create_table(
        "governance_event",
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.CHAR(2)),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_hash", name="governance_event_pkey"),
        sa.ForeignKeyConstraint(["country"], ["core.country.code"], name="governance_event_country_fkey"),
        schema="core",
    )
    op.create_index("governance_event_country_at_idx", "governance_event", ["country", "at"], schema="core")


def _nonces() -> None:
    op.create_table(
        "nonce",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", "nonce", "expires_at", name="nonce_pkey"),
        schema="core",
        postgresql_partition_by="RANGE (expires_at)",
    )
    # The default partition is the safety net: a nonce finds its place even if nobody made the hour's
    # partition.
    op.execute("CREATE TABLE core.nonce__default PARTITION OF core.nonce DEFAULT")
    op.execute(_KEEP_NONCES)
    op.execute("REVOKE ALL ON FUNCTION core.keep_nonces() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION core.keep_nonces() TO sarhad_authn")
    op.execute("SELECT core.keep_nonces()")


# Runs as the owner, because only an owner makes and drops partitions. An hour whose nonces already lie in the
# default partition is left there: moving them would lock the table that every request writes to.
_KEEP_NONCES = """
CREATE FUNCTION core.keep_nonces() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
  this_hour timestamptz := date_trunc('hour', now());
  start timestamptz;
  old text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('core.keep_nonces')) THEN
    RETURN;
  END IF;
  FOR ahead IN 0..3 LOOP
    start := this_hour + make_interval(hours => ahead);
    IF to_regclass('core.nonce__' || to_char(start, 'YYYYMMDDHH24')) IS NULL
       AND NOT EXISTS (SELECT FROM core.nonce__default
                       WHERE expires_at >= start AND expires_at < start + interval '1 hour') THEN
      EXECUTE format('CREATE TABLE core.%I PARTITION OF core.nonce FOR VALUES FROM (%L) TO (%L)',
                     'nonce__' || to_char(start, 'YYYYMMDDHH24'), start, start + interval '1 hour');
    END IF;
  END LOOP;
  FOR old IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'core.nonce'::regclass AND c.relname ~ '^nonce__[0-9]{10}$'
      AND c.relname < 'nonce__' || to_char(this_hour - interval '1 hour', 'YYYYMMDDHH24')
  LOOP
    EXECUTE format('DROP TABLE core.%I', old);
  END LOOP;
  DELETE FROM core.nonce__default WHERE expires_at < now() - interval '1 hour';
END $$
"""


def _grants() -> None:
    op.execute(f"GRANT SELECT ON {_DIRECTORY} TO {_READERS}")
    op.execute("GRANT INSERT ON core.agency, core.agency_key, core.role_grant TO sarhad_write")
    # FOR SHARE and FOR UPDATE need the right to update one column at least
    op.execute("GRANT UPDATE (revoked_at, revocation_reason) ON core.agency_key TO sarhad_write")
    op.execute("GRANT DELETE ON core.role_grant TO sarhad_write")
    op.execute("GRANT SELECT, INSERT, UPDATE (state, approved_by, approved_at) ON core.change TO sarhad_write")
    op.execute("GRANT SELECT ON core.change, core.governance_event TO sarhad_read")
    op.execute("GRANT INSERT ON core.governance_event TO sarhad_write")
    op.execute("GRANT INSERT ON core.nonce TO sarhad_write, sarhad_authn")
    op.execute("GRANT SELECT ON core.alembic_version TO sarhad_authn")
