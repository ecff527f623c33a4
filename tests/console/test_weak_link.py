"""Over a link of the third generation, as at a pass: the page is of use, and small until its map is needed."""

from typing import Any

from playwright.async_api import CDPSession, Locator

from tests.console.conftest import Console, Opening, signed_in
from tests.exchange import Exchange

BIT_S = 1 / 8  # bytes a second
LINK = {
    "offline": False, "latency": 300, "downloadThroughput": 1_600_000 * BIT_S, "uploadThroughput": 750_000 * BIT_S,
}  # fmt: skip
FIRST_VIEW_BYTES = 300_000
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def test_the_first_view_is_of_use_over_a_weak_link(exchange: Exchange, opened: Opening) -> None:
    officer = await signed_in(exchange, opened, "KZ-CUS", "reporter", "analyst", **PHONE, service_workers="block")
    page = officer.page
    devtools = await officer.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await devtools.send("Network.emulateNetworkConditions", LINK)
    for view, useful in (
        ("report", page.get_by_role("button", name="Sign and file")),
        ("trends", page.locator(".total strong")),
    ):
        came = await first_seen(officer, devtools, view, useful)
        assert sum(came.values()) < FIRST_VIEW_BYTES, came
        assert not [name for name in came if "atlas" in name or "maplibre" in name], "the map waits until it is needed"


async def first_seen(officer: Console, devtools: CDPSession, view: str, useful: Locator) -> dict[str, float]:
    """The bytes that have come when there is something to be done, by the file they were of."""
    names: dict[str, str] = {}
    came: dict[str, float] = {}

    def asked(event: dict[str, Any]) -> None:
        names[event["requestId"]] = event["request"]["url"].rpartition("/")[2]

    def arrived(event: dict[str, Any]) -> None:
        name = names.get(event["requestId"], "")
        came[name] = came.get(name, 0) + event["encodedDataLength"]

    await officer.page.goto("about:blank")
    devtools.on("Network.requestWillBeSent", asked)
    devtools.on("Network.loadingFinished", arrived)
    await officer.page.goto(f"{officer.origin}/console/#/{view}", wait_until="commit")
    await useful.wait_for()
    devtools.remove_listener("Network.requestWillBeSent", asked)
    devtools.remove_listener("Network.loadingFinished", arrived)
    return came
