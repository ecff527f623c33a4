"""Attachments: files that records name by their hash, readable under the facet that names them; and unfinished uploads.

Files themselves lie in an object store. A row of `core.attachment` is a file that a country holds, a row of
`core.attachment_ref` says that one version of one record names a hash in one facet, whether its country holds the file
or not. Readers see the two joined, under the mask of the record's scope. Another country's equal file is another row.
"""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in ("files", "reading", "uploads"):
        # a driver's placeholder begins with a percent sign
        text = (SQL / f"0018_{part}.sql").read_text(encoding="utf-8").replace("%", "%%")
        op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
