"""Give and get: what each partner read of one's own, and what one's own people read of the partner's.

Computed from the access log and from own records; of others' records it knows only those that were shown.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Country
from service.readings.models import STATEMENT, TAKEN

_VISIBLE = text("SELECT country, records FROM gate.shared_now()")


@dataclass(slots=True)
class Side:
    """`answers` that showed records, and how many they showed, each as often as it was shown."""

    answers: int = 0
    records: int = 0


def quarter(name: str) -> tuple[datetime, datetime]:
    """The first moment of `2026-Q3` and that of the quarter after it, UTC."""
    year, first = int(name[:4]), 3 * int(name[-1]) - 2
    after = (year, first + 3) if first < 10 else (year + 1, 1)
    return datetime(year, first, 1, tzinfo=UTC), datetime(*after, 1, tzinfo=UTC)


async def balance(session: AsyncSession, own: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """For each other country: `visible_now` of own records, `given` to it and `taken` from it in the period."""
    visible = {row.country: row.records for row in await session.execute(_VISIBLE)}
    given = await _sides(session, STATEMENT.c.country, STATEMENT, since, until)
    distinct = await _distinct(session, since, until)
    taken = await _sides(session, TAKEN.c.owner, TAKEN, since, until)
    partners = await session.scalars(select(Country.code).where(Country.code != own).order_by(Country.code))
    return [
        {
            "country": code,
            "visible_now": visible.get(code, 0),
            "given": asdict(given.get(code, Side())) | {"distinct_records": distinct.get(code, 0)},
            "taken": asdict(taken.get(code, Side())),
        }
        for code in partners
    ]


async def _sides(session: AsyncSession, by: Any, view: Any, since: datetime, until: datetime) -> dict[str, Side]:
    query = (
        select(by, func.count(), func.coalesce(func.sum(view.c.records), 0))
        .where(view.c.at >= since, view.c.at < until, view.c.records > 0)
        .group_by(by)
    )
    return {country: Side(answers, records) for country, answers, records in await session.execute(query)}


async def _distinct(session: AsyncSession, since: datetime, until: datetime) -> dict[str, int]:
    read = (
        select(STATEMENT.c.country, func.unnest(STATEMENT.c.record_ids).label("record"))
        .where(STATEMENT.c.at >= since, STATEMENT.c.at < until)
        .subquery()
    )
    query = select(read.c.country, func.count(read.c.record.distinct()).label("records")).group_by(read.c.country)
    return {row.country: row.records for row in await session.execute(query)}
