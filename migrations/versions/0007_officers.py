"""Officers who sign in, changes of the registry that are rejected, and what a key is worth.

Officers are persons by handle, with enrolment codes, passkeys, and the keys of their sessions. Where two hands are
needed, a person is one, whatever keys its sign-ins brought.
"""

from alembic import op

from migrations.scripts import run

revision = "0007"
down_revision = "0006"

REJECTION = """
ALTER TABLE core.change
  ADD COLUMN rejected_by text REFERENCES core.agency_key (kid),
  ADD COLUMN rejected_at timestamptz,
  ADD COLUMN rejection_reason text,
  DROP CONSTRAINT change_change_state_check_check,
  ADD CONSTRAINT change_state_check CHECK (state IN ('proposed', 'applied', 'rejected')),
  ADD CONSTRAINT change_rejection_check
    CHECK ((state = 'rejected') = (rejected_by IS NOT NULL AND rejection_reason IS NOT NULL));
GRANT UPDATE (rejected_by, rejected_at, rejection_reason) ON core.change TO sarhad_write;
"""

# A writer finds the change it decides upon by its own condition (service/identity/change.py): officers act without a
# context. A reader has one, and sees its own country's: what a registry is about to become, its country alone sees.
OWN_ONLY = """
ALTER TABLE core.change ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON core.change FOR SELECT TO sarhad_read USING (country = (SELECT gate.country()));
CREATE POLICY decided ON core.change FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
ALTER TABLE core.governance_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON core.governance_event FOR SELECT TO sarhad_read USING (country = (SELECT gate.country()));
CREATE POLICY told ON core.governance_event FOR INSERT TO sarhad_write WITH CHECK (true);
"""

OFFICERS = """
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
GRANTS = """
ALTER TABLE core.person ENABLE ROW LEVEL SECURITY;
ALTER TABLE core.passkey ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON core.person, core.passkey TO sarhad_read;
CREATE POLICY own ON core.person FOR SELECT TO sarhad_read USING (left(agency, 2) = (SELECT gate.country()));
CREATE POLICY own ON core.passkey FOR SELECT TO sarhad_read
  USING (EXISTS (SELECT FROM core.person p WHERE p.id = person));
CREATE POLICY decided ON core.person FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
CREATE POLICY decided ON core.passkey FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (ended_at, end_reason, roles) ON core.person TO sarhad_write;
GRANT SELECT, INSERT, UPDATE (sign_count) ON core.passkey TO sarhad_write;
GRANT SELECT, INSERT, UPDATE (used_at) ON core.enrolment_code TO sarhad_write;
GRANT SELECT, INSERT ON core.session_key TO sarhad_write;
"""

KEYS = """
-- A key is in force: what it signs now counts. For functions of the registry's owner, as a part of their statements.
CREATE FUNCTION gate.in_force(k core.agency_key) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT k.not_before <= now() AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION gate.in_force(core.agency_key) FROM PUBLIC;

-- Two keys are of one hand if they are one, or of sign-ins of one person. Links and alerts ask for two hands.
CREATE FUNCTION gate.one_hand(one text, other text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, core
BEGIN ATOMIC
  SELECT one = other OR EXISTS (SELECT FROM core.session_key a JOIN core.session_key b USING (person)
    WHERE a.kid = one AND b.kid = other);
END;
REVOKE ALL ON FUNCTION gate.one_hand(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.one_hand(text, text) TO sarhad_write, gate_linker;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(REJECTION, OWN_ONLY, OFFICERS, GRANTS, KEYS)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
