"""A browser (Debian's Chromium) with a passkey of its own, in front of the console of the exchange under test."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, async_playwright, expect
from playwright.async_api import TimeoutError as BrowserTimeoutError

from tests.exchange import Exchange
from tests.signin.conftest import add_officer

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-gpu-compositing",  # the map has WebGL all the same; pages without a map cost a tenth of the processor
]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# As WebPageTest's profile "3G": 1.6 Mbit/s down, 768 kbit/s up, 300 ms there and back.
THREE_G = {"offline": False, "latency": 300, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 768_000 / 8}
PATIENCE = 90_000  # ms: beside other tests, a map without a graphics card takes its time
expect.set_options(timeout=PATIENCE)
WEB = Path(__file__).parents[2] / "clients" / "web"
DIST = WEB / "dist"
PICTURES = DIST / "pictures"
GUIDES = WEB / "src" / "guides"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


class Console:
    """One person's browser: a context of its own, an authenticator, and everything that it complained about."""

    def __init__(self, context: BrowserContext, page: Page, origin: str) -> None:
        self.context, self.page, self.origin = context, page, origin
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("console", self._hear)
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.foreign: list[str] = []
        page.on("request", lambda asked: self._foreign(asked.url))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(f"{said.text} {said.location.get('url', '')}")

    def _foreign(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.foreign.append(url)

    async def open(self, view: str = "") -> None:
        await self.page.goto(f"{self.origin}/console/#/{view}")
        await self.page.wait_for_selector("body[data-ready]", state="attached")

    async def sign_in(self, code: str) -> None:
        """Enrol a passkey with the code, and sign in with it."""
        await self.open()
        await self.page.get_by_label("Enrolment code, in full").fill(code)
        await self.page.get_by_role("button", name="Enrol a passkey").click()
        await self.page.get_by_text("The passkey is enrolled.").wait_for()
        await self.page.get_by_role("button", name="Sign in with a passkey").click()
        await self.page.get_by_role("button", name="Sign out").wait_for()

    async def see_map(self) -> None:
        """Scroll to the map, again while the page above it still grows, until it stands still."""
        look = """() => {
            const map = document.querySelector(".map");
            map?.scrollIntoView({ block: "center" });
            return map && "idle" in map.dataset;
        }"""
        try:
            await self.page.wait_for_function(look, polling=250)
        except BrowserTimeoutError as late:
            said = await self.page.get_by_role("alert").all_inner_texts()
            raise AssertionError(f"the map is not drawn; the page says {said}, complains {self.complaints}") from late

    async def check(self) -> None:
        """No serious finding of axe against WCAG 2.2 AA."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run()")
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert not serious, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious]

    async def picture(self, name: str) -> None:
        """As it is, on a wide screen and on a telephone, which it is no wider than."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        for width in (1280, 360):
            await self.page.set_viewport_size({"width": width, "height": 800})
            await self.page.screenshot(path=PICTURES / f"{name}-{width}.png", full_page=True)
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= 360, name

    async def seen(self, name: str) -> None:
        """Checked in light and in dark, and pictured."""
        for scheme in ("dark", "light"):
            await self.page.emulate_media(color_scheme=scheme)
            await self.check()
        await self.picture(name)

    async def guide(self, name: str, width: int = 1100) -> None:
        """The page still says what a picture of the guides shows; with SARHAD_GUIDES=1 the picture is taken anew."""
        guides, pictures = GUIDES / "pictures.json", GUIDES / "pictures"
        messages, kept = _messages(), json.loads(guides.read_text(encoding="utf-8"))
        shown = {}
        await self.page.set_viewport_size({"width": width, "height": 740})
        language = self.page.locator("header select")
        for code in ("en", "ru"):
            await language.select_option(code)
            await self.page.wait_for_function("code => document.documentElement.lang === code", arg=code)
            said = (await self.page.locator("main").inner_text()).splitlines()
            shown[code] = sorted({line.strip() for line in said} & messages[code])
            if "SARHAD_GUIDES" in os.environ:
                (pictures / code).mkdir(parents=True, exist_ok=True)
                await self.page.screenshot(path=pictures / code / f"{name}.jpg", type="jpeg", quality=60)
        await language.select_option("en")
        if "SARHAD_GUIDES" in os.environ:
            kept = dict(sorted((kept | {name: shown}).items()))
            guides.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        assert kept.get(name) == shown, (
            f"the guide shows {name} as it was: SARHAD_GUIDES=1 pytest tests/console takes it anew"
        )


class Keys:
    """A person with a keyboard alone, who has to see where Tab stops."""

    STOP = """wanted => {
        const here = document.activeElement;
        if (here === document.body) return [false, ""]; // the end of the page: the next one is its beginning
        const inView = () => {
            const { top, bottom, left, right, width, height } = here.getBoundingClientRect();
            return width && height && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
        };
        if (!inView()) { here.blur(); here.focus(); } // what came in since may have pushed it away
        const { outlineStyle, outlineWidth } = getComputedStyle(here);
        const seen = inView();
        const ringed = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
        const inOrder = here.tabIndex === 0;
        return [here === wanted, seen && ringed && inOrder ? "" : here.outerHTML.slice(0, 300)];
    }"""
    FAR = 150  # stops: nobody goes on after so many

    def __init__(self, console: Console) -> None:
        self.page = console.page

    async def reach(self, target: Locator) -> None:
        """By Tab; every stop on the way is in view, ringed, and in the order of the page."""
        for _ in range(self.FAR):
            await self.page.keyboard.press("Tab")
            reached, hidden = await target.evaluate(self.STOP)
            assert not hidden, f"Tab stops where nobody sees it: {hidden}"
            if reached:
                return
        raise AssertionError(f"no Tab leads to {target}")

    async def press(self, target: Locator, key: str = "Enter") -> None:
        await self.reach(target)
        await self.page.keyboard.press(key)

    async def type(self, target: Locator, words: str) -> None:
        """Over what stands there."""
        await self.reach(target)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(words)

    async def choose(self, target: Locator, words: str) -> None:
        """The option that begins so, from the first one down."""
        await target.locator("option").filter(has_text=words).first.wait_for(state="attached")
        await self.reach(target)
        await self.page.keyboard.press("Home")
        for _ in range(self.FAR):
            chosen = await target.evaluate("list => list.selectedOptions[0].label")
            if chosen.startswith(words):
                return
            await self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no option {words}")

    async def give(self, target: Locator, *files: Path) -> None:
        """To an input of files. Chromium opens no chooser where the key came too long before: it is pressed again."""
        for patience in (10_000, 10_000, 90_000):
            await self.reach(target)
            with suppress(BrowserTimeoutError):
                async with self.page.expect_file_chooser(timeout=patience) as awaited:
                    await self.page.keyboard.press("Space")
                await (await awaited.value).set_files(files)
                return
        raise AssertionError(f"no chooser of files opened for {target}")


def _messages() -> dict[str, set[str]]:
    """What the page can say, as it says it."""
    generated = WEB / "src" / "generated" / "locales"
    en, ru = (json.loads((generated / f"{code}.json").read_text(encoding="utf-8"))["messages"] for code in ("en", "ru"))
    whole = {message: said for message, said in ru.items() if isinstance(said, str)}  # not of a number of things
    return {"en": {en.get(message, message) for message in whole}, "ru": {*whole.values()}}


LETTERS = {"en": (), "ru": ("cyrillic",)} | dict.fromkeys(("kk", "ky", "tg"), ("cyrillic", "cyrillic-ext"))
LANGUAGES = sorted(pack.stem for pack in (WEB / "src" / "generated" / "locales").glob("*.json"))


def first_view_bytes() -> int:
    """Page, script and style as they travel, and the words and letters of the language that has most to fetch."""
    page = (DIST / "index.html").read_text(encoding="utf-8")
    files = [DIST / f"{name}.gz" for name in ("index.html", *re.findall(r"/console/(assets/[^\"]+)", page))]
    return _size(files) + max(map(_language_bytes, LANGUAGES))


def _language_bytes(language: str) -> int:
    """A catalogue, and the subsets of the font that its letters are in, each in two weights."""
    assets = DIST / "assets"
    subsets = ("latin", *LETTERS.get(language, ("latin-ext",)))
    fonts = [file for name in subsets for file in assets.glob(f"noto-sans-{name}-[47]00-*.woff2")]
    assert len(fonts) == 2 * len(subsets)
    return _size([*fonts, *assets.glob(f"{language}-*.js.gz")])


def _size(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


Opening = Callable[..., Any]


async def signed_in(exchange: Exchange, opened: Opening, agency: str, *roles: str, **options: Any) -> Console:
    """The browser of a new officer of the agency."""
    console: Console = await opened(**options)
    await console.sign_in(add_officer(exchange, agency, roles)["code"])
    return console


@pytest.fixture
async def opened(exchange: Exchange, chromium: Browser) -> AsyncIterator[Opening]:
    """`await opened()` is a new person's browser; afterwards none of them may have complained or asked elsewhere."""
    consoles: list[Console] = []

    async def make(**options: Any) -> Console:
        context = await chromium.new_context(locale="en", **options)
        page = await context.new_page()
        devtools = await context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        consoles.append(Console(context, page, exchange.settings.console))
        return consoles[-1]

    yield make
    for console in consoles:
        await console.context.close()
        assert not console.foreign
        assert not console.complaints
