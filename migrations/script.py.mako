"""${message}.

A migration that landed is never edited: the next one goes forward. Rules that keep the exchange up while it runs:
short locks only (the timeouts below), indexes CONCURRENTLY on tables with content, new columns nullable or with a
constant default, content never rewritten, and the previous release of the code must still work on the new schema.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
