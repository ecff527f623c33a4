"""The queue of jobs, in a schema of its own, for a role that reaches nothing else."""

from alembic import op

from migrations.scripts import read, run

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute("SET LOCAL search_path = jobs")  # the library names nothing in full
    run(read("0019_procrastinate"), read("0019_jobs"))
    op.execute("RESET search_path")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
