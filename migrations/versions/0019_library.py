"""The spectral library: reference spectra that every member may read, and hits in spectra that a reader may not.

A hit is computed inside the database: of a spectrum that a policy gives as `hits` neither peaks nor score leave, only
whose it is, the class of its substance where `items` is among the facets, and a band of scores.
"""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"

SQL = Path(__file__).parents[1] / "sql"


SPECTRA, ITEMS, HIT, WINDOWED = (1 << bit for bit in (17, 9, 29, 30))


def admits(*flags: int) -> str:
    """As for reports: rows whose scope has every flag, whose delay is over and whose event window they lie in."""
    needed = sum(flags)
    return f"""((SELECT gate.masks()))[scope_id + 1] & {needed} = {needed}
      AND (((SELECT gate.delays()))[scope_id + 1] = 0
           OR month_end + ((SELECT gate.delays()))[scope_id + 1] <= current_date)
      AND (((SELECT gate.masks()))[scope_id + 1] & {WINDOWED} = 0
           OR month_end - DATE '1970-01-01' BETWEEN ((SELECT gate.windows_from()))[scope_id + 1]
             AND ((SELECT gate.windows_until()))[scope_id + 1])"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in ("library", "hits"):
        text = (SQL / f"0019_{part}.sql").read_text(encoding="utf-8")
        for name, flags in (("hit", (HIT,)), ("hit_items", (HIT, ITEMS)), ("hit_spectra", (HIT, SPECTRA))):
            text = text.replace("{" + name + "}", admits(*flags))
        op.get_bind().exec_driver_sql(text.replace("%", "%%"))  # a driver's placeholder begins with a percent sign


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
