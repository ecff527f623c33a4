"""A Kazakh chemist enters an analysis, a colleague reviews it, it is filed, corrected, withdrawn; others look up. From
the exhibit to the receipt both need no mouse.
"""

import asyncio
import csv
import json
import time
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from playwright.async_api import Locator, expect
from sarhad.analyses import Draft
from sarhad.keys import b64url_decode
from sarhad.listings import sign_listing
from sarhad.records import item

from tests.analyses.laboratory import HEROIN, METHAMPHETAMINE, exhibit_number
from tests.attachments.sender import Sender
from tests.console.conftest import Console, Keys, Opening, signed_in
from tests.exchange import Exchange, heroin
from tests.library.conftest import msp
from tests.links.conftest import GIVEN
from tests.links.test_events import reported
from tests.links.wiring import passes, sharing
from tests.listings.test_listings import CAFFEINE, MEPHEDRONE
from tests.seizures.wiring import Agency
from tests.signing.wire import send, sign
from tests.spectra.test_formats import MASSBANK

METH = msp((91.0542, 999.0), (119.0855, 812.0), (150.1277, 40.5), precursor=150.1278)


@pytest.fixture
async def chemist(exchange: Exchange, opened: Opening) -> Console:
    return await at_bench(exchange, opened)


async def at_bench(exchange: Exchange, opened: Opening, agency: str = "KZ-LAB") -> Console:
    return await signed_in(exchange, opened, agency, "laboratory", accept_downloads=True)


async def saved(console: Console, button: Locator, folder: Path) -> Path:
    """What the browser downloads when the button is pressed."""
    async with console.page.expect_download() as awaited:
        await Keys(console).press(button)
    download = await awaited.value
    path = folder / download.suggested_filename
    await download.save_as(path)
    return path


async def choose(console: Console, reviewer: Console) -> None:
    """The reviewer's key, told by its first letters."""
    await reviewer.open("laboratory/desk")
    letters = await reviewer.page.get_by_role("region", name="For the reviewer").locator("output").inner_text()
    option = console.page.get_by_label("Reviewer's key").locator("option").filter(has_text=letters)
    await option.wait_for(state="attached")
    value = await option.get_attribute("value")
    await console.page.get_by_label("Reviewer's key").select_option(value)


async def reviewed(console: Console, reviewer: Console, folder: Path) -> None:
    """A draft goes from desk to desk as a file, and its review comes back."""
    draft = await saved(console, console.page.get_by_role("button", name="for the reviewer"), folder)
    content = Draft.from_json(draft.read_bytes()).content  # as the command line reads it
    await Keys(reviewer).give(reviewer.page.get_by_label("Open the analyst's draft"), draft)
    await Keys(reviewer).press(reviewer.page.get_by_role("button", name="I have read it: countersign"))
    review = await saved(reviewer, reviewer.page.get_by_role("button", name="Save the review"), folder)
    assert json.loads(b64url_decode(review.read_text(encoding="ascii").split(".")[1]))["content"] == content
    await Keys(console).give(console.page.get_by_label("The review that came back"), review)


async def test_an_analysis_is_entered_reviewed_filed_corrected_and_withdrawn(
    exchange: Exchange, opened: Opening, chemist: Console, tmp_path: Path
) -> None:
    number = exhibit_number()
    report = heroin("KZ-CUS", items=[item(HEROIN, "героин", "1.2", "kg", exhibit=number)])
    exchange.client("KZ-CUS").submit(exchange.sign(report))
    reviewer = await at_bench(exchange, opened)
    page, keys = chemist.page, Keys(chemist)

    await keys.press(page.get_by_role("link", name="Laboratory"))
    await keys.press(page.get_by_role("link", name="Pending exhibits"))
    await keys.press(page.get_by_role("link", name=number))
    assert await page.get_by_label("Number, with the agency").input_value() == number
    verdict = page.get_by_role("region", name="What the evidence amounts to")
    await verdict.get_by_text("Not ready to be filed").wait_for()
    await keys.type(page.get_by_label("Case number"), "884")
    await keys.type(page.get_by_label("Substance, by any name"), "heroin")
    await keys.press(page.get_by_role("button", name="SAR-000608"))
    await verdict.get_by_text("is met").wait_for()
    fix = page.get_by_role("button", name="Fix it for review")
    rests = page.get_by_role("group", name="Finding 1 rests on")
    for technique in ("Gas chromatography", "Mass spectrometry"):
        await keys.press(rests.get_by_label(technique), "Space")
    await verdict.get_by_text("This claims more than the evidence bears").wait_for()
    await expect(page.get_by_label("How sure")).to_have_attribute("aria-invalid", "true")
    await expect(fix).to_be_disabled()
    await verdict.get_by_role("button", name="Go to it").first.press("Enter")
    await expect(page.get_by_label("How sure")).to_be_focused()
    await rests.get_by_label("Mass spectrometry").press("Space")
    await verdict.get_by_text("is met").wait_for()
    await keys.press(page.get_by_role("button", name="Measured content"))
    await keys.type(page.get_by_label("Value"), "41,2")
    await verdict.get_by_text("A quantity without its uncertainty").wait_for()
    await page.get_by_label("Uncertainty, expanded").fill("1,9")
    await verdict.get_by_text("look again").wait_for(state="detached")
    await choose(chemist, reviewer)
    await chemist.seen("laboratory-enter")
    await keys.press(fix)

    await page.get_by_text("Waits for its review").wait_for()
    await chemist.check()
    await reviewed(chemist, reviewer, tmp_path)
    await page.get_by_text("Accepted", exact=True).wait_for()
    await chemist.seen("laboratory-desk")
    await reviewer.seen("laboratory-review")
    receipt = await saved(chemist, page.get_by_role("button", name="Save the receipt"), tmp_path)
    assert '"receipt"' in receipt.read_text(encoding="utf-8")

    await page.get_by_role("link", name="Our analyses").click()
    mine = page.get_by_role("listitem").filter(has_text=number)
    await mine.get_by_text("41.2 ± 1.9 %").wait_for()
    await mine.get_by_role("link", name="Correct it").click()
    await page.get_by_text("A correction: version 2.").wait_for()
    await page.get_by_label("Value").fill("40.8")
    await choose(chemist, reviewer)
    await fix.click()
    await page.get_by_text("Waits for its review").wait_for()
    await reviewed(chemist, reviewer, tmp_path)
    await expect(page.get_by_text("Accepted", exact=True)).to_have_count(2)
    await page.get_by_role("link", name="Our analyses").click()
    await mine.get_by_text("version 2").wait_for()
    await chemist.seen("laboratory-analyses")
    await mine.get_by_text("Withdraw it").click()
    await mine.get_by_label("Why, for whoever was given it").fill("Exhibits were mixed up.")
    await mine.get_by_role("button", name="Sign and withdraw").press("Enter")
    await mine.wait_for(state="detached")


async def test_a_spectrum_is_dropped_and_named_with_no_more_confidence_than_it_earns(
    exchange: Exchange, chemist: Console
) -> None:
    agency = Sender(exchange, "KZ-LAB")
    added = agency.call("POST", f"/v1/spectra/library?licence=CC0&substance={METHAMPHETAMINE}", MASSBANK.encode())
    assert added.status == 201, added.body
    page = chemist.page
    await page.get_by_role("link", name="Laboratory").click()
    await page.get_by_role("link", name="Spectra").click()
    await page.get_by_text("Nothing of it is stored").wait_for()
    await drop(chemist, "unknown.msp", METH)
    await page.get_by_role("heading", name="A confident candidate").wait_for()
    await page.get_by_role("row").filter(has_text="Methamphetamine").get_by_role("cell", name="yes").wait_for()
    drawn = page.get_by_role("img", name="Mirror plot")
    assert await drawn.evaluate("async drawing => { await drawing.decode(); return drawing.naturalWidth; }") > 0
    await page.get_by_text("Peaks of the candidate as a table").click()
    await page.get_by_role("cell", name="91.0542").wait_for()
    await chemist.seen("laboratory-spectra")
    await page.get_by_role("button", name="Attach it to an analysis").press("Enter")
    await page.get_by_role("group", name="Spectra").get_by_text("File").first.wait_for()

    await page.get_by_role("link", name="Spectra").click()
    await page.get_by_text("Nothing of it is stored").wait_for()  # the form that is left takes spectra, too
    other = msp((77.0386, 999.0), (131.049, 500.0), precursor=150.1278)
    await page.get_by_label("Drop a spectrum here").set_input_files(
        {"name": "other.msp", "mimeType": "text/plain", "buffer": other}
    )
    await page.get_by_role("heading", name="No confident candidate").wait_for()
    await page.get_by_label("Drop a spectrum here").set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"no spectrum"}
    )
    await page.get_by_role("alert").wait_for()
    chemist.complaints = [said for said in chemist.complaints if "status of 422" not in said]


async def drop(console: Console, name: str, content: bytes) -> None:
    """As a mouse drops a file."""
    dropped = await console.page.evaluate_handle(
        """([name, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([text], name));
            return data;
        }""",
        [name, content.decode()],
    )
    await console.page.locator(".drop").dispatch_event("drop", {"dataTransfer": dropped})


async def test_a_spreadsheet_tells_what_is_wrong_in_which_row(
    exchange: Exchange, opened: Opening, chemist: Console, tmp_path: Path
) -> None:
    page = chemist.page
    await chemist.open("laboratory/spreadsheet")
    template = await saved(chemist, page.get_by_role("button", name="Save the template"), tmp_path)
    head, *example = csv.reader(template.read_text(encoding="utf-8").splitlines())
    reference = f"LAB-{time.time_ns()}"
    good = [[reference, *row[1:]] for row in example]
    beyond = [f"LAB-{time.time_ns()}", *good[0][1:]]
    beyond[head.index("techniques")] = "COL:POS"
    sheet = tmp_path / "analyses.xlsx"
    with xlsxwriter.Workbook(sheet) as book:
        first = book.add_worksheet()
        for number, row in enumerate([head, *good, beyond]):
            first.write_row(number, 0, row)
        first.write_number(1, head.index("value"), 41.2)
        first.write_datetime(1, head.index("issued"), datetime.now())  # noqa: DTZ005 — a workbook knows no zone
    await page.get_by_label("Drop a spreadsheet here").set_input_files(sheet)
    await page.get_by_text("1 of 2 analyses are ready.").wait_for()
    wrong = page.get_by_role("row").filter(has_text="Not identified: only COL is positive")
    await wrong.get_by_role("cell", name="4", exact=True).wait_for()
    await chemist.seen("laboratory-spreadsheet")
    reviewer = await at_bench(exchange, opened)
    await page.reload()
    await page.get_by_label("Drop a spreadsheet here").set_input_files(sheet)
    await choose(chemist, reviewer)
    await page.get_by_role("button", name="Fix 1 for review").press("Enter")
    await page.get_by_text("Waits for its review").wait_for()
    await reviewed(chemist, reviewer, tmp_path)
    await page.get_by_text("Accepted", exact=True).wait_for()


async def test_a_structure_is_drawn_and_compared_and_the_lists_stand_side_by_side(
    exchange: Exchange, chemist: Console
) -> None:
    enter(exchange, "KG", MEPHEDRONE)
    enter(exchange, "KZ", CAFFEINE)
    page = chemist.page
    await chemist.open("laboratory/structure")
    await page.get_by_label("Structure, as SMILES").fill("CNC(C)C(=O)c1ccc(C)cc1")
    await page.get_by_role("button", name="Examine").press("Enter")
    await page.get_by_text("Triage, no legal statement").wait_for()
    drawing = page.get_by_role("img", name="Drawing of")
    assert await drawing.evaluate("async drawing => { await drawing.decode(); return drawing.naturalWidth; }") > 0
    near = page.get_by_role("row").filter(has_text="Mephedrone").first
    await near.get_by_role("cell", name="1.00").wait_for()
    await page.get_by_role("row").filter(has_text="Kazakhstan").get_by_text("gap").wait_for()
    await chemist.seen("laboratory-structure")
    await page.get_by_label("Structure, as SMILES").fill("C1CC")
    await page.get_by_role("button", name="Examine").press("Enter")
    await page.get_by_role("alert").get_by_text("RDKit refuses it").wait_for()
    chemist.complaints = [said for said in chemist.complaints if "status of 422" not in said]

    await page.get_by_role("link", name="Listings compared").click()
    await page.get_by_label("Substance, by any name, with all below it").fill("мефедрон")
    await page.get_by_role("button", name=MEPHEDRONE).press("Enter")
    await page.get_by_label("Only where there is a gap").press("Space")
    await page.get_by_role("button", name="Show", exact=True).press("Enter")
    row = page.get_by_role("row").filter(has_text=MEPHEDRONE)
    await row.get_by_text("gap").wait_for()
    await row.get_by_role("cell", name="List I").wait_for()
    await chemist.seen("laboratory-listings")


def enter(exchange: Exchange, country: str, substance: str) -> None:
    """The country lists the substance."""
    profile, origin = exchange.region.profiles[f"{country}-DCA/policy"], exchange.settings.origin
    document = {
        "listing": "sarhad-listing/1",
        "country": country,
        "entry": f"e-{time.time_ns()}",
        "version": 1,
        "schedule": "List I",
        "legal_basis": "Order 1, item 2",
        "valid_from": "2015-01-01",
        "substance": substance,
    }
    body = sign_listing(profile.load_record_key(), document).encode()
    wire = sign(profile.load_request_key(), origin, "POST", "/v1/listings", body, content_type="application/jose")
    assert send(origin, wire).status == 201


async def test_two_people_say_that_two_records_belong_together(exchange: Exchange, opened: Opening) -> None:
    point = {"lat": "42.8710", "lon": "74.3650", "accuracy_m": 50, "method": "GPS"}
    with sharing(exchange, GIVEN):
        records = [
            reported(Agency(exchange, code), "9.884", "2026-02-09", point).partition("-")[0]
            for code in ("KZ-CUS", "KG-CUS")
        ]
        await asyncio.to_thread(passes, exchange.settings)
        one, other = [await analyst(exchange, opened, code) for code in ("KZ-CUS", "KG-CUS")]
        for console in (one, other):
            await console.open("laboratory/links")
        mine, theirs = [
            console.page.get_by_role("listitem").filter(has_text=records[0]).filter(has_text=records[1])
            for console in (one, other)
        ]
        await mine.get_by_text("both report the same amount").wait_for()
        await one.seen("laboratory-links")
        await mine.get_by_role("button", name="They belong together").press("Enter")
        await mine.get_by_text("a second person is needed").wait_for()
        await theirs.get_by_role("button", name="They belong together").press("Enter")
        await theirs.wait_for(state="detached")
        await other.page.get_by_label("State").select_option("confirmed")
        await theirs.get_by_text("Take it apart again").click()
        await theirs.get_by_label("Why, for the other party").fill("Another lorry.")
        await theirs.get_by_role("button", name="Sign and send").press("Enter")
        await theirs.wait_for(state="detached")


async def analyst(exchange: Exchange, opened: Opening, agency: str) -> Console:
    return await signed_in(exchange, opened, agency, "analyst")


async def test_the_pages_of_the_laboratory_speak_russian_and_say_what_to_do_first(
    exchange: Exchange, opened: Opening
) -> None:
    newcomer = await at_bench(exchange, opened, "TM-LAB")
    page = newcomer.page
    await page.get_by_label("Language").select_option("ru")
    for view, words in (
        ("desk", "В этом браузере проектов нет."),
        ("exhibits?side=analysis", "Ни один анализ вашей страны не ждёт."),
        ("links?state=rejected", "Таких связей между записями"),
        ("structure", "Впишите или вставьте SMILES"),
        ("listings", "То, что внесли государства-участники, на этот день."),
        ("spreadsheet", "Отсюда ничего не отправляется сразу"),
    ):
        await newcomer.open(f"laboratory/{view}")
        await page.get_by_text(words).first.wait_for()
    await newcomer.seen("laboratory-spreadsheet-ru")
