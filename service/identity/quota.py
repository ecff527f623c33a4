"""So many of something in a day or an hour for each country: counted in the database, where each stands with its time,
as what workers count would add up.
"""

from datetime import timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, extract, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.locks import Turn
from service.problems import Problem

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_TURN = text("SELECT pg_advisory_xact_lock(:what, hashtext(:whose))")


async def turn(session: AsyncSession, what: Turn, whose: str) -> None:
    """Of two that come at once the second counts what the first did, after its COMMIT."""
    await session.execute(_TURN, {"what": what.value, "whose": whose})


async def check(
    session: AsyncSession, at: ColumnElement[Any], most: int, within: timedelta, refusal: type[Problem]
) -> None:
    """`at` is the column that says when each was that counts. Raises `refusal`, with the seconds until there is room
    for one more.
    """
    now = func.clock_timestamp()  # a turn was waited for
    # there is room when the one that has as many after it as there may be is past
    waits = extract("epoch", at + within - now)
    query = select(waits).where(at > now - within).order_by(at.desc()).offset(most - 1).limit(1)
    if (wait := await session.scalar(query)) is not None:
        seconds = max(1, ceil(wait))
        unit = "a day" if within == DAY else "an hour"
        raise refusal(f"at most {most} {unit}; wait {seconds} s", limit=most, retry_after=seconds)
