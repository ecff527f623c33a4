"""The logs: pending entries, leaves, tiles and checkpoints.

A migration that landed is never edited: the next one goes forward.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LOGS = "log IN ('records', 'governance', 'access')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "log_pending",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("octet_length(entry) = 32", name=op.f("log_pending_entry_check")),
        sa.CheckConstraint(_LOGS, name=op.f("log_pending_log_check")),
        schema="core",
    )
    op.create_index(op.f("log_pending_log_id_idx"), "log_pending", ["log", "id"], schema="core")
    op.create_table(
        "log_leaf",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "octet_length(leaf_hash) = 32 AND octet_length(entry) = 32", name=op.f("log_leaf_hashes_check")
        ),
        schema="core",
    )
    op.create_index(op.f("log_leaf_log_leaf_hash_idx"), "log_leaf", ["log", "leaf_hash"], unique=True, schema="core")
    op.create_table(
        "log_tile",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "octet_length(hashes) % 32 = 0 AND octet_length(hashes) <= 8192",
            name=op.f("log_tile_hashes_check"),
        ),
        schema="core",
    )
    # Hashes do not compress: store them beside the row without trying.
    op.execute("ALTER TABLE core.log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.create_table(
        "log_checkpoint",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="core",
    )
    _grant()


def _grant() -> None:
    # The writer can add to the log and can neither read nor change it; readers see the tree, never an entry.
    op.execute("GRANT INSERT (log, entry) ON core.log_pending TO sarhad_write")
    op.execute("GRANT USAGE ON SEQUENCE core.log_pending_id_seq TO sarhad_write")
    op.execute('GRANT SELECT (log, "index", leaf_hash) ON core.log_leaf TO sarhad_read')
    op.execute("GRANT SELECT ON core.log_tile, core.log_checkpoint TO sarhad_read")
    op.execute("GRANT SELECT, DELETE ON core.log_pending TO sarhad_sequencer")
    op.execute("GRANT SELECT, INSERT ON core.log_leaf, core.log_checkpoint TO sarhad_sequencer")
    op.execute("GRANT SELECT, INSERT ON core.log_tile TO sarhad_sequencer")
    op.execute("GRANT UPDATE (hashes) ON core.log_tile TO sarhad_sequencer")
