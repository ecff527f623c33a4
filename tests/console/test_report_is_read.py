"""A Tajik border officer files a report, an Uzbek analyst sees it as Tajikistan allows, and Tajikistan sees that."""

import pytest

from tests.console.conftest import Console, Opening, signed_in
from tests.exchange import Exchange

RULES = [
    {
        "id": "neighbours",
        "effect": "permit",
        "audience": {"countries": ["UZ"]},
        "purposes": ["operational"],
        "handling_up_to": "TLP:AMBER",
        "facets": ["items"],
        "time": "month",
        "place": "country",
    }
]


@pytest.fixture(scope="module")
def policy(exchange: Exchange) -> None:
    exchange.adopt("TJ", *RULES)


async def file(console: Console, substance: str, quantity: str) -> None:
    await console.page.get_by_label("Substance, by any name").fill(substance)
    await console.page.get_by_label("Quantity", exact=True).fill(quantity)
    await console.page.get_by_role("button", name="Sign and file").click()


async def test_a_report_is_filed_read_and_accounted_for(exchange: Exchange, opened: Opening, policy: None) -> None:
    officer = await signed_in(exchange, opened, "TJ-CUS", "reporter")
    await file(officer, "героин", "7,25")
    await officer.page.get_by_text("Accepted", exact=True).wait_for()
    await officer.seen("report")

    analyst = await signed_in(exchange, opened, "UZ-CUS", "analyst")
    await analyst.open("records?owner=TJ")
    row = analyst.page.get_by_role("row").filter(has_text="героин 7.25 kg")
    await row.wait_for()
    await analyst.seen("records")
    await row.get_by_role("link").click()
    await analyst.page.get_by_text("Not given to you for this purpose").wait_for()
    shown = await analyst.page.locator("main").inner_text()
    assert "героин" in shown
    assert "Exact time" not in shown.partition("Not given to you for this purpose")[0], "Tajikistan gives the month"
    assert "\nMonth\n" in shown
    assert "Exact time" in await analyst.page.get_by_role("group").inner_text(), "it may be asked for"
    await analyst.seen("record")

    auditor = await signed_in(exchange, opened, "TJ-DCA", "policy_officer")
    await auditor.open("statement")
    await auditor.page.get_by_role("row").filter(has_text="UZ-CUS").first.wait_for()
    await auditor.seen("statement")


async def test_without_a_link_a_report_waits_and_then_goes(exchange: Exchange, opened: Opening) -> None:
    officer = await signed_in(exchange, opened, "TJ-CUS", "reporter")
    await officer.page.evaluate("navigator.serviceWorker.ready")
    await officer.page.reload()  # now the worker keeps what the page needs
    await officer.page.get_by_role("button", name="Sign out").wait_for()
    await officer.context.set_offline(True)
    await file(officer, "опий", "12")
    await officer.page.get_by_text("Waits for the link").wait_for()
    await officer.page.reload()
    await officer.page.get_by_text("Waits for the link").wait_for()
    await officer.context.set_offline(False)
    await officer.page.get_by_text("Accepted", exact=True).wait_for()
    officer.complaints = [said for said in officer.complaints if "ERR_INTERNET_DISCONNECTED" not in said]


async def test_a_person_who_signs_out_leaves_no_key_behind(exchange: Exchange, opened: Opening) -> None:
    officer = await signed_in(exchange, opened, "TJ-CUS", "reporter")
    await officer.page.get_by_role("button", name="Sign out").click()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await officer.page.reload()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()


async def test_the_page_speaks_russian(opened: Opening) -> None:
    console: Console = await opened()
    await console.open()
    await console.page.get_by_label("Language").select_option("ru")
    await console.page.get_by_role("heading", name="Вход").wait_for()
    await console.seen("sign-in-ru")
