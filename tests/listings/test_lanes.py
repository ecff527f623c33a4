"""Definitions are asked for each member by itself: a demanding one costs its own member an answer, and nobody else."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from service import sandbox
from service.database import administration
from service.listings import generic
from service.listings.control import Lists, control_of
from service.listings.models import Listing
from tests.exchange import Exchange

# Sixty carbons, each bound to three: a pattern of a long walk to an atom that is not there has no end in it.
CAGE = (
    "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4"
    "c9c5c1c1c6c2c3c41"
)
ENDLESS = "~".join(["*"] * 40) + "~[Xe]"
AROMATIC = "c1ccccc1"
TODAY = date(2026, 1, 1)


def defined(country: str, *smarts: str) -> Listing:
    members: dict[str, Any] = {"entry": "e", "version": 1, "schedule": "I", "legal_basis": "x", "valid_from": TODAY}
    return Listing(country=country, generic={"smarts": list(smarts)}, **members)


def held(*entries: Listing) -> Lists:
    countries = tuple(entry.country for entry in entries)
    return Lists(TODAY, countries, entries, {}, frozenset(countries))


async def test_a_demanding_definition_silences_its_own_member_alone() -> None:
    lists = held(defined("KG", ENDLESS), defined("TJ", AROMATIC), defined("UZ", "[Xe]"))
    async with AsyncSession() as session:
        asked = (await generic.fitting(session, [("", CAGE)], lists, asker="AZ"))[""]
    assert (asked.taking_in, asked.unasked) == ({("TJ", "e")}, {"KG"})
    statuses = {country: cell["status"] for country, cell in control_of("", (), lists, asked).items()}
    assert statuses == {"KG": "not-asked", "TJ": "generic", "UZ": "not-listed"}
    assert asked.told() == {"definitions_asked": False, "definitions_not_asked": ["KG"]}


async def test_definitions_wait_in_a_lane_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not behind files: neither of who asks, nor of the member whose they are."""
    busy = [sandbox._of_sender[lane] for lane in ("AZ", "TJ", "definitions of KG")]
    for lane in busy:
        await lane.acquire()
    monkeypatch.setattr(sandbox, "PATIENCE", 0.1)  # the other lanes are free
    try:
        lists = held(defined("KG", AROMATIC), defined("TJ", AROMATIC))
        async with AsyncSession() as session:
            asked = (await generic.fitting(session, [("", "Cc1ccccc1")], lists, asker="AZ"))[""]
    finally:
        for lane in busy:
            lane.release()
    assert (asked.taking_in, asked.unasked) == ({("TJ", "e")}, {"KG"})


async def test_nobody_waits_for_a_connection_while_definitions_are_asked(exchange: Exchange) -> None:
    engine = administration(exchange.settings)
    lane, returned = sandbox._of_sender["definitions of KG"], asyncio.Event()
    event.listen(engine.sync_engine, "checkin", lambda *_: returned.set())
    async with AsyncSession(engine) as session, lane:
        await session.execute(text("SELECT 1"))
        asking = asyncio.create_task(
            generic.fitting(session, [("", "Cc1ccccc1")], held(defined("KG", AROMATIC)), asker="AZ")
        )
        await asyncio.wait_for(returned.wait(), 10)
        assert not asking.done()
        lane.release()  # its turn
        assert (await asking)[""].taking_in == {("KG", "e")}
        await lane.acquire()
    await engine.dispose()
