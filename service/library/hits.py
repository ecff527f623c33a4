"""Whether a spectrum is like one that the caller may not see: told only where the owner's policy gives hits.

The comparison happens inside the database (`gate.spectrum_hits`); this process never holds a peak or a score of such a
spectrum. A hit says whose it is, the class of its substance where the policy gives `items` too, and a band of scores,
never below the threshold: who wants more asks the owner. A hit is a likeness, not a confident candidate.
"""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.identity.models import Agency
from service.identity.pace import Pace
from service.library.search import Query
from service.problems import Problem
from service.settings import Settings
from service.spectra.confidence import CONFIDENT
from service.substances.catalogue import Catalogue

MOST = 50

_HITS = text("""
    SELECT owner, agency, class, band, record_id
    FROM gate.spectrum_hits(:technique, :mode, CAST(:lowest AS float8), CAST(:highest AS float8),
      CAST(:mz AS float8[]), CAST(:weight AS float8[]), :least)
    ORDER BY band DESC, agency, class NULLS LAST LIMIT :most""")

_ASKED = func.gate.spectrum_searches().table_valued(column("at", DateTime(timezone=True))).c.at


class TooManySearches(Problem):
    """Your country has searched with as many spectra as it may in a day and still ask for hits. Search without them."""

    status = HTTPStatus.TOO_MANY_REQUESTS


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits as JSON, and the records they are in by owner: for the owner's statement, not for the reader."""

    items: list[dict[str, Any]]
    records: dict[str, list[UUID]]


@lru_cache
def pace(settings: Settings) -> Pace:
    """This worker's counter of searches for hits."""
    return Pace("searches for hits", key=settings.hits_per_minute, country=settings.country_hits_per_minute)


async def hits(session: AsyncSession, caller: Caller, query: Query, catalogue: Catalogue, settings: Settings) -> Hits:
    """Raises TooManyRequests, TooManySearches."""
    await pace(settings).step(caller.key_id, caller.country)
    await quota.check(session, _ASKED, settings.hits_per_day, quota.DAY, TooManySearches)
    rows = (await session.execute(_HITS, {**query.parameters(), "least": CONFIDENT, "most": MOST})).all()
    contacts = select(Agency.code, Agency.name).where(Agency.code.in_([row.agency for row in rows]))
    names = {row.code: row.name for row in await session.execute(contacts)} if rows else {}
    items: list[dict[str, Any]] = []
    records: dict[str, list[UUID]] = {}
    for row in rows:
        entry = catalogue.get(row[2]) if row[2] else None
        items.append(
            {
                "owner": row.owner,
                "contact": {"agency": row.agency, "name": names.get(row.agency)},
                "class": row[2],
                "class_name": entry.substance.name_en if entry else None,
                "band": row.band,
            }
        )
        records.setdefault(row.owner, []).append(row.record_id)
    return Hits(items, records)
