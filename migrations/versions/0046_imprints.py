"""Imprints that other records than analyses name stand beside those of analyses, and are compared with them."""

import re
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

from migrations.passages import change

revision = "0046"
down_revision = "0045"

MARKS = 14  # the place of the facet among a report's disclosures, from 1
IMPRINTS = ("LOGO", "STAMP", "PRESS")

# One that has no picture is looked for by its logo alone, in an index, however many there are.
WAS = """JOIN appearance q ON q.latest AND q.record_id <> p.record_id
      AND (q.logo = p.logo OR logo_distance(coalesce(p.logo_hash, p.picture_hash),
        coalesce(q.logo_hash, q.picture_hash)) <= 10)"""
IS = """CROSS JOIN LATERAL (
      SELECT o.* FROM appearance o WHERE o.latest AND o.logo = p.logo AND o.record_id <> p.record_id
      UNION SELECT o.* FROM appearance o WHERE o.latest AND o.record_id <> p.record_id
        AND coalesce(p.logo_hash, p.picture_hash) IS NOT NULL
        AND logo_distance(coalesce(p.logo_hash, p.picture_hash), coalesce(o.logo_hash, o.picture_hash)) <= 10) q"""

NAMED = text(
    f"""
    SELECT r.record_id, r.version, r.scope_id, r.month_end, m.n, m.mark ->> 'text' AS logo,
      m.mark ->> 'image_sha256' AS image_sha256
    FROM core.report r
    CROSS JOIN LATERAL jsonb_array_elements(core.facet(r.disclosures[{MARKS}])) WITH ORDINALITY AS m(mark, n)
    WHERE r.latest AND r.status = 'reported' AND r.kind <> 'analysis' AND r.disclosures[{MARKS}] IS NOT NULL
      AND m.mark ->> 'kind' IN :imprints""".replace(":imprints", repr(IMPRINTS))
)
KEEP = text("""INSERT INTO core.appearance (record_id, version, n, scope_id, month_end, logo, image_sha256)
    VALUES (:record_id, :version, :n, :scope_id, :month_end, :logo, :image_sha256)""")
WAIT = text(
    "INSERT INTO core.link_queue SELECT DISTINCT record_id FROM core.appearance WHERE latest AND exhibit IS NULL"
)
AT_ONCE = 5_000


def plain(words: str | None) -> str | None:
    """Letters and digits in lower case, as records that are filed are read."""
    return words and (re.sub(r"[\W_]+", " ", words.casefold()).strip() or None)


def backfill(connection: Connection) -> None:
    """The reports that are there already. Row security holds the owner, so it rests meanwhile."""
    for table in ("report", "appearance"):
        connection.exec_driver_sql(f"ALTER TABLE core.{table} NO FORCE ROW LEVEL SECURITY")
    rows: list[dict[str, Any]] = []
    for row in connection.execute(NAMED).mappings():
        if (logo := plain(row["logo"])) or row["image_sha256"]:
            rows.append({**row, "logo": logo})
    for first in range(0, len(rows), AT_ONCE):
        connection.execute(KEEP, rows[first : first + AT_ONCE])
    connection.execute(WAIT)
    for table in ("report", "appearance"):
        connection.exec_driver_sql(f"ALTER TABLE core.{table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    connection.exec_driver_sql("ALTER TABLE core.appearance ALTER COLUMN exhibit DROP NOT NULL")
    change(connection, "core.find_tablet_links", (WAS, IS))
    backfill(connection)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup, or write the next migration")
