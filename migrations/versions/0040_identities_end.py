"""An identity is counted, ended, and of the officer who the same person is after the former was ended."""

from alembic import op

from migrations.scripts import run

revision = "0040"
down_revision = "0039"

# A reader sees how many identities its own country's officers have, and none of them.
IDENTITIES = """
GRANT SELECT (person) ON core.national_identity TO sarhad_read;
CREATE POLICY own ON core.national_identity FOR SELECT TO sarhad_read
  USING (EXISTS (SELECT FROM core.person p WHERE p.id = person));
GRANT DELETE ON core.national_identity TO sarhad_write;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(IDENTITIES)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
