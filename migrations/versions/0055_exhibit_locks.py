"""Exhibits share a thousand locks: a batch of 50,000 of them took as many, more than a cluster has room for."""

from alembic import op

from migrations.passages import change

revision = "0055"
down_revision = "0054"

LOCKS = (
    """FOREACH number IN ARRAY numbers LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(number, 7276828));
  END LOOP;""",
    """PERFORM pg_advisory_xact_lock(k.lock) FROM (
    SELECT DISTINCT 7276828 * 1024::bigint + (hashtextextended(n, 0) & 1023) AS lock
    FROM unnest(numbers) n ORDER BY 1) k;""",
)
NUMBER = ("  number text;\n", "")


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    change(connection, "gate.link_exhibits", LOCKS, NUMBER)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
