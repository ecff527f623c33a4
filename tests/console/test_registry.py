"""Two key administrators add an agency with a key of its own, and one of them ends that key at once; by keys alone."""

import json

from playwright.async_api import expect
from sarhad import PrivateKey
from sarhad.enrolment import enrolment

from tests.console.conftest import Console, Keys, Opening
from tests.exchange import Exchange
from tests.signin.conftest import add_officer, call


async def administrator(exchange: Exchange, opened: Opening) -> Console:
    console: Console = await opened()
    await console.sign_in(add_officer(exchange, "AZ-DCA", ("key_administrator",))["code"])
    await console.open("registry")
    return console


async def test_an_agency_and_its_key_are_proposed_approved_and_ended(exchange: Exchange, opened: Opening) -> None:
    first = await administrator(exchange, opened)
    page, keys = first.page, Keys(first)
    await page.get_by_text("Nothing waits.").wait_for()
    await keys.press(page.get_by_text("Propose an agency", exact=True))
    await keys.type(page.get_by_label("Code"), "AZ-BG")
    await keys.type(page.get_by_label("Name", exact=True), "State Border Service")
    await keys.press(page.get_by_role("button", name="Propose", exact=True))
    await page.get_by_role("listitem").filter(has_text="a new agency").wait_for()

    second = await administrator(exchange, opened)
    others = Keys(second)
    await others.press(second.page.get_by_role("button", name="Approve"))
    await second.page.get_by_role("cell", name="State Border Service").wait_for()
    await second.check()
    await second.picture("registry")

    await page.reload()
    await keys.choose(page.get_by_label("Agency"), "AZ-BG")
    await page.get_by_text("No key of this agency is in force.").wait_for()
    key = PrivateKey.generate()
    await keys.press(page.get_by_text("Propose keys", exact=True))
    await keys.press(page.get_by_label("sarhad keys request"), "x")
    await keys.press(page.get_by_role("button", name="Propose these keys"))
    await page.get_by_role("alert").filter(has_text="This is no JSON.").wait_for()
    printed = json.dumps([enrolment("AZ-BG", "request-signing", key, ["reporter"])])
    await page.get_by_label("sarhad keys request").fill(printed)
    await page.get_by_role("button", name="Propose these keys").press("Enter")
    await page.get_by_role("listitem").filter(has_text="a new key").wait_for()
    await keys.press(page.locator("summary").filter(has_text="Reject or withdraw"))
    await page.get_by_label("Why it shall not be").fill("The holder proves another key.")
    await first.check()
    await page.get_by_role("button", name="Reject or withdraw").press("Enter")
    await page.get_by_text("Nothing waits.").wait_for()
    administrator_key = exchange.region.profiles["AZ-DCA/admin1"].load_request_key()
    (rejected,) = call(exchange.settings.origin, administrator_key, "GET", "/v1/changes?state=rejected").json()["items"]
    assert rejected["rejection_reason"] == "The holder proves another key."
    await page.get_by_label("sarhad keys request").fill(printed)
    await page.get_by_role("button", name="Propose these keys").press("Enter")
    await page.get_by_role("listitem").filter(has_text="a new key").wait_for()

    await second.page.reload()
    await second.page.get_by_role("button", name="Approve").press("Enter")
    await second.page.get_by_text("Nothing waits.").wait_for()
    await second.page.get_by_label("Agency").select_option("AZ-BG")
    held = second.page.get_by_role("listitem").filter(has_text=key.public.kid)
    await expect(held).to_contain_text("signs requests · reporter")
    await others.press(held.get_by_text("End this key"))
    await others.press(held.get_by_label("Reason"), "x")
    await others.press(held.get_by_role("button", name="End now"))
    await second.page.get_by_text("No key of this agency is in force.").wait_for()
