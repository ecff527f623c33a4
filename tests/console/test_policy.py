"""Two policy officers of Azerbaijan: one drafts, tries and proposes, the other approves with the passkey in hand; both
by keys alone.
"""

import json

import pytest
from playwright.async_api import expect

from tests.console.conftest import Console, Keys, Opening
from tests.exchange import Exchange, heroin
from tests.signin.conftest import add_officer


@pytest.fixture(scope="module")
def record(exchange: Exchange) -> str:
    exchange.adopt("AZ")
    return exchange.client("AZ-CUS").submit(exchange.sign(heroin("AZ-CUS"))).id


RULE = {
    "id": "by-hand",
    "effect": "permit",
    "audience": {"countries": ["KZ"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items"],
    "time": "month",
    "place": "country",
}


async def officer(exchange: Exchange, opened: Opening) -> Console:
    console: Console = await opened()
    await console.sign_in(add_officer(exchange, "AZ-DCA", ("policy_officer",))["code"])
    await console.open("policy")
    return console


async def test_from_a_draft_to_a_policy_in_force_and_to_the_kill_switch(
    exchange: Exchange, opened: Opening, record: str
) -> None:
    first = await officer(exchange, opened)
    page, keys = first.page, Keys(first)
    await page.get_by_text("Version 1", exact=False).first.wait_for()
    await first.check()
    await keys.press(page.get_by_role("link", name="Drafts"))
    await page.get_by_text("No draft yet.").wait_for()
    await keys.type(page.get_by_label("Name for your colleagues"), "for Uzbekistan")
    await page.keyboard.press("Enter")
    await keys.press(page.get_by_role("button", name="Add a rule"))
    await keys.type(page.get_by_label("Name of the rule"), "to-uz")
    await keys.press(page.get_by_role("group", name="Countries").get_by_label("Uzbekistan"), "Space")
    await keys.choose(page.get_by_label("Time, how exactly"), "Day")
    await keys.press(page.get_by_role("button", name="Save and check"))
    await page.get_by_role("heading", name="What it says").wait_for()
    await expect(page.locator(".changes")).to_contain_text("Uzbekistan")
    await first.check()
    await first.picture("policy-draft")

    await keys.press(page.get_by_role("link", name="Try it: preview and simulate"))
    await keys.choose(page.get_by_label("Agency that reads"), "UZ-CUS")
    await keys.press(page.get_by_role("button", name="Preview"))
    await page.get_by_text("UZ-CUS would see this").wait_for()
    await expect(page.get_by_role("table").first).to_contain_text(record[:8])
    await page.get_by_label("One record, by its id").fill(record)
    await page.get_by_label("Which policy").select_option("")
    await page.get_by_label("Agency that reads").select_option("UZ-CUS")
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_text("UZ-CUS would see none of your records.").wait_for()
    await page.get_by_label("Which policy").select_option(label="draft: for Uzbekistan")
    await page.get_by_role("button", name="Simulate").click()
    newly = page.get_by_role("row").filter(has_text="Uzbekistan · analyst")
    await expect(newly.get_by_role("cell").nth(2)).to_have_text("1")
    await first.check()
    await first.picture("policy-try")

    await keys.press(page.get_by_role("link", name="Drafts"))
    await keys.press(page.get_by_role("link", name="for Uzbekistan"))
    await keys.press(page.get_by_role("button", name="Save and check"))
    await keys.press(page.get_by_role("button", name="Sign and propose to a second officer"))
    await page.get_by_role("heading", name="waits for a second officer").wait_for()
    await page.get_by_role("button", name="Approve with my passkey").click()
    await page.get_by_role("alert").filter(has_text="another policy officer").wait_for()
    first.complaints = [said for said in first.complaints if "403" not in said]

    second = await officer(exchange, opened)
    await second.page.get_by_role("heading", name="waits for a second officer").wait_for()
    await second.check()
    await second.picture("policy-proposal")
    await Keys(second).press(second.page.get_by_role("button", name="Approve with my passkey"))
    await expect(second.page.get_by_role("heading", name="waits for a second officer")).to_have_count(0)
    await second.page.get_by_text("to-uz").first.wait_for()
    await second.picture("policy")
    reader = exchange.client("UZ-CUS")
    assert [item["id"] for item in reader.search_all(owner="AZ")] == [record]

    await second.page.get_by_role("link", name="Versions").click()
    await second.page.get_by_role("row").filter(has_text="superseded").first.wait_for()
    await expect(second.page.locator(".changes")).to_contain_text("Rule to-uz is added")
    await second.check()

    await second.page.emulate_media(color_scheme="dark")
    await second.page.get_by_label("Language").select_option("ru")
    await second.page.get_by_role("cell", name="действует").wait_for()
    await second.check()
    await second.picture("policy-versions-dark-ru")
    await second.page.get_by_label("Язык").select_option("en")
    keys = Keys(second)
    await keys.press(second.page.get_by_role("link", name="Stop sharing"))
    await second.page.get_by_text("Nothing was ever stopped.").wait_for()
    await keys.choose(second.page.get_by_label("Towards whom"), "Uzbekistan")
    await keys.type(second.page.get_by_label("Reason"), "A leak is suspected.")
    await second.page.get_by_text("Uzbekistan sees nothing of your country's records").wait_for()
    await keys.press(second.page.get_by_role("button", name="Stop now"))
    await second.page.get_by_role("listitem").filter(has_text="A leak is suspected.").wait_for()
    await second.check()
    await second.picture("policy-stop")
    assert not list(reader.search_all(owner="AZ"))

    await page.get_by_role("link", name="Stop sharing").click()
    await page.get_by_label("Why sharing goes on").fill("It was none.")
    await page.get_by_role("button", name="Undo: share again").click()
    await page.get_by_text("Shared again since").wait_for()
    assert [item["id"] for item in reader.search_all(owner="AZ")] == [record]


async def test_a_draft_is_written_as_json_beside_its_plain_words(
    exchange: Exchange, opened: Opening, record: str
) -> None:
    console = await officer(exchange, opened)
    page = console.page
    await console.open("policy/drafts")
    await page.get_by_label("Name for your colleagues").fill("by hand")
    await page.keyboard.press("Enter")
    await page.get_by_text("The draft as JSON").click()
    text, save = page.get_by_label("What you write here"), page.get_by_role("button", name="Save and check")
    begun = json.loads(await text.input_value())
    written = json.dumps(begun | {"rules": [*begun["rules"], RULE]}, indent=2)

    before, after = written.split('"effect": "permit",\n      "audience": {\n        "countries": [\n          "KZ"')
    await text.fill(f'{before}"effect": "permit"\n      "audience": {{\n        "countries": [\n          "KZ"{after}')
    place = f"Line {before.count(chr(10)) + 2}, column 7."
    await expect(page.get_by_role("alert")).to_have_text(
        f"This is no JSON yet. The form comes back when it is. {place}"
    )
    await expect(save).to_be_disabled()
    await text.fill(written.replace('"time": "month"', '"time": "fortnight"'))
    await save.click()
    await page.get_by_text(f"Look at /rules/{len(begun['rules'])}/time").wait_for()
    console.complaints = [said for said in console.complaints if "status of 422" not in said]

    words, changes = page.get_by_role("listitem").filter(has_text="by-hand:"), page.locator(".changes")
    for time, said in (("month", "the month"), ("day", "the day")):
        await text.fill(written.replace('"time": "month"', f'"time": "{time}"'))
        await expect(page.get_by_label("Time, how exactly").last).to_have_value(time)
        await save.click()
        await expect(words).to_contain_text(said)
        await expect(changes).to_contain_text("Rule by-hand is added")
    await console.seen("policy-json")
    await page.get_by_role("button", name="Discard the draft").click()
    await page.get_by_label("Name for your colleagues").wait_for()
    await expect(page.get_by_role("link", name="by hand")).to_have_count(0)
