"""Exhibits are held by locks of their own: no number of one can stand for a country, whose policies and rules are held
by the locks of two integers.
"""

from alembic import op

from migrations.passages import change

revision = "0050"
down_revision = "0049"

LOCK = (
    "pg_advisory_xact_lock(7276824, hashtext(number))",
    "pg_advisory_xact_lock(hashtextextended(number, 7276828))",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    change(connection, "gate.link_exhibits", LOCK)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
