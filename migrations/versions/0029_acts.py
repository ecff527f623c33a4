"""What a country says of links and alerts is counted by the day: a writer sees when its own country acted, not what."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("GRANT SELECT (country, at) ON core.governance_event TO sarhad_write")
    op.execute("ALTER POLICY own ON core.governance_event TO sarhad_read, sarhad_write")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
