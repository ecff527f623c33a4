"""The roles of an officer who signs in are changed by two administrators; who was ended enters nothing.

A key of a sign-in opens the gate only while its person is not ended, whatever became of the key.
"""

from alembic import op

from migrations.passages import change

revision = "0040"
down_revision = "0039"

OF_NOBODY_ENDED = (
    "AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL);",
    """AND (k.not_after IS NULL OR k.not_after > now()) AND k.revoked_at IS NULL
      AND NOT EXISTS (SELECT FROM core.session_key s JOIN core.person p ON p.id = s.person
        WHERE s.kid = k.kid AND p.ended_at IS NOT NULL));""",
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("GRANT UPDATE (roles) ON core.person TO sarhad_write")
    change(connection, "gate.mint", OF_NOBODY_ENDED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
