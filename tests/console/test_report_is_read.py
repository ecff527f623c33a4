"""A Tajik border officer files a report, an Uzbek analyst sees it as Tajikistan allows, and Tajikistan sees that."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.console.conftest import Console, Keys, Opening, signed_in
from tests.exchange import Exchange
from tests.signin.conftest import add_officer, call

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
    await substance_chosen(analyst, row)
    await analyst.seen("records")
    await row.get_by_role("link").click()
    await analyst.page.get_by_text("Not given to you for this purpose").wait_for()
    shown = await analyst.page.locator("main").inner_text()
    assert "героин" in shown
    assert "Exact time" not in shown.partition("Not given to you for this purpose")[0], "Tajikistan gives the month"
    assert "\nMonth\n" in shown
    assert "Exact time" in await analyst.page.get_by_role("group").inner_text(), "it may be asked for"
    await Keys(analyst).press(analyst.page.get_by_role("button", name="Check its signature"))
    vouched = analyst.page.get_by_role("region", name="Who vouches for it")
    await vouched.get_by_text("TJ-CUS signed every detail that is shown").wait_for()
    await vouched.get_by_text("Its place in the log is not given to you").wait_for()
    await analyst.seen("record")

    auditor = await signed_in(exchange, opened, "TJ-DCA", "policy_officer")
    await auditor.open("statement")
    await auditor.page.get_by_role("row").filter(has_text="UZ-CUS").first.wait_for()
    await auditor.seen("statement")


async def substance_chosen(analyst: Console, heroin: Locator) -> None:
    """By any name in any script, by keys alone; words that nothing was chosen for are not asked."""
    page, keys = analyst.page, Keys(analyst)
    substance, show = page.get_by_label("Substance, by any name"), page.get_by_role("button", name="Show", exact=True)
    await keys.type(substance, "опий")
    await keys.press(show)
    assert "substance=" not in page.url
    await keys.press(page.get_by_role("list", name="Substances found").get_by_role("button", name="Opium").first)
    await keys.press(show)
    await expect(heroin).to_have_count(0)
    await expect(substance).to_have_value("Opium")
    await substance.fill("героин")
    await page.get_by_role("button", name="Heroin SAR-000608").click()
    await show.click()
    await page.wait_for_url(re.compile("substance=SAR-000608"))
    await heroin.wait_for()
    await page.reload()
    await expect(substance).to_have_value("Heroin")
    await heroin.wait_for()


async def test_from_the_code_to_the_receipt_by_keys_alone(exchange: Exchange, opened: Opening) -> None:
    officer: Console = await opened()
    page, keys = officer.page, Keys(officer)
    await officer.open()
    await keys.type(
        page.get_by_label("Enrolment code, in full"), add_officer(exchange, "TJ-CUS", ("reporter",))["code"]
    )
    await page.keyboard.press("Enter")
    await page.get_by_text("The passkey is enrolled.").wait_for()
    await keys.press(page.get_by_role("button", name="Sign in with a passkey"))
    await page.get_by_role("button", name="Sign out").wait_for()
    await keys.choose(page.locator("header select"), "Русский")
    await page.get_by_role("button", name="Выйти").wait_for()
    await page.keyboard.press("Home")
    await page.get_by_role("button", name="Sign out").wait_for()
    await keys.type(page.get_by_label("Substance, by any name"), "герыч")
    await keys.press(page.get_by_role("list", name="Substances found").get_by_role("button", name="SAR-000608").first)
    await keys.type(page.get_by_label("Quantity", exact=True), "7,25")
    await keys.press(page.get_by_role("button", name="On the map"))
    await page.wait_for_function("() => 'idle' in (document.querySelector('.map')?.dataset ?? {})")
    await keys.press(page.get_by_role("application", name="Map").locator("canvas"), "ArrowRight")
    await keys.press(page.get_by_role("button", name="It is under the cross"))
    await keys.choose(page.get_by_label("Transport"), "Road")
    await keys.choose(page.get_by_label("How sure"), "Presumptive")
    await page.get_by_role("region", name="Before you sign").get_by_text("It would be accepted. 7.25 kg").wait_for()
    await keys.press(page.get_by_role("button", name="Sign and file"))
    await page.get_by_text("Accepted", exact=True).wait_for()
    async with page.expect_download():
        await keys.press(page.get_by_role("button", name="Save the receipt"))
    await keys.press(page.get_by_role("button", name="Sign out"))
    await page.get_by_role("button", name="Sign in with a passkey").wait_for()
    officer.complaints = [said for said in officer.complaints if "/proof" not in said]  # the log may not hold it yet


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


KEPT = """async () => {
  const asked = request => new Promise(resolve => { request.onsuccess = () => resolve(request.result); });
  const base = await asked(indexedDB.open("sarhad"));
  const kept = await asked(base.transaction("session").objectStore("session").get("current"));
  base.close();
  return kept && { hours: (new Date(kept.until) - Date.now()) / 3_600_000,
    out: await crypto.subtle.exportKey("jwk", kept.requests.key).then(() => true, () => false) };
}"""


async def test_a_person_who_signs_out_leaves_no_key_behind(exchange: Exchange, opened: Opening) -> None:
    officer = await signed_in(exchange, opened, "TJ-CUS", "reporter")
    kept = await officer.page.evaluate(KEPT)
    assert not kept["out"], "the key cannot be taken out of the browser"
    assert 7.9 < kept["hours"] <= 8
    await officer.page.get_by_role("button", name="Sign out").click()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()
    assert await officer.page.evaluate(KEPT) is None
    await officer.page.reload()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()


async def test_an_officer_who_is_ended_is_signed_out_at_the_next_step(exchange: Exchange, opened: Opening) -> None:
    officer: Console = await opened()
    enrolled = add_officer(exchange, "TJ-CUS", ("reporter",))
    await officer.sign_in(enrolled["code"])
    administrator = exchange.region.profiles["TJ-DCA/admin1"].load_request_key()
    end = f"/v1/people/{enrolled['id']}/end"
    assert call(exchange.settings.origin, administrator, "POST", end, {"reason": "moved"}).status == 200
    await officer.page.get_by_role("link", name="Inbox").click()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await officer.page.reload()
    await officer.page.get_by_role("button", name="Sign in with a passkey").wait_for()
    officer.complaints = [said for said in officer.complaints if "status of 401" not in said]


async def test_the_page_speaks_russian(opened: Opening) -> None:
    console: Console = await opened()
    await console.open()
    await console.page.get_by_label("Language").select_option("ru")
    await console.page.get_by_role("heading", name="Вход").wait_for()
    await console.seen("sign-in-ru")
