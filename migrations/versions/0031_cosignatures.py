"""Cosignatures: which witness cosigned which checkpoint.

A migration that landed is never edited: the next one goes forward.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "log_cosignature",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(["agency"], ["core.agency.code"], name=op.f("log_cosignature_agency_fkey")),
        sa.ForeignKeyConstraint(["kid"], ["core.agency_key.kid"], name=op.f("log_cosignature_kid_fkey")),
        sa.ForeignKeyConstraint(
            ["log", "size"],
            ["core.log_checkpoint.log", "core.log_checkpoint.size"],
            name=op.f("log_cosignature_log_size_fkey"),
        ),
        schema="core",
    )
    # The writer adds and changes nothing; a checkpoint and its cosignatures are the same for every member.
    op.execute("GRANT INSERT (log, size, agency, kid, line) ON core.log_cosignature TO sarhad_write")
    op.execute("GRANT SELECT (log, size, agency, kid) ON core.log_cosignature TO sarhad_write")
    op.execute("GRANT SELECT (log, size, root, at) ON core.log_checkpoint TO sarhad_write")
    op.execute("GRANT SELECT ON core.log_cosignature TO sarhad_read")
