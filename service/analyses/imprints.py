"""Imprints that reports of seizures and laboratories name stand beside those of analyses, and are compared with them.

What a border post photographs and reads off a package or a tablet is found again by whoever sees both, whether a
laboratory has examined it or not: under the facet `marks`, as for an analysis.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.analyses.appearance import imprint, plain
from service.seizures.row import Candidate

# Scope and month come from the report's own row, as the transaction sees it. No exhibit: a laboratory numbers those.
_KEEP = text("""
    INSERT INTO core.appearance (record_id, version, n, scope_id, month_end, logo, image_sha256)
    SELECT o.record_id, o.version, r.n, o.scope_id, o.month_end, r.logo, r.image_sha256
    FROM json_to_recordset(CAST(:rows AS json))
      AS r(record_id uuid, version integer, n integer, logo text, image_sha256 text)
    JOIN shared.own_report o USING (record_id, version)""")


async def keep_imprints(session: AsyncSession, filed: Sequence[Candidate]) -> None:
    """Write down what these records name, in their transaction; those of analyses are written with them."""
    rows = [
        {"record_id": entry.record.claims.jti, "version": entry.record.claims.ver, "n": n, **seen}
        for entry in filed
        if entry.record.claims.kind != "analysis"
        for n, seen in enumerate(map(_seen, entry.record.facets.get("marks") or ()), start=1)
        if seen is not None
    ]
    if rows:
        await session.execute(_KEEP, {"rows": orjson.dumps(rows).decode()})


def _seen(mark: dict[str, Any]) -> dict[str, str | None] | None:
    """The columns of `core.appearance` that a mark has something to say of."""
    if not imprint(mark):
        return None
    logo, image = plain(mark.get("text")), mark.get("image_sha256")
    return {"logo": logo, "image_sha256": image} if logo or image else None
