"""What is filed over a bad link, or at a computer that others use, is kept for its officer until the service has it."""

import hashlib
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.console.conftest import AUTHENTICATOR, Console, Opening, signed_in
from tests.console.test_report import HERE, filed, found, photograph, write
from tests.exchange import Exchange
from tests.signin.conftest import add_officer

PHOTOGRAPH = {"name": "floor.jpg", "mimeType": "image/jpeg", "buffer": photograph()}
CACHED = "part => caches.open('console').then(one => one.keys()).then(keys => keys.some(key => key.url.includes(part)))"


@pytest.fixture
async def officer(exchange: Exchange, opened: Opening) -> Console:
    return await signed_in(exchange, opened, "TJ-CUS", "reporter", geolocation=HERE, permissions=["geolocation"])


async def sign(page: Page) -> None:
    await page.get_by_role("button", name="Sign and file").press("Enter")


def card(page: Page, words: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=words)


async def link_returns(page: Page) -> None:
    await page.evaluate("dispatchEvent(new Event('online'))")


async def attach(page: Page) -> None:
    await page.get_by_text("More: exhibit, account, photographs").press("Enter")
    await page.get_by_label("Photographs").set_input_files(PHOTOGRAPH)  # type: ignore[arg-type]


def forgive(console: Console, *words: str) -> None:
    console.complaints = [said for said in console.complaints if not any(word in said for word in words)]


async def test_a_photograph_goes_on_in_the_upload_that_it_was_begun_in(exchange: Exchange, officer: Console) -> None:
    page, begun = officer.page, []

    def hear(asked: Request) -> None:
        if asked.method == "POST" and asked.url.endswith("/v1/uploads"):
            begun.append(asked)

    page.on("request", hear)
    await officer.context.route("**/v1/uploads/*", lambda route: route.abort("internetdisconnected"))
    await write(officer, "hashish", "21")
    await attach(page)
    await sign(page)
    await card(page, "hashish 21 kg").get_by_text("Waits for the link").wait_for()
    for _ in range(3):
        async with page.expect_event("requestfailed", lambda asked: "/v1/uploads/" in asked.url):
            await link_returns(page)
    await officer.context.unroute("**/v1/uploads/*")
    await link_returns(page)
    await card(page, "hashish 21 kg").get_by_text("Accepted", exact=True).wait_for()
    assert len(begun) == 1
    (report,) = found(exchange, "hashish", "21")
    assert len(report["facets"]["transport"]["images"]) == 1
    forgive(officer, "ERR_INTERNET_DISCONNECTED")


async def test_a_report_that_waits_for_room_is_not_refused_and_holds_up_no_other(
    exchange: Exchange, officer: Console
) -> None:
    page, agency = officer.page, exchange.client("TJ-CUS")
    digest, size = hashlib.sha256(b"").hexdigest(), 99
    others = [agency.begin_upload(size, digest)["id"] for _ in range(exchange.settings.attachment_uploads)]
    await write(officer, "hashish", "22")
    await attach(page)
    await sign(page)
    waiting = card(page, "hashish 22 kg")
    await waiting.get_by_text("Waits, and is tried again").wait_for()
    await officer.seen("report-waits")
    await write(officer, "hashish", "23")
    await filed(officer, "hashish 23 kg")
    await waiting.get_by_text("Waits, and is tried again").wait_for()
    for one in others:
        agency.give_upload_up(one)
    await link_returns(page)
    await waiting.get_by_text("Accepted", exact=True).wait_for()
    forgive(officer, "409")


async def test_an_answer_that_is_none_of_the_service_stops_nothing(officer: Console) -> None:
    page = officer.page
    portal = "**/v1/seizures"
    await officer.context.route(portal, lambda route: route.fulfill(body="<h1>Welcome to the hotel</h1>"))
    await write(officer, "opium", "24")
    await sign(page)
    await card(page, "opium 24 kg").wait_for()
    await officer.context.unroute(portal)
    await link_returns(page)
    await card(page, "opium 24 kg").get_by_text("Accepted", exact=True).wait_for()


async def test_the_next_officer_at_a_computer_sees_and_sends_no_report_of_the_last(
    exchange: Exchange, officer: Console
) -> None:
    page = officer.page
    await write(officer, "khat", "25")
    await filed(officer, "khat 25 kg")
    await officer.context.route("**/v1/seizures", lambda route: route.abort("internetdisconnected"))
    await write(officer, "khat", "26")
    await sign(page)
    await card(page, "khat 26 kg").get_by_text("Waits for the link").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").wait_for()
    await officer.context.unroute("**/v1/seizures")

    at = await officer.context.new_page()
    devtools = await officer.context.new_cdp_session(at)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    following = Console(officer.context, at, officer.origin)
    await following.sign_in(add_officer(exchange, "TJ-CUS", ("reporter",))["code"])
    await at.get_by_text("Reports of other officers that wait here until they sign in again: 1.").wait_for()
    await write(following, "khat", "27")
    await filed(following, "khat 27 kg")
    await expect(at.get_by_role("listitem").filter(has_text="khat")).to_have_count(1)
    assert found(exchange, "khat", "26") == []
    assert not following.complaints
    forgive(officer, "ERR_INTERNET_DISCONNECTED")


async def test_the_first_report_with_a_place_is_kept_without_a_link_in_the_language_chosen(
    exchange: Exchange, officer: Console
) -> None:
    page = officer.page
    await page.get_by_label("Language").select_option("ru")
    await page.get_by_role("heading", name="Сообщить об изъятии").wait_for()
    await page.evaluate("navigator.serviceWorker.ready")
    for words in ("/assets/ru-", "/assets/problems-ru-"):
        await page.wait_for_function(CACHED, arg=words)
    await officer.context.set_offline(True)
    await page.get_by_label("Вещество").fill("опий")
    await page.get_by_label("Количество", exact=True).fill("28")
    await page.get_by_role("button", name="Где я нахожусь").press("Enter")
    await page.get_by_text("37.12345, 68.54321 ± 13").wait_for()
    await page.get_by_role("button", name="Подписать и отправить").press("Enter")
    await card(page, "опий 28 kg").wait_for()
    await page.reload()
    await page.get_by_role("heading", name="Сообщить об изъятии").wait_for()
    await card(page, "опий 28 kg").wait_for()
    crossings = page.get_by_label("Пункт пропуска").get_by_role("option")
    await expect(crossings.filter(has_text="Панджи Поён")).to_have_count(1)  # as told when there was a link
    await officer.context.set_offline(False)
    await card(page, "опий 28 kg").get_by_text("Принято", exact=True).wait_for()
    (report,) = found(exchange, "опий", "28")
    assert report["facets"]["where.cell"].startswith("85")
    forgive(officer, "ERR_INTERNET_DISCONNECTED")


async def test_what_is_kept_for_later_is_of_the_page_that_is_served(officer: Console) -> None:
    page = officer.page
    await page.evaluate("navigator.serviceWorker.ready")
    keep: dict[str, Any] = {"/console/assets/old-00000000.js": "", "/console/icon.svg": "an old one"}
    for path, body in keep.items():
        stale = "([path, body]) => caches.open('console').then(one => one.put(path, new Response(body)))"
        await page.evaluate(stale, [path, body])
    await page.reload()
    await page.wait_for_function(f"part => ({CACHED})(part).then(has => !has)", arg="/assets/old-")
    assert await page.evaluate(CACHED, "/assets/h3-js")
    assert (await page.evaluate("fetch('/console/icon.svg').then(one => one.text())")).startswith("<svg")
