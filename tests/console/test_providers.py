"""An officer enrols and signs in at the console with its country's OpenID Connect provider."""

import json
from collections.abc import Iterator

import pytest

from service.settings import Settings
from tests.console.conftest import Console, Opening
from tests.exchange import Exchange, Region
from tests.signin.conftest import add_officer
from tests.signin.provider import Provider, provider


@pytest.fixture
def desk(settings: Settings, region: Region) -> Iterator[tuple[Exchange, Provider]]:
    at = provider()
    exchange = Exchange.start(settings, region, SARHAD_PROVIDERS=json.dumps([at.settings]))
    try:
        with at.running(exchange.settings.console):
            yield exchange, at
    finally:
        exchange.stop()


async def visit(console: Console) -> None:
    """The pages of the provider: who one is, and that the console may know it."""
    page = console.page
    await page.get_by_placeholder("Enter any login").fill("f.rahimov")
    await page.get_by_placeholder("and password").fill("x")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_whoever_the_provider_identifies_enrols_and_signs_in(
    desk: tuple[Exchange, Provider], opened: Opening
) -> None:
    exchange, at = desk
    console = await opened()
    console.origin = exchange.settings.console
    page = console.page
    await console.open()
    await page.get_by_role("button", name="Sign in with Tajik ID (Tajikistan)").wait_for()
    await console.seen("sign-in-provider")
    await page.get_by_label("Enrolment code, in full").fill(add_officer(exchange)["code"])
    await page.get_by_role("button", name="Enrol with Tajik ID (Tajikistan)").click()
    await visit(console)
    await page.get_by_text("You are enrolled.").wait_for()
    await page.get_by_role("button", name="Sign in with Tajik ID (Tajikistan)").click()
    await visit(console)
    await page.get_by_role("button", name="Sign out").wait_for()
    assert "code=" not in page.url
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await page.goto(f"{console.origin}/console/?state={'0' * 80}&code=x")
    await page.get_by_text("did not begin in this browser").wait_for()
    provided = (at.issuer, "https://fonts.googleapis.com/")  # the provider's own pages ask for a font
    console.foreign = [url for url in console.foreign if not url.startswith(provided)]
    console.complaints = [said for said in console.complaints if not any(of in said for of in provided)]
