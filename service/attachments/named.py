"""Which files a record names, in which facet; and what is written when records are filed.

The owner's signature covers the hashes, so whoever is given a facet can check the file against it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.records.registry import BITS
from service.seizures.row import Candidate

# Scope and month come from the report's own row, as the transaction sees it.
_NAME = text("""
    INSERT INTO core.attachment_ref (record_id, version, scope_id, month_end, country, facet, flag, sha256, line)
    SELECT o.record_id, o.version, o.scope_id, o.month_end, o.country, r.facet, r.flag, r.sha256, r.line
    FROM json_to_recordset(CAST(:rows AS json))
      AS r(record_id uuid, version integer, facet text, flag integer, sha256 bytea, line integer)
    JOIN shared.own_report o USING (record_id, version)""")


@dataclass(frozen=True, slots=True)
class Named:
    """A hash that a facet names, and the line of the items it belongs to, where the facet says so."""

    facet: str
    sha256: str  # lower-case hexadecimal
    line: int | None = None


def named(facets: Mapping[str, Any]) -> list[Named]:
    """Each facet and hash once. `facets` are those of a valid record."""
    found: dict[tuple[str, str], Named] = {}
    for entry in _all(facets):
        found.setdefault((entry.facet, entry.sha256), entry)
    return list(found.values())


def _all(facets: Mapping[str, Any]) -> Iterator[Named]:
    for mark in facets.get("marks") or ():
        if mark.get("image_sha256"):
            yield Named("marks", mark["image_sha256"], mark.get("line"))
    for spectrum in facets.get("spectra") or ():
        yield Named("spectra", spectrum["sha256"], spectrum["line"])
    for report in (facets.get("laboratory") or {}).get("reports") or ():
        yield Named("laboratory", report["sha256"])
    for image in (facets.get("transport") or {}).get("images") or ():
        yield Named("transport", image)


async def attach(session: AsyncSession, filed: Sequence[Candidate]) -> None:
    """Write down what these records name, in their transaction."""
    rows = [
        {
            "record_id": entry.record.claims.jti,
            "version": entry.record.claims.ver,
            "facet": one.facet,
            "flag": 1 << BITS[one.facet],
            "sha256": "\\x" + one.sha256,
            "line": one.line,
        }
        for entry in filed
        for one in named(entry.record.facets)
    ]
    if rows:
        await session.execute(_NAME, {"rows": orjson.dumps(rows).decode()})
