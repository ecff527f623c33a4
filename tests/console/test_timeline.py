"""An analyst sees a product beside its precursors and the laboratories that made it."""

import re

from playwright.async_api import expect

from service.timelines import join
from tests.console.conftest import Opening, signed_in
from tests.exchange import Exchange
from tests.observations.records import PATHS, chemical, record
from tests.seizures.wiring import Agency
from tests.trends.conftest import seizure


async def test_a_product_stands_beside_its_precursors(exchange: Exchange, opened: Opening) -> None:
    customs = Agency(exchange, "KG-CUS")
    for kind, facets in (
        ("precursor_incident", {"when_day": "2013-02-10", "items": [chemical(incident="SEIZED")]}),
        ("precursor_incident", {"when_day": "2013-02-20", "items": [chemical(incident="STOPPED")]}),
    ):
        reply = customs.post(customs.sign(record(kind, "KG-CUS", **facets)), PATHS[kind])
        assert reply.status == 201, reply.body
    filed = seizure("KG-CUS", "2013-03-04", ("heroin", "1", "kg", "PRES"))
    exchange.client("KG-CUS").submit(exchange.sign(filed))

    analyst = await signed_in(exchange, opened, "KG-CUS", "analyst")
    await analyst.open("trends?substance=SAR-000608&from=2013-01&to=2014-01")
    await analyst.page.get_by_role("link", name="Its precursors and laboratories").press("Enter")
    await analyst.page.get_by_role("heading", name="Heroin", exact=True).wait_for()
    beside = analyst.page.get_by_role("region", name="Precursors, laboratories and the product")
    rows = beside.get_by_role("row")
    await expect(rows.filter(has_text="February 2013").get_by_role("cell")).to_have_text(
        ["February 2013", re.compile("^2.*Seized: 1.*Shipment stopped: 1", re.DOTALL), "–", "–"]
    )
    await expect(rows.filter(has_text="March 2013").get_by_role("cell")).to_have_text(["March 2013", "–", "–", "1"])
    await expect(beside.get_by_role("img").locator("text").filter(has_text=re.compile("^2$"))).to_have_count(1)
    await beside.get_by_text("Acetic anhydride").wait_for()
    await analyst.seen("timeline")
    await beside.get_by_text("Data and question").click()
    await beside.get_by_text("GET /v1/timeline?product=SAR-000608&from=2013-01&to=2014-01").wait_for()
    async with analyst.page.expect_download() as awaited:
        await beside.get_by_role("button", name="Save as CSV").click()
    lines = (await (await awaited.value).path()).read_text(encoding="utf-8").splitlines()
    assert lines == [
        "month,precursor_incidents,laboratories,seizures,kg_exact,kg_converted",
        "2013-02,2,,,,",
        "2013-03,,,1,1,0",
    ]
    await analyst.page.get_by_label("From month").fill("2013-03")
    await expect(rows.filter(has_text="February 2013")).to_have_count(0)
    await analyst.page.reload()
    await rows.filter(has_text="March 2013").wait_for()
    await expect(rows).to_have_count(2)
    await expect(beside).to_contain_text(join.CAVEATS[0])
    await analyst.page.get_by_label("Language").select_option("ru")
    told = analyst.page.locator(".figure")
    await expect(told).to_contain_text("Рядом — ещё не причина")
    for caveat in join.CAVEATS:
        await expect(told).not_to_contain_text(caveat)
