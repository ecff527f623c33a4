"""When a country's own records were filed, examined and asked for, for its officers who see none of their content."""

from alembic import op

from migrations.scripts import read, run

revision = "0038"
down_revision = "0037"

SUPERVISED = "gate.country_as(ARRAY['key_administrator', 'policy_officer', 'auditor'])"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(read("0038_timeliness", supervised=SUPERVISED))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
