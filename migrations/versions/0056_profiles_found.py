"""Profiles that are alike are found first, and then the reports they are of: the other way round, which a planner that
knows nothing of the tables may choose, every report is put beside every other.
"""

from alembic import op

from migrations.passages import change

revision = "0056"
down_revision = "0055"

FOUND = ("WITH found AS (", "WITH found AS MATERIALIZED (")
JOINED = (
    """FROM found f
    JOIN report x ON x.latest AND x.status = 'reported' AND x.record_id IN (f.one, f.other)
    JOIN report y ON y.latest AND y.status = 'reported' AND y.record_id IN (f.one, f.other)
""",
    """FROM (SELECT one, other, method, r FROM found UNION ALL SELECT other, one, method, r FROM found) f
    JOIN report x ON x.record_id = f.one AND x.latest AND x.status = 'reported'
    JOIN report y ON y.record_id = f.other AND y.latest AND y.status = 'reported'
""",
)
INDEXED = "ALTER FUNCTION core.find_profile_links(uuid[]) SET enable_seqscan = off"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    change(connection, "core.find_profile_links", FOUND, JOINED)
    connection.exec_driver_sql(INDEXED)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
