"""Attachments: files that records name by their hash; unfinished uploads; and the library of reference spectra.

Files themselves lie in an object store. A row of `core.attachment` is a file that a country holds, a row of
`core.attachment_ref` says that one version of one record names a hash in one facet, whether its country holds the file
or not. Readers see the two joined, under the mask of the record's scope. Another country's equal file is another row.

Reference spectra are for every member. Of a spectrum that a policy gives as `hits` neither peaks nor score leave the
database: only whose it is, the class of its substance where `items` is among the facets, and a band of scores.
"""

from alembic import op

from migrations.given import HIT, ROWS, given
from migrations.scripts import read, run

revision = "0020"
down_revision = "0019"

ITEMS, SPECTRA = 1 << 9, 1 << 17


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    run(read("0020_files"))
    run(read("0020_reading", given=given(f"flag | {ROWS}")))  # a reference says which facet's bit it needs
    run(read("0020_uploads"), read("0020_library"))
    run(read("0020_hits", hit=given(HIT), hit_items=given(HIT | ITEMS), hit_spectra=given(HIT | SPECTRA)))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
