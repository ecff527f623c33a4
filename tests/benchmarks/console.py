"""The console's page of trends with a million rows behind it, as a partner under policy, from nothing to a map at rest.

A browser that is signed in and has cached nothing opens the page; times are from the navigation, in the page's own
clock, and the median of the turns is told. `first_paint_s`: the totals of all that is shared are painted, and what may
be done next can be done. `map_idle_s`: the map, which is loaded when it is scrolled to (here at once), has drawn the
divisions' sums and stands still. `first_paint_3g_s` is the same as `first_paint_s` over a link as slow as 3G.

Beside it, in turns, in the same browser: a map alone (`bare_map.js`), drawn by the same library as the study that this
is held against drew its own: 241 countries, 4,000 clustered points made up in the page, 10 flows; no sign-in, no
signatures, no policy, no question, no other figure. On the machine of that study it came to rest in 1.9 to 2.8 s.
"""

import asyncio
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright
from playwright.async_api import TimeoutError as BrowserTimeoutError

from service.settings import Settings
from tests.benchmarks.records import share
from tests.benchmarks.trends import LABORATORIES, OWNERS, PARTNER, RULE, _examine, _load
from tests.console.conftest import AUTHENTICATOR, CHROMIUM, FLAGS, THREE_G, WEB, Console, first_view_bytes
from tests.exchange import Exchange, Region
from tests.signin.conftest import add_officer

HERE = Path(__file__).parent
PROTOTYPE_S = (1.9, 2.8)
LONGEST = 60_000  # ms
# When the page first says what it was opened for, and when its map stands still: ms since the navigation.
WATCH = """() => {
  window.seen = {};
  const look = () => {
    const map = document.querySelector(".map");
    const { top, bottom } = map?.getBoundingClientRect() ?? { top: 0, bottom: 1 };
    if (top > innerHeight || bottom < 0) map.scrollIntoView({ block: "center" }); // the page above it still grows
    if (/\\d/.test(document.querySelector(".total")?.textContent ?? "") && !("useful" in seen)) {
      seen.useful = 0;
      requestAnimationFrame(() => setTimeout(() => { seen.useful = performance.now(); }));
    }
    if (map && "idle" in map.dataset && !("idle" in seen)) seen.idle = performance.now();
    if (seen.useful && seen.idle) document.documentElement.dataset.seen = "";
  };
  const again = () => { // at every frame
    look();
    if (!seen.useful || !seen.idle) requestAnimationFrame(again);
  };
  again();
}"""


def measure(settings: Settings, region: Region, rows: int | None, seconds: float, **_: Any) -> dict[str, Any]:
    rows = rows or 1_000_000
    exchange = Exchange.start(settings, region)
    try:
        share(exchange, OWNERS, RULE)
        for name in LABORATORIES:
            _examine(exchange, name)
        asyncio.run(_load(settings, rows))
        found = asyncio.run(_look(exchange, seconds))
    finally:
        exchange.stop()
    return {"rows": rows, **found, "first_view_gzip_kb": round(first_view_bytes() / 1000, 1)}


async def _look(exchange: Exchange, seconds: float) -> dict[str, Any]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        size = {"width": 1280, "height": 800}
        context = await browser.new_context(locale="en", viewport=size, service_workers="block")
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        console = Console(context, page, exchange.settings.console)
        await console.sign_in(add_officer(exchange, PARTNER, ("analyst",))["code"])
        await page.add_init_script(f"({WATCH})()")
        ours: list[dict[str, float]] = []
        alone: list[float] = []
        with _served() as beside:
            while len(ours) < 5 or (len(ours) < 30 and sum(one["idle"] for one in ours) + sum(alone) < seconds):
                ours.append(await _opened(page, devtools, f"{exchange.settings.console}/console/#/trends"))
                alone.append(await _drawn(page, devtools, beside))
                print({name: round(value, 2) for name, value in ours[-1].items()}, round(alone[-1], 2), flush=True)
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", THREE_G)
        slow = [await _opened(page, devtools, f"{exchange.settings.console}/console/#/trends") for _ in range(5)]
        faults = console.complaints
        await browser.close()
    if faults:
        raise RuntimeError(faults)
    told = {name: round(statistics.median(one[name] for one in ours), 2) for name in ours[0]}
    bare = round(statistics.median(alone), 2)
    return {
        "first_paint_s": told["useful"], "map_idle_s": told["idle"], "first_contentful_paint_s": told["contentful"],
        "first_paint_3g_s": round(statistics.median(one["useful"] for one in slow), 2),
        "bare_map_idle_s": bare, "map_idle_against_bare_map": round(told["idle"] / bare, 2),
        "prototype_map_idle_s": PROTOTYPE_S, "turns": len(ours),
    }  # fmt: skip


async def _opened(page: Page, devtools: CDPSession, address: str) -> dict[str, float]:
    await page.goto("about:blank")
    await devtools.send("Network.clearBrowserCache")
    await page.goto(address, wait_until="commit")
    try:
        await page.wait_for_selector("html[data-seen]", state="attached", timeout=LONGEST)
    except BrowserTimeoutError:
        said = await page.locator("main").inner_text()
        raise RuntimeError(f"{await page.evaluate('window.seen')}: {said}") from None
    painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    seen = await page.evaluate(f"({{ ...window.seen, contentful: {painted} }})")
    return {name: seen[name] / 1000 for name in ("contentful", "useful", "idle")}


async def _drawn(page: Page, devtools: CDPSession, address: str) -> float:
    await page.goto("about:blank")
    await devtools.send("Network.clearBrowserCache")
    await page.goto(f"{address}/bare_map.html", wait_until="commit")
    await page.wait_for_selector("body[data-idle]", state="attached", timeout=LONGEST)
    return float(await page.get_attribute("body", "data-idle") or 0) / 1000


class _Files(SimpleHTTPRequestHandler):
    """`/bare_map.*` from here, everything else from the packages of the console."""

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0]
        return str(HERE / name[1:]) if name.startswith("/bare_map.") else str(WEB / "node_modules") + name

    def guess_type(self, path: Any) -> str:
        return "text/javascript" if str(path).endswith((".mjs", ".js")) else super().guess_type(path)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(WEB)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
