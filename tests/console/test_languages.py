"""The page is read in every language that has words, and the reader changes between them at any time."""

import json
import re
from uuid import uuid4

from playwright.async_api import expect
from sarhad.cli.words import PROBLEMS, catalogue

from service.links.words import REASONS
from service.listings.table import CAVEAT
from service.provisional.examine import TRIAGE
from service.timelines import join
from service.trends import answer
from tests.console.conftest import LANGUAGES, WEB, Console, Opening, signed_in
from tests.exchange import Exchange
from tests.signin.conftest import add_officer

NOT_FOUND = "There is no such thing, or it is not shared with you."
DRAFTED = "Machine-drafted words, not yet reviewed by a member state."
COVERED = """
letters => {
  const ranges = [...document.fonts].filter(face => face.family.replaceAll('"', '') === "Noto Sans").flatMap(face =>
    face.unicodeRange.split(",").map(range => range.trim().slice(2).split("-").map(end => parseInt(end, 16))));
  return letters.filter(letter => !ranges.some(([from, to = from]) => {
    const point = letter.codePointAt(0);
    return from <= point && point <= to;
  }));
}
"""


def packed(language: str) -> dict[str, dict[str, str]]:
    path = WEB / "src" / "generated" / "locales" / f"{language}.json"
    read: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return read


async def test_the_reader_changes_the_language_at_any_time(exchange: Exchange, opened: Opening) -> None:
    officer: Console = await opened()
    await officer.sign_in(add_officer(exchange, "KZ-CUS", ("reporter", "analyst"))["code"])
    await officer.open("report")
    page = officer.page
    await page.get_by_label("Quantity", exact=True).fill("1.5")
    for code in (*LANGUAGES, "en"):
        pack = packed(code)
        await page.locator("header select").select_option(code)
        await page.wait_for_function("code => document.documentElement.lang === code", arg=code)
        said = pack["messages"].get("Sign out", "Sign out")
        await expect(page.locator("header button")).to_have_text(said)
        note = page.get_by_role("note").filter(has_text=pack["messages"].get(DRAFTED, DRAFTED))
        await expect(note).to_have_count(0 if pack["reviewed"] else 1)
        said_later = "".join(catalogue(code, PROBLEMS).values())
        letters = sorted(set(re.sub(r"\s", "", json.dumps(pack, ensure_ascii=False) + said_later)))
        assert await page.evaluate(COVERED, letters) in ([], ["−"]), code
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), code
        await officer.check()
    await expect(page.get_by_label("Quantity", exact=True)).to_have_value("1.5")


def test_what_the_service_says_in_whole_sentences_is_said_in_the_language_of_the_page() -> None:
    trends = (*answer.CAVEATS, answer.WITHHELD, answer.UNDATED, answer.OVERLAP.format("substance"))
    said = (*trends, *join.CAVEATS, CAVEAT, TRIAGE, *REASONS.values())
    for language in set(LANGUAGES) - {"en"}:
        messages = packed(language)["messages"]
        assert not [sentence for sentence in said if messages.get(sentence, sentence) == sentence], language


async def test_what_is_refused_is_titled_in_the_language_of_the_page_and_detailed_in_english(
    exchange: Exchange, opened: Opening
) -> None:
    reader = await signed_in(exchange, opened, "KZ-CUS", "analyst", service_workers="block")
    page = reader.page
    fetched: list[str] = []
    page.on("request", lambda asked: fetched.append(asked.url.rpartition("/")[2]))
    await page.route("**/problems-kk-*", lambda route: route.abort())  # what cannot be fetched is said in English
    await page.locator("header select").select_option("ru")
    await page.wait_for_function("() => document.documentElement.lang === 'ru'")
    assert not [name for name in fetched if name.startswith("problems-")], "no problem has to be told yet"
    await reader.open(f"record/{uuid4()}")
    fault = page.get_by_role("alert")
    for code, title in (("ru", catalogue("ru", PROBLEMS)[NOT_FOUND]), ("kk", NOT_FOUND), ("en", NOT_FOUND)):
        await page.locator("header select").select_option(code)
        await page.wait_for_function("code => document.documentElement.lang === code", arg=code)
        await expect(fault).to_contain_text(title)
        await expect(fault.locator("span[lang=en]")).to_have_count(1 if code == "ru" else 2)
        await reader.check()
    reader.complaints = [
        said for said in reader.complaints if "status of 404" not in said and "problems-kk" not in said
    ]


async def test_one_language_is_fetched_and_the_choice_is_kept(opened: Opening) -> None:
    reader: Console = await opened()
    await reader.open()
    fetched: list[str] = []
    reader.page.on("request", lambda asked: fetched.append(asked.url.rpartition("/")[2]))
    await reader.page.locator("header select").select_option("ru")
    await reader.page.wait_for_function("() => document.documentElement.lang === 'ru'")
    assert [name[:2] for name in fetched if name.endswith(".js")] == ["ru"]
    await reader.page.reload()
    await reader.page.wait_for_function("() => document.documentElement.lang === 'ru'")
