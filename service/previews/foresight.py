"""What a report that is still being written would be answered with, and what other countries would be given of it.

Told to the officer who writes it, before anything is signed. Nothing is filed.
"""

from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.document import PURPOSES
from service.previews.simulate import COUNTED, HITS, ROWS, Verdict
from service.problems import Problem
from service.records.facets import Facets
from service.records.registry import mask, named
from service.seizures.check import Unsigned, check
from service.seizures.filing import Filing

_FORESEEN: Final = text("SELECT * FROM gate.foreseen(:scope, CAST(:purposes AS text[]))")


class Foresight(BaseModel):
    """What analysts of a country would be given for a purpose, from a day on where it waits.

    `rows`: the record itself, with its id, agency and handling, and those of its facets that are named. Else `counted`:
    it would count in figures; `hits`: that there is a match would be told.
    """

    country: str
    purpose: str
    rows: bool
    facets: list[str]
    counted: bool
    hits: bool
    since: date | None


class Told(BaseModel):
    """Of a report that would be refused, its first `problem`; else what its acceptance would say, and as `foreseen`
    what of it would be given. A country that is not named is given nothing. Agencies that a rule names, and other roles
    than analysts, may be given more or less.
    """

    problem: dict[str, Any] | None = None
    derived: dict[str, Any] | None = None
    warnings: list[dict[str, str]] = []
    foreseen: list[Foresight] = []


async def told(session: AsyncSession, filing: Filing, asked: Unsigned) -> Told:
    """Of a report as if it was filed now."""
    try:
        checked = await check(session, filing, asked)
    except Problem as problem:
        return Told(problem=problem.as_document())
    ids = await filing.scope_ids.of(session, filing.caller.country, [checked.scope])
    given = await by_country(session, ids[checked.scope], checked.facets, mask(asked.facets), filing.now.date())
    return Told(derived=checked.derived, warnings=checked.warnings, foreseen=given)


async def by_country(session: AsyncSession, scope: int, typed: Facets, has: int, today: date) -> list[Foresight]:
    """By country and purpose. The session is a writing one, of a caller of the agency that files."""
    assert typed.month is not None  # a required facet
    month_end = (typed.month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    rows = await session.execute(_FORESEEN, {"scope": scope, "purposes": list(PURPOSES)})
    found = []
    for country, purpose, *verdict in rows:
        given = Verdict(*verdict)
        opens = month_end + timedelta(days=given.delay)
        mask_then = given.on(month_end, max(today, opens))
        if mask_then & (ROWS | COUNTED | HITS):
            since = opens if given.delay and opens > today else None
            found.append(_foresight(country, purpose, mask_then, has, since))
    return found


def _foresight(country: str, purpose: str, given: int, has: int, since: date | None) -> Foresight:
    rows = bool(given & ROWS)
    return Foresight(
        country=country,
        purpose=purpose,
        rows=rows,
        facets=list(named(given & has)) if rows else [],
        counted=bool(given & COUNTED) and not rows,
        hits=bool(given & HITS) and not rows,
        since=since,
    )
