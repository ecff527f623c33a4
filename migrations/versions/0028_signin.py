"""Officers who sign in: persons by handle, enrolment codes, passkeys, and the keys of their sessions."""

from alembic import op

revision = "0028"
down_revision = "0027"

_TABLES = """
CREATE TABLE core.person (
  id uuid NOT NULL,
  agency text NOT NULL CONSTRAINT person_agency_fkey REFERENCES core.agency (code),
  handle text NOT NULL,
  roles text[] NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  end_reason text,
  CONSTRAINT person_pkey PRIMARY KEY (id),
  CONSTRAINT person_agency_handle_key UNIQUE (agency, handle),
  CONSTRAINT person_handle_check CHECK (handle ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
  CONSTRAINT person_end_check CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE TABLE core.session_key (
  kid text NOT NULL CONSTRAINT session_key_kid_fkey REFERENCES core.agency_key (kid),
  person uuid NOT NULL CONSTRAINT session_key_person_fkey REFERENCES core.person (id),
  session uuid NOT NULL,
  CONSTRAINT session_key_pkey PRIMARY KEY (kid)
);
CREATE INDEX session_key_person_idx ON core.session_key (person);
CREATE INDEX session_key_session_idx ON core.session_key (session);
CREATE TABLE core.enrolment_code (
  hash bytea NOT NULL,
  person uuid NOT NULL CONSTRAINT enrolment_code_person_fkey REFERENCES core.person (id),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  issued_by text NOT NULL,
  CONSTRAINT enrolment_code_pkey PRIMARY KEY (hash)
);
CREATE INDEX enrolment_code_person_idx ON core.enrolment_code (person);
CREATE TABLE core.passkey (
  credential_id bytea NOT NULL,
  person uuid NOT NULL CONSTRAINT passkey_person_fkey REFERENCES core.person (id),
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT passkey_pkey PRIMARY KEY (credential_id)
);
CREATE INDEX passkey_person_idx ON core.passkey (person);
"""

# A reader sees its own country's officers, and how many passkeys they have. Writers act without a context, by their own
# conditions (service/identity/people.py), as they do upon the rest of the registry.
_GRANTS = """
ALTER TABLE core.person ENABLE ROW LEVEL SECURITY;
ALTER TABLE core.passkey ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON core.person, core.passkey TO sarhad_read;
CREATE POLICY own ON core.person FOR SELECT TO sarhad_read USING (left(agency, 2) = (SELECT gate.country()));
CREATE POLICY own ON core.passkey FOR SELECT TO sarhad_read
  USING (EXISTS (SELECT FROM core.person p WHERE p.id = person));
CREATE POLICY decided ON core.person FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
CREATE POLICY decided ON core.passkey FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (ended_at, end_reason) ON core.person TO sarhad_write;
GRANT SELECT, INSERT, UPDATE (sign_count) ON core.passkey TO sarhad_write;
GRANT SELECT, INSERT, UPDATE (used_at) ON core.enrolment_code TO sarhad_write;
GRANT SELECT, INSERT ON core.session_key TO sarhad_write;
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql(_TABLES)
    connection.exec_driver_sql(_GRANTS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
