"""So many a day: there is room again when the one that has as many after it as there may be is past."""

import pytest
from sqlalchemy import column, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database, administration
from service.identity import acts, quota
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


async def test_acts_of_the_own_country_are_counted_by_the_day_and_no_others_are_seen(exchange: Exchange) -> None:
    engine = administration(exchange.settings)
    counted = "SELECT count(*) FROM core.governance_event WHERE country = 'KG' AND at > now() - interval '1 day'"
    async with AsyncSession(engine) as session, session.begin():
        done = await session.scalar(text(counted))
        token = await session.scalar(text("SELECT gate.enter('KG', 'KG-CUS', ARRAY['analyst'], '')"))
    database = Database(exchange.settings)
    async with database.writing() as session:
        await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
        await acts.step(session, "KG", done + 1)
        with pytest.raises(acts.TooManyActs):
            await acts.step(session, "KG", done)
        await acts.step(session, "UZ", 1)
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text("SELECT document FROM core.governance_event"))
    await database.dispose()
    await engine.dispose()
