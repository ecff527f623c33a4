"""The guide of each role: its pictures are of the page as it is, its words are the page's, it prints on two pages."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import expect
from sarhad.records import item

from tests.analyses.laboratory import HEROIN, METHAMPHETAMINE, Laboratory, exhibit_number
from tests.attachments.sender import Sender
from tests.console.conftest import GUIDES, Console, Opening, signed_in
from tests.exchange import Exchange, heroin
from tests.library.conftest import msp
from tests.spectra.test_formats import MASSBANK

pytestmark = pytest.mark.xdist_group("guides")  # what other tests leave would stand in the pictures

PHONE = 360
ROLES = ("reporter", "laboratory", "analyst", "policy_officer", "key_administrator", "auditor")
METH = msp((91.0542, 999.0), (119.0855, 812.0), (150.1277, 40.5), precursor=150.1278)
SHARED: dict[str, Any] = {
    "id": "to-uz", "effect": "permit", "audience": {"countries": ["UZ"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["items"], "time": "month", "place": "country",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("role", ROLES)
async def test_a_guide_prints_on_two_pages(opened: Opening, role: str, language: str) -> None:
    console: Console = await opened()
    await console.open("guide")
    await console.page.locator("header select").select_option(language)
    await console.check()
    await console.open(f"guide/{role}")
    pictures = console.page.get_by_role("main").get_by_role("img")
    await pictures.first.wait_for()
    for picture in await pictures.all():
        await picture.evaluate("async image => { await image.decode(); }")
    await console.seen(f"guide-{role}-{language}")
    printed = await console.page.pdf(prefer_css_page_size=True)
    (GUIDES.parents[1] / "dist" / "pictures" / f"guide-{role}-{language}.pdf").write_bytes(printed)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_guide_speaks_the_words_of_the_page(language: str) -> None:
    text = (GUIDES / f"guide-{language}.ts").read_text(encoding="utf-8")
    said = set(re.findall("«([^»]+)»", text))
    assert len(said) > 50
    generated = GUIDES.parent / "generated" / "locales" / "ru.json"
    known = json.loads(generated.read_text(encoding="utf-8"))["messages"].keys()
    assert said <= known


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_picture_of_a_guide_is_one_that_is_taken_here(language: str) -> None:
    text = (GUIDES / f"guide-{language}.ts").read_text(encoding="utf-8")
    shown = set(re.findall(r'\["([a-z_-]+)", "', text))
    assert shown == json.loads((GUIDES / "pictures.json").read_text(encoding="utf-8")).keys()
    assert shown == {picture.stem for picture in (GUIDES / "pictures" / language).glob("*.jpg")}


@pytest.fixture(scope="module")
def laboratory(exchange: Exchange) -> Laboratory:
    reviewer = exchange.region.profiles[exchange.add_holder("KG-LAB/reviewer")]
    return Laboratory(exchange, "KG-LAB", reviewer.load_record_key())


async def test_pictures_of_the_border_officer(exchange: Exchange, opened: Opening, laboratory: Laboratory) -> None:
    officer = await signed_in(exchange, opened, "KG-CUS", "reporter")
    page = officer.page
    await page.set_viewport_size({"width": PHONE, "height": 740})
    await page.get_by_label("Substance, by any name").fill("герыч")
    await page.get_by_role("button", name="SAR-000608").press("Enter")
    await page.get_by_label("Quantity", exact=True).fill("7,25")
    await page.get_by_text("It would be accepted.").wait_for()
    await page.get_by_role("option", name="Uzbekistan").first.wait_for(state="attached")
    await officer.guide("reporter-form", PHONE)
    await page.get_by_role("button", name="Sign and file").press("Enter")
    await page.get_by_text("Accepted", exact=True).wait_for()
    await page.get_by_text("Accepted", exact=True).scroll_into_view_if_needed()
    await officer.guide("reporter-filed", PHONE)

    number = exhibit_number("KG-CUS")
    report = heroin("KG-CUS", items=[item(HEROIN, "героин", "1.2", "kg", exhibit=number)])
    exchange.client("KG-CUS").submit(exchange.sign(report))
    assert laboratory.file(laboratory.found(number)).status == 201
    await page.get_by_role("link", name="Inbox").press("Enter")
    await page.get_by_role("listitem").filter(has_text="Heroin").first.wait_for()
    await officer.guide("reporter-inbox", PHONE)


async def test_pictures_of_the_chemist(exchange: Exchange, opened: Opening) -> None:
    chemist = await signed_in(exchange, opened, "KG-LAB", "laboratory")
    page = chemist.page
    await page.get_by_role("link", name="Laboratory").press("Enter")
    await page.get_by_label("Number, with the agency").fill("KG-CUS/2026-17/1")
    await page.get_by_label("Case number").fill("884")
    await page.get_by_label("Reference of this report").fill("KG-LAB-884")
    await page.get_by_label("Substance, by any name").fill("heroin")
    await page.get_by_role("button", name="SAR-000608").press("Enter")
    verdict = page.get_by_role("region", name="What the evidence amounts to")
    await verdict.get_by_text("is met").wait_for()
    await verdict.scroll_into_view_if_needed()
    await chemist.guide("laboratory-enter")

    agency = Sender(exchange, "KG-LAB")
    added = agency.call("POST", f"/v1/spectra/library?licence=CC0&substance={METHAMPHETAMINE}", MASSBANK.encode())
    assert added.status in (200, 201, 409), added.body
    await page.get_by_role("link", name="Spectra").press("Enter")
    await page.get_by_text("Nothing of it is stored").wait_for()
    await page.get_by_label("Drop a spectrum here").set_input_files(
        {"name": "unknown.msp", "mimeType": "text/plain", "buffer": METH}
    )
    await page.get_by_role("img", name="Mirror plot").wait_for()
    await page.get_by_role("img", name="Mirror plot").scroll_into_view_if_needed()
    await chemist.guide("laboratory-spectra")


async def test_pictures_of_the_analyst(exchange: Exchange, opened: Opening) -> None:
    exchange.adopt("TM", SHARED)
    exchange.client("TM-CUS").submit(exchange.sign(heroin("TM-CUS")))
    analyst = await signed_in(exchange, opened, "UZ-CUS", "analyst")
    page = analyst.page
    await analyst.open("records?owner=TM")
    await page.get_by_role("row").filter(has_text="heroin").first.get_by_role("link").press("Enter")
    await page.get_by_label("Why, for the owner to judge").fill("Is it the car that came here a day later?")
    await analyst.guide("analyst-record")
    await analyst.open("trends?from=2026-03&to=2026-04&owner=TM")
    await page.locator(".total").get_by_text("seizures").first.wait_for()
    await page.get_by_role("region", name="Substance", exact=True).get_by_role("button", name="Heroin").wait_for()
    await analyst.see_map()
    await page.evaluate("scrollTo(0, 0)")
    await analyst.guide("analyst-trends")


async def test_pictures_of_the_policy_officer(exchange: Exchange, opened: Opening) -> None:
    exchange.adopt("TM", SHARED)
    exchange.client("TM-CUS").submit(exchange.sign(heroin("TM-CUS")))
    exchange.client("UZ-CUS").search(owner="TM")
    officer = await signed_in(exchange, opened, "TM-DCA", "policy_officer")
    page = officer.page
    await officer.open("policy/try")
    await page.get_by_label("Agency that reads").select_option("UZ-CUS")
    await page.get_by_role("button", name="Preview").press("Enter")
    await page.get_by_text("UZ-CUS would see this").wait_for()
    await page.get_by_text("UZ-CUS would see this").scroll_into_view_if_needed()
    await officer.guide("policy-try")
    await officer.open("statement")
    await page.get_by_role("row").filter(has_text="UZ-CUS").first.wait_for()
    await officer.guide("policy-statement")


async def test_pictures_of_the_administrator(exchange: Exchange, opened: Opening) -> None:
    first = await signed_in(exchange, opened, "TM-DCA", "key_administrator")
    page = first.page
    await first.open("people")
    await page.get_by_label("Agency").fill("TM-CUS")
    await page.get_by_label("Handle of the post").fill("post-1")
    await page.get_by_label("reporter").press("Space")
    await page.get_by_role("button", name="Propose").press("Enter")
    await page.get_by_role("listitem").filter(has_text="post-1").wait_for()
    second = await signed_in(exchange, opened, "TM-DCA", "key_administrator")
    await second.open("people")
    await second.page.get_by_role("listitem").filter(has_text="post-1").get_by_role("button").press("Enter")
    await page.reload()
    await page.get_by_role("listitem").filter(has_text="post-1").get_by_role("button", name="New code").press("Enter")
    await page.get_by_text("Half of a code").wait_for()
    await first.seen("people")
    await first.guide("key_administrator-people")
    await first.open("registry")
    await page.get_by_role("cell", name="TM-CUS").wait_for()
    await page.get_by_text("End this key").first.wait_for()
    await first.guide("key_administrator-registry")


async def test_pictures_of_the_auditor(exchange: Exchange, opened: Opening) -> None:
    for _ in range(2):
        exchange.adopt("TM", SHARED)
    auditor = await signed_in(exchange, opened, "TM-DCA", "auditor")
    await auditor.open("statement")
    await expect(auditor.page.get_by_role("heading", name="Who read our records")).to_be_visible()
    await auditor.seen("statement")
    await auditor.open("policy/versions")
    await auditor.page.get_by_role("row").filter(has_text="in force").wait_for()
    await auditor.page.get_by_text("It changes nothing.").wait_for()
    await auditor.page.get_by_text("Rule to-uz").or_(auditor.page.get_by_text("to-uz")).first.wait_for()
    await auditor.guide("auditor-policy")
