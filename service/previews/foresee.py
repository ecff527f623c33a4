"""What other countries would be given of a report that is about to be filed, told to the officer who files it.

The report is judged as if it was filed, which makes the scope that it would have, and nothing of it is kept.
"""

from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.document import PURPOSES
from service.previews.simulate import COUNTED, HITS, ROWS, Verdict
from service.problems import Problem
from service.records.registry import REPORTS, mask, named
from service.seizures.filing import Filing
from service.seizures.judge import start_judging
from service.seizures.row import Candidate

_FORESEEN = text("SELECT * FROM gate.foreseen(:scope, CAST(:purposes AS text[]))")
KINDS: Final = frozenset(REPORTS) - {"retraction"}  # that goes to the readers of what it takes back


class Foreseen(BaseModel):
    """What analysts of a country would be given for a purpose: facets of the report, from a day on where it waits.

    `counted`: it would count in figures only; `hits`: only that there is a match is told.
    """

    country: str
    purpose: str
    facets: list[str]
    counted: bool
    hits: bool
    since: date | None


class Audience(BaseModel):
    """Who is not named is given nothing. Agencies that a rule names, and other roles, may be given more or less."""

    items: list[Foreseen]


async def foresee(session: AsyncSession, filing: Filing, record: bytes) -> Audience:
    """Of a signed record, judged as if it was filed now. Raises the Problem that it would be refused for."""
    (judged,) = await (await start_judging(session, filing, [record]))
    if isinstance(judged, Problem):
        raise judged
    ids = await filing.scope_ids.of(session, filing.caller.country, [judged.scope])
    return Audience(items=await foreseen(session, judged, ids[judged.scope], filing.now.date()))


async def foreseen(session: AsyncSession, judged: Candidate, scope: int, today: date) -> list[Foreseen]:
    """By country and purpose. The session is a writing one, of a caller of the agency that files."""
    has = mask(judged.record.facets)
    month_end = date.fromisoformat(judged.columns["month_end"])
    rows = await session.execute(_FORESEEN, {"scope": scope, "purposes": list(PURPOSES)})
    found = []
    for country, purpose, *verdict in rows:
        given = Verdict(*verdict)
        opens = month_end + timedelta(days=given.delay)
        mask_then = given.on(month_end, max(today, opens))
        if mask_then & (ROWS | COUNTED | HITS):
            found.append(_told(country, purpose, mask_then, has, opens if given.delay and opens > today else None))
    return found


def _told(country: str, purpose: str, given: int, has: int, since: date | None) -> Foreseen:
    facets: list[Any] = list(named(given & has)) if given & ROWS else []
    return Foreseen(
        country=country, purpose=purpose, facets=facets, since=since,
        counted=bool(given & COUNTED) and not given & ROWS, hits=bool(given & HITS) and not given & ROWS,
    )  # fmt: skip
