"""So many a day: there is room again when the one that has as many after it as there may be is past."""

import pytest
from sqlalchemy import column, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import administration
from service.identity import quota
from service.identity.pace import TooManyRequests
from tests.exchange import Exchange

ACTS = text("SELECT clock_timestamp() - h * interval '1 hour' AS at FROM unnest(ARRAY[23, 5, 1, 30]) h").columns(
    column("at")
)


@pytest.mark.parametrize(("most", "hours"), [(1, 23), (2, 19), (3, 1), (4, None)])
async def test_what_waits_for_room_is_told_when_there_is_some(exchange: Exchange, most: int, hours: int | None) -> None:
    engine, at = administration(exchange.settings), ACTS.subquery().c.at
    async with AsyncSession(engine) as session:
        if hours is None:
            await quota.check(session, at, most, quota.DAY, TooManyRequests)
        else:
            with pytest.raises(TooManyRequests) as refused:
                await quota.check(session, at, most, quota.DAY, TooManyRequests)
            wait = refused.value.members["retry_after"]
            assert hours * 3600 - 60 < wait <= hours * 3600
            assert refused.value.response_headers() == {"retry-after": str(wait)}
    await engine.dispose()
