"""Records that an order's eyes see now and did not see when they were filed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text, tuple_

from service.alerts.eyes import Eyes, Watcher, eyes_of
from service.alerts.past import Spans
from service.database import Database
from service.seizures.models import SHARED

LOOK_BACK = timedelta(days=45)  # of the event: what is older is no warning, but for what a delay held back until now
MONTH = timedelta(days=31)  # a record that is disclosed by its month counts from the first of it
RIPENED = timedelta(days=7)  # ago, at most: a sweep that was missed is made up for
AT_ONCE = 500  # records

_DELAYS = text("SELECT DISTINCT d FROM unnest(gate.delays()) AS d WHERE d > 0")


async def spans(database: Database, watcher: Watcher) -> Spans:
    """From when to when what is looked at happened, as it is disclosed: recent events, and those whose delay ended in
    the last days. A delay counts days from the end of the month of the event (`policies/document.py`).
    """
    if (eyes := await eyes_of(database, watcher.key_id, watcher.purpose)) is None:
        return []
    async with eyes.reading(database) as (session, _):
        delays = list(await session.scalars(_DELAYS))
    now, day = datetime.now(UTC), timedelta(days=1)
    ends = (now - timedelta(days=delay) for delay in delays)
    return [(now - LOOK_BACK - MONTH, now + day), *((end - RIPENED - MONTH, end + day) for end in ends)]


async def newly_visible(database: Database, watcher: Watcher, within: Spans) -> AsyncIterator[tuple[Eyes, list[UUID]]]:
    """The visible records of events in these spans, oldest first, some at a time and in eyes of that moment: one token
    does not last for all. Those that were judged before bring nothing new: a candidate is kept once. What is given
    without any time is no event of any span (`undated.py`).
    """
    place = tuple_(SHARED.c.at, SHARED.c.record_id)
    after = (min((since for since, _ in within), default=datetime.max.replace(tzinfo=UTC)), UUID(int=0))
    fresh: ColumnElement[bool] = or_(*(SHARED.c.at.between(since, until) for since, until in within))
    while (eyes := await eyes_of(database, watcher.key_id, watcher.purpose)) is not None:
        query = (
            select(SHARED.c.record_id, SHARED.c.at)
            .where(SHARED.c.status == "reported", fresh, place > after)
            .order_by(SHARED.c.at, SHARED.c.record_id)
            .limit(AT_ONCE)
        )
        async with eyes.reading(database) as (session, _):
            rows = (await session.execute(query)).all()
        if not rows:
            return
        yield eyes, [row.record_id for row in rows]
        after = (rows[-1].at, rows[-1].record_id)
