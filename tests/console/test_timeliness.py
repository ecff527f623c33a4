"""A key administrator sees which agencies have filed and how long each stage took; the figures are computed by hand."""

import csv
import io

import pytest
from playwright.async_api import expect
from sarhad.records import item
from sqlalchemy import create_engine, text

from tests.analyses.conftest import enrol
from tests.analyses.laboratory import examination, exhibit_number
from tests.console.conftest import Opening, signed_in
from tests.exchange import Exchange, heroin

pytestmark = pytest.mark.xdist_group("console timeliness")  # what others file would be counted


def file(exchange: Exchange, signed: str, at: str, agency: str = "KG-CUS") -> None:
    """As if it had been filed at `at`: what only time would do."""
    id_ = exchange.client(agency).submit(signed).id
    engine = create_engine(exchange.settings.database_as())
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE core.report SET received_at = CAST(:at AS timestamptz) WHERE record_id = CAST(:id AS uuid)"),
            {"at": at, "id": id_},
        )
    engine.dispose()


@pytest.fixture
async def filed(exchange: Exchange) -> None:
    """Three reports of customs: 2, 10 and 30 h after the event, one of them examined: 4 days, filed 60 h later."""
    exhibit = exhibit_number("KG-CUS")
    examined = [item(None, "heroin", "1", "kg", status="PRES", exhibit=exhibit)]
    reports = (
        ("2026-03-10T10:00:00+00:00", "2026-03-10T12:00:00Z", {"items": examined}),
        ("2026-03-11T00:00:00+00:00", "2026-03-11T10:00:00Z", {}),
        ("2026-05-01T00:00:00+00:00", "2026-05-02T06:00:00Z", {}),
    )
    for event, at, facets in reports:
        file(exchange, exchange.sign(heroin("KG-CUS", instant=event, **facets)), at)
    laboratory = (await enrol(exchange))["KG-LAB"]
    found = laboratory.found(exhibit, laboratory=examination(exhibit))
    file(exchange, found, "2026-03-22T12:00:00Z", "KG-LAB")


async def test_an_administrator_sees_who_filed_and_how_long_it_took(
    exchange: Exchange, opened: Opening, filed: None
) -> None:
    console = await signed_in(exchange, opened, "KG-DCA", "key_administrator")
    page = console.page
    await page.get_by_role("link", name="Coverage and timeliness").press("Enter")
    await page.get_by_label("From month").fill("2026-03")
    await page.get_by_label("Through month").fill("2026-06")
    coverage = page.get_by_role("region", name="Who has reported")
    customs = coverage.get_by_role("row").filter(has_text="KG-CUS")
    await expect(customs.get_by_role("cell")).to_have_text(
        ["KG-CUS · Kyrgyzstan CUS", "2 May 2026 06:00 UTC", "3", "0", "April 2026, June 2026"]
    )
    laboratory = coverage.get_by_role("row").filter(has_text="KG-LAB")
    await expect(laboratory.get_by_role("cell").nth(4)).to_have_text("April 2026 – June 2026")
    await expect(coverage.get_by_role("row").filter(has_text="KG-DCA")).to_contain_text("March 2026 – June 2026")
    await coverage.get_by_role("img", name="Who has reported").wait_for()

    stages = page.get_by_role("region", name="How long each stage takes")

    async def shows(stage: str, *cells: str) -> None:
        row = stages.get_by_role("row").filter(has=page.get_by_role("button", name=stage, exact=True))
        await expect(row.get_by_role("cell")).to_have_count(5)
        assert [said.split("\n")[0] for said in (await row.get_by_role("cell").all_inner_texts())[1:]] == list(cells)

    await shows("Event to report", "10 h", "26 h", "3", "0")  # 10 + 0.8 * 20
    await shows("Exhibit to analysis", "4 d", "4 d", "1", "0")  # received on the 16th, issued on the 20th
    await shows("Analysis to filing", "2.5 d", "2.5 d", "1", "0")  # from the 20th to noon of the 22nd
    await shows("Report to result", "12 d", "12 d", "1", "0")  # from noon of the 10th to noon of the 22nd
    await stages.get_by_role("img", name="Event to report by month").wait_for()
    await console.seen("timeliness")

    await customs.get_by_role("button").press("Enter")
    await expect(stages.get_by_role("button", name="Exhibit to analysis")).to_have_count(0)  # the laboratory's
    await stages.get_by_text("As a table").press("Enter")
    by_month = stages.get_by_role("table").nth(1)
    await expect(by_month.get_by_role("row").nth(1)).to_have_text("March 20266 h9.2 h20")  # 2 and 10 h
    await expect(by_month.get_by_role("row").nth(2)).to_have_text("May 202630 h30 h10")
    assert "agency=KG-CUS" in page.url
    async with page.expect_download() as saved:
        await stages.get_by_role("button", name="Save as CSV").press("Enter")
    rows = list(csv.DictReader(io.StringIO((await (await saved.value).path()).read_text(encoding="utf-8"))))
    told = exchange.client("KG-DCA/auditor", None).timeliness(first_month="2026-03", last_month="2026-06")
    assert len(rows) == len(told["lags"])
    (march,) = [
        row for row in rows if (row["stage"], row["agency"], row["month"]) == ("event-to-report", "KG-CUS", "2026-03")
    ]
    assert [march[name] for name in ("n", "without", "median_hours", "p90_hours")] == ["2", "0", "6", "9.2"]


async def test_where_nothing_was_filed_it_says_what_to_do_in_each_language(exchange: Exchange, opened: Opening) -> None:
    console = await signed_in(exchange, opened, "TM-DCA", "key_administrator")
    await console.open("timeliness?from=2023-01&to=2023-03")
    page = console.page
    await page.get_by_text("Nothing was filed in these months. Choose others above.").wait_for()
    await page.locator("header select").select_option("ru")
    await page.get_by_role("heading", name="Полнота и своевременность").wait_for()
    await console.check()
    await page.locator("header select").select_option("en")
    await page.get_by_role("link", name="See who holds a key to file with.").press("Enter")
    await page.get_by_role("heading", name="Agencies and keys").wait_for()


async def test_a_policy_officer_and_an_auditor_find_it_and_a_reporter_does_not(
    exchange: Exchange, opened: Opening
) -> None:
    for roles, found in ((("policy_officer",), 1), (("auditor",), 1), (("reporter",), 0)):
        console = await signed_in(exchange, opened, "UZ-DCA", *roles)
        await expect(console.page.get_by_role("link", name="Coverage and timeliness")).to_have_count(found)
