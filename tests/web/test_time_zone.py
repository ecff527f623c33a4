"""Times are told in UTC, whatever zone the database server stands in."""

from datetime import datetime, timedelta, timezone

from sqlalchemy import text

from service.database import Database
from service.readings.entry import instant
from service.settings import Settings

TASHKENT = timezone(timedelta(hours=5))
_ZONE = text("SELECT setting, source FROM pg_settings WHERE name = 'TimeZone'")


async def test_every_session_says_utc_itself_and_does_not_leave_it_to_the_server(settings: Settings) -> None:
    database = Database(settings)
    kinds = (database.reading, database.writing, database.authn, database.sequencing, database.scoping)
    zones = set()
    for kind in kinds:
        async with kind() as session:
            zones.add(tuple((await session.execute(_ZONE)).one()))
    logging = await database.access_log()
    zones.add(tuple(await (await logging.execute(_ZONE.text)).fetchone() or ()))
    await database.dispose()
    assert zones == {("UTC", "client")}


def test_the_entry_of_a_reading_spells_its_instant_in_utc() -> None:
    assert instant(datetime(2026, 3, 1, 2, 30, tzinfo=TASHKENT)) == "2026-02-28T21:30:00.000000Z"
