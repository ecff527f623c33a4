"""What a rule found becomes an alert by two hands, reaches a neighbour, and is answered: each at the console."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect
from sarhad.records import item

from tests.alerts.conftest import calling
from tests.awaiting import eventually
from tests.console.conftest import Console, Opening, signed_in
from tests.exchange import Exchange, heroin

RARE = "SAR-000381"  # no other test of the suite files it


@pytest.fixture(scope="module", autouse=True)
def shared(exchange: Exchange, jobs: Path) -> None:
    """Kazakhstan gives Kyrgyzstan what was found."""
    permit = {
        "id": "green-to-kg",
        "effect": "permit",
        "audience": {"countries": ["KG"]},
        "handling_up_to": "TLP:GREEN",
        "facets": ["items"],
        "time": "day",
        "place": "country",
    }
    exchange.adopt("KZ", permit)


async def at_alerts(exchange: Exchange, opened: Opening, agency: str, role: str) -> Console:
    console = await signed_in(exchange, opened, agency, role)
    await console.page.get_by_role("link", name="Alerts").click()
    return console


async def test_from_a_first_appearance_to_a_neighbours_answer(exchange: Exchange, opened: Opening) -> None:
    analyst = await at_alerts(exchange, opened, "KG-CUS", "analyst")
    await analyst.page.get_by_role("button", name="Let rules look for me").click()
    await analyst.page.get_by_text("Rules look for you until").wait_for()
    record = heroin("KZ-CUS", handling="TLP:GREEN", items=[item(RARE, "порошок", "0.5", "kg", status="PRES")])
    exchange.client("KZ-CUS").submit(exchange.sign(record))
    call = calling(exchange)
    await asyncio.to_thread(
        eventually, lambda: str(record.id).encode() in call("KG-CUS", "GET", "/v1/alerts/candidates").body
    )

    await analyst.page.reload()
    found = analyst.page.get_by_role("listitem").filter(has_text="First in the region").first
    await found.get_by_text("Judge").click()
    await found.get_by_label("Title").fill("A substance not seen before")
    await found.get_by_label("What others should know").fill("Handle with gloves.")
    await analyst.seen("alerts")
    await found.get_by_role("button", name="Raise to an alert").click()
    raised = analyst.page.get_by_role("link", name="A substance not seen before")
    await raised.wait_for()

    officer = await at_alerts(exchange, opened, "KG-DCA", "policy_officer")
    await officer.page.get_by_role("link", name="A substance not seen before").click()
    await officer.page.get_by_label("Level").select_option("URGENT")
    await expect(officer.page.get_by_label("Handling")).to_have_value("TLP:AMBER")
    await officer.page.get_by_label("Handling").select_option("TLP:GREEN")
    addressed = officer.page.get_by_label("Addressed to")
    for unread in ("КЗ", "Kazakhstan", ","):  # none of it may be taken for "every member"
        await addressed.fill(unread)
        await officer.page.get_by_role("button", name="Sign and issue").click()
        assert await addressed.evaluate("input => input.validity.patternMismatch && input.matches(':focus')")
    await addressed.fill("kz")
    await officer.page.get_by_role("button", name="Sign and issue").click()
    await officer.page.get_by_text("Not acknowledged yet").wait_for()

    neighbour = await at_alerts(exchange, opened, "KZ-CUS", "analyst")
    await neighbour.page.get_by_role("link", name="A substance not seen before").click()
    await neighbour.page.get_by_role("button", name="Acknowledge for my country").press("Enter")
    await neighbour.page.get_by_label("What was done").fill("Posts were told.")
    await neighbour.page.get_by_role("button", name="Sign and send").press("Enter")
    await neighbour.page.get_by_role("cell", name="Posts were told.").wait_for()
    await neighbour.seen("alert")

    await officer.page.reload()
    await officer.page.get_by_role("row").filter(has_text="Posts were told.").get_by_role("cell", name="yes").wait_for()
