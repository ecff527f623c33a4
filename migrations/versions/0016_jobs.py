"""The queue of jobs, in a schema of its own, for a role that reaches nothing else."""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("SET LOCAL search_path = jobs")  # the library names nothing in full
    for name in ("0016_procrastinate.sql", "0016_jobs.sql"):
        # a driver's placeholder begins with a percent sign
        connection.exec_driver_sql((SQL / name).read_text(encoding="utf-8").replace("%", "%%"))
    connection.exec_driver_sql("RESET search_path")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
