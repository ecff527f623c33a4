"""An officer enrols and signs in at the console with its country's OpenID Connect provider."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import Page

from service.settings import Settings
from tests.console.conftest import Console, Keys, Opening
from tests.exchange import Exchange, Region
from tests.signin.conftest import Browser, add_officer
from tests.signin.liar import Liar, liar
from tests.signin.provider import Provider, provider

KEPT = """async () => {
    const opened = await new Promise((resolve) => {
        const asked = indexedDB.open("sarhad");
        asked.onsuccess = () => resolve(asked.result);
    });
    const all = (name) => new Promise((resolve) => {
        const asked = opened.transaction(name).objectStore(name).getAll();
        asked.onsuccess = () => resolve(asked.result);
    });
    const stores = await Promise.all([...opened.objectStoreNames].map(all));
    return JSON.stringify([stores, { ...sessionStorage }, { ...localStorage }]);
}"""


@dataclass
class Desk:
    """An exchange with the provider of Tajikistan, and one of Kazakhstan that lies."""

    exchange: Exchange
    at: Provider
    lying: Liar

    async def console(self, opened: Opening) -> Console:
        console: Console = await opened()
        console.origin = self.exchange.settings.console
        await console.open()
        await console.page.get_by_role("button", name="Sign in with Tajik ID (Tajikistan)").wait_for()
        return console

    def seen(self, console: Console) -> None:
        """The browser was at the providers, whose own pages ask for a font; nothing there is of the console."""
        provided = (self.at.issuer, self.lying.issuer, "https://fonts.googleapis.com/")
        console.foreign = [url for url in console.foreign if not url.startswith(provided)]
        console.complaints = [said for said in console.complaints if not any(of in said for of in provided)]


@pytest.fixture
def desk(settings: Settings, region: Region) -> Iterator[Desk]:
    at = provider()
    with liar() as lying:
        exchange = Exchange.start(settings, region, SARHAD_PROVIDERS=json.dumps([at.settings, lying.settings]))
        try:
            with at.running(exchange.settings.console):
                yield Desk(exchange, at, lying)
        finally:
            exchange.stop()


async def visit(page: Page) -> None:
    """The pages of the provider: who one is, and that the console may know it."""
    await page.get_by_placeholder("Enter any login").fill("f.rahimov")
    await page.get_by_placeholder("and password").fill("x")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_whoever_the_provider_identifies_enrols_and_signs_in(desk: Desk, opened: Opening) -> None:
    console = await desk.console(opened)
    page = console.page
    await console.seen("sign-in-provider")
    officer = add_officer(desk.exchange)
    await page.get_by_label("Enrolment code, in full").fill(officer["code"])
    await page.get_by_role("button", name="Enrol with Tajik ID (Tajikistan)").click()
    await visit(page)
    await page.get_by_text("You are enrolled.").wait_for()
    await page.get_by_role("button", name="Sign in with Tajik ID (Tajikistan)").click()
    await visit(page)
    await page.get_by_role("button", name="Sign out").wait_for()
    assert "code=" not in page.url
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await page.goto(f"{console.origin}/console/?state={'0' * 80}&code=x")
    await page.get_by_text("did not begin in this browser").wait_for()
    desk.seen(console)

    administrator = await desk.console(opened)
    await administrator.sign_in(add_officer(desk.exchange, "TJ-DCA", ("key_administrator",))["code"])
    await administrator.open("people")
    shown = administrator.page.get_by_role("listitem").filter(has_text=officer["handle"])
    await shown.get_by_text("1 identity of the provider").wait_for()
    await administrator.check()
    keys = Keys(administrator)
    await keys.press(shown.get_by_text("End sign-in by the provider"))
    by_provider = shown.get_by_role("group").filter(has_text="signs in by the provider no more")
    await keys.press(by_provider.get_by_role("button", name="End now"))
    await shown.get_by_text("0 passkeys", exact=True).wait_for()
    await keys.press(shown.get_by_text("End this officer's access"))
    await shown.get_by_text("This officer signs in no more").wait_for()
    await administrator.seen("people-end")
    await keys.type(shown.get_by_label("Reason"), "Moved to another post.")
    await keys.press(shown.get_by_role("button", name="End now"))
    await shown.get_by_text(re.compile("^Ended .*: Moved to another post.$")).wait_for()


async def test_a_provider_that_sends_its_visitor_to_another_countrys_is_told_nothing_of_it(
    desk: Desk, opened: Opening
) -> None:
    """Mix-up: the officer ends at the genuine provider, with a sign-in of the liar's and the ticket of its own."""
    thief = Browser(desk.exchange)

    def elsewhere(asked: dict[str, str]) -> str:
        answer = httpx.post(f"{thief.origin}/v1/sign-in/providers/TJ/challenges", json=thief.keys())
        url = httpx.URL(answer.json()["url"])
        return f"{url.copy_with(query=None)}?{urlencode(dict(url.params) | {'state': asked['state']})}"

    desk.lying.leads_to = elsewhere
    console = await desk.console(opened)
    await console.page.get_by_role("button", name="Sign in with Kazakh ID (Kazakhstan)").click()
    await visit(console.page)
    await console.page.get_by_text("did not begin in this browser").wait_for()
    assert desk.lying.codes == []
    desk.seen(console)


async def test_a_code_is_not_left_behind_at_a_provider_that_nobody_comes_back_from(desk: Desk, opened: Opening) -> None:
    """On a computer that officers share."""
    console = await desk.console(opened)
    code = add_officer(desk.exchange)["code"]
    await console.page.get_by_label("Enrolment code, in full").fill(code)
    await console.page.get_by_role("button", name="Enrol with Tajik ID (Tajikistan)").click()
    await console.page.get_by_placeholder("Enter any login").wait_for()
    beside = await console.context.new_page()
    for page in (beside, console.page):
        await page.goto(f"{console.origin}/console/")
        await page.get_by_role("button", name="Sign in with Tajik ID (Tajikistan)").wait_for()
        assert code not in await page.evaluate(KEPT)
    desk.seen(console)
