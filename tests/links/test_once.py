"""An event counts once, by a stated rule, for each reader among the reports that it sees."""

import asyncio
from collections.abc import Callable

import pytest
from sarhad.records import retraction
from sqlalchemy import select, text

from service.database import Database
from service.links.models import EVENT_MEMBER
from tests.links.test_events import NEARBY, POINT, reported
from tests.links.wiring import between, post
from tests.seizures.wiring import Agency

pytestmark = pytest.mark.usefixtures("shared")


def counted(agency: Agency, *records: str) -> dict[str, bool]:
    """Of these records, those that the agency sees to be of one event with others, and whether each counts."""

    async def ask() -> dict[str, bool]:
        database = Database(agency.exchange.settings)
        async with database.authn() as session:
            mint = text("SELECT gate.mint(:kid, 'operational')")
            token = await session.scalar(mint, {"kid": agency.request_key.public.kid})
        async with database.reading() as session:
            await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": token})
            rows = (await session.execute(select(EVENT_MEMBER))).all()
        await database.dispose()
        return {str(row.record_id): row.counted for row in rows if str(row.record_id) in records}

    return asyncio.run(ask())


def test_the_heavier_of_two_reports_counts_until_the_link_is_undone(
    kz: Agency, kg: Agency, sought: Callable[[], None]
) -> None:
    light, heavy = reported(kz, "9.412", "2026-01-09", POINT), reported(kg, "9.436", "2026-01-09", NEARBY)
    sought()
    link = between(kz, light, heavy)
    assert link is not None
    path = f"/v1/links/{link['id']}"
    for agency in (kz, kg):
        assert counted(agency, light, heavy) == {}, "a proposal merges nothing"
        post(agency, f"{path}/confirmation", {})
    for agency in (kz, kg):
        assert counted(agency, light, heavy) == {light: False, heavy: True}
    assert counted(Agency(kz.exchange, "TJ-CUS"), light, heavy) == {}
    told = Agency(kz.exchange, "KZ-DCA").get(path).json()["acts"]
    assert [act["act"] for act in told] == ["confirm", "confirm"]
    signed = kg.get(f"/v1/seizures/{heavy}", accept="application/sd-jwt").body.decode()
    assert kg.post(kg.sign(retraction(signed, reason="Filed twice.", language="en"))).status == 201
    sought()
    assert counted(kz, light, heavy) == {light: True, heavy: False}, "what is withdrawn does not stand for the event"
    post(kg, f"{path}/undoing", {"reason": "Two events."})
    assert counted(kz, light, heavy) == {}
