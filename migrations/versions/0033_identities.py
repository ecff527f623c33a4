"""Whom a country's OpenID Connect provider identifies as which officer."""

from alembic import op

from migrations.scripts import run

revision = "0033"
down_revision = "0032"

IDENTITIES = """
CREATE TABLE core.national_identity (
  issuer text NOT NULL,
  subject text NOT NULL,
  person uuid NOT NULL CONSTRAINT national_identity_person_fkey REFERENCES core.person (id),
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT national_identity_pkey PRIMARY KEY (issuer, subject)
);
CREATE INDEX national_identity_person_idx ON core.national_identity (person);
ALTER TABLE core.national_identity ENABLE ROW LEVEL SECURITY;
CREATE POLICY decided ON core.national_identity FOR ALL TO sarhad_write USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON core.national_identity TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(IDENTITIES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
