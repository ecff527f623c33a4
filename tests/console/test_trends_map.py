"""What stands on the map of the trends by itself: points, alerts, groups, hot spots; and where the map is moved to."""

import re
from itertools import groupby
from typing import Any

import pytest
from playwright.async_api import Download, Locator, expect

from tests.alerts.conftest import calling
from tests.console.conftest import Console, Keys, Opening, signed_in
from tests.exchange import Exchange
from tests.links.wiring import confirmed
from tests.trends.conftest import seizure

pytestmark = pytest.mark.xdist_group("console trends")  # what others file would stand on the map

TO_KG: dict[str, Any] = {
    "id": "kg",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "route"],
    "time": "day",
}
LAT, LON = "41.4611", "69.1714"
YEAR = "from=1995-01&to=1996-01"
SAID = "14 May 1995 · Heroin · Kazakhstan"


def filed(exchange: Exchange, agency: str, day: str, lat: str, lon: str, kg: str = "1", **facets: Any) -> str:
    point = {"lat": lat, "lon": lon, "accuracy_m": 50, "method": "GPS"}
    record = seizure(agency, day, ("heroin", kg, "kg", "PRES"), where_point=point, **facets)
    exchange.client(agency).submit(exchange.sign(record))
    return str(record.id)


@pytest.fixture(scope="module", autouse=True)
def records(exchange: Exchange) -> dict[str, str]:
    """Two seizures on both sides of a border: Kazakhstan gives the point, Uzbekistan the cell."""
    exchange.adopt("KZ", TO_KG | {"place": "point"})
    exchange.adopt("UZ", TO_KG | {"place": "cell"})
    return {
        "KZ": filed(exchange, "KZ-CUS", "1995-05-14", LAT, LON, where_admin1={"code": "KZ-61"}),
        "UZ": filed(exchange, "UZ-CUS", "1995-05-14", "41.3111", "69.2797"),
    }


@pytest.fixture
async def analyst(exchange: Exchange, opened: Opening) -> Console:
    return await signed_in(exchange, opened, "KG-CUS", "analyst")


def figure(console: Console, title: str) -> Locator:
    return console.page.get_by_role("region", name=title, exact=True)


async def saved(console: Console, of: Locator) -> list[str]:
    """The lines of the figure's data."""
    await of.get_by_text("Data and question").click()
    async with console.page.expect_download() as awaited:
        await of.get_by_role("button", name="Save as CSV").click()
    found: Download = await awaited.value
    return (await found.path()).read_text(encoding="utf-8").splitlines()


async def test_points_are_seen_from_near_and_lead_to_their_records(analyst: Console, records: dict[str, str]) -> None:
    await analyst.open(f"trends?{YEAR}&points=yes&at={LON},{LAT},5")
    of_map = figure(analyst, "On the map")
    await analyst.see_map()
    await of_map.get_by_text("Come nearer on the map to see points.").wait_for()
    await analyst.open(f"trends?{YEAR}&points=yes&at={LON},{LAT},9")
    await analyst.page.reload()
    await analyst.see_map()
    await of_map.get_by_text("1 point in view").click()
    await expect(of_map.get_by_role("listitem")).to_have_text(SAID)
    await of_map.get_by_text("1 point in view").click()
    await analyst.see_map()
    await analyst.page.locator(".map canvas").click()
    here = of_map.get_by_role("status", name="What is here").get_by_role("link")
    await expect(here).to_have_text(SAID)
    await analyst.seen("trends-points")

    await analyst.page.get_by_label("Through month").fill("1995-04")
    await of_map.get_by_text("0 points in view").wait_for()
    await analyst.page.go_back()
    await of_map.get_by_text("1 point in view").wait_for()
    await analyst.see_map()
    await analyst.page.locator(".map canvas").click()
    await here.press("Enter")
    await analyst.page.wait_for_url(re.compile(f"record/{records['KZ']}"))


async def test_where_the_map_stands_is_in_the_address(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}")
    await analyst.see_map()
    await analyst.page.get_by_role("button", name="Zoom in").click()
    await analyst.page.wait_for_url(re.compile(r"at=[\d.]+%2C[\d.]+%2C[\d.]+"))
    before = analyst.page.url
    await analyst.page.reload()
    await analyst.see_map()
    assert analyst.page.url == before


async def test_a_division_is_chosen_on_the_map(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}&at=68.5,44.5,6")
    await analyst.see_map()
    canvas = analyst.page.locator(".map canvas")
    await canvas.hover()
    await figure(analyst, "On the map").get_by_text("Turkistan Region: 1").wait_for()
    await canvas.click()
    await analyst.page.wait_for_url(re.compile("admin1=KZ-61"))
    await analyst.page.locator(".total").get_by_text("1 seizure", exact=True).wait_for()


async def test_from_the_map_to_a_request_by_keys_alone(analyst: Console) -> None:
    page, keys, of_map = analyst.page, Keys(analyst), figure(analyst, "On the map")
    await analyst.open(f"trends?{YEAR}&at=68.5,44.5,6")
    await analyst.see_map()
    await keys.press(page.locator(".map canvas"), "ArrowDown")
    await of_map.get_by_text("Turkistan Region: 1").wait_for()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("admin1=KZ-61"))
    await keys.press(figure(analyst, "Substance").get_by_role("button", name="Heroin"))
    await page.wait_for_url(re.compile("substance=SAR-"))
    await keys.press(page.get_by_role("link", name="The records behind it"))
    row = page.get_by_role("row").filter(has_text="Kazakhstan")
    await keys.press(row.get_by_role("link").first)
    await keys.press(page.get_by_role("checkbox", name="Narrative"), "Space")
    await keys.type(page.get_by_label("Why, for the owner to judge"), "Was there a second car?")
    await keys.press(page.get_by_role("button", name="Sign and ask"))
    await page.get_by_text("Asked. An answer is due by").wait_for()


async def test_alerts_stand_where_what_they_rest_on_is_disclosed(
    exchange: Exchange, analyst: Console, records: dict[str, str]
) -> None:
    call = calling(exchange)
    words = {"title": "Powder at the border", "text": "Handle with gloves.", "records": [records["KZ"]]}
    alert = call("KG-CUS", "POST", "/v1/alerts", words).json()["id"]
    issued = call("KG-DCA/policy", "POST", f"/v1/alerts/{alert}/issue", {"level": "INFO", "handling": "TLP:AMBER"})
    assert issued.status == 200, issued.body
    await analyst.open(f"trends?{YEAR}&over=alerts&at={LON},{LAT},9")
    alerts = figure(analyst, "Alerts")
    told = alerts.get_by_role("row").filter(has_text="Powder at the border")
    await told.get_by_text(f"{LAT}, {LON}").wait_for()
    assert any(line.startswith(alert) for line in await saved(analyst, alerts))
    await analyst.see_map()
    await analyst.seen("trends-alerts")
    await analyst.see_map()
    await analyst.page.locator(".map canvas").click()
    await analyst.page.wait_for_url(re.compile(f"alert/{alert}"))
    await analyst.page.go_back()
    await told.wait_for()
    await analyst.page.get_by_label("Through month").fill("1995-04")
    await expect(told).to_have_count(0)
    ended = call("KG-DCA/policy", "POST", f"/v1/alerts/{alert}/ending/closed", {"reason": "It was a test."})
    assert ended.status == 200


async def test_what_belongs_together_is_tied_on_the_map(
    exchange: Exchange, analyst: Console, records: dict[str, str]
) -> None:
    later = filed(exchange, "UZ-CUS", "1995-11-20", "39.65", "66.96", kg="0.3")
    confirmed(exchange.settings, records["KZ"], later)
    await analyst.open(f"trends?{YEAR}&over=groups&at={LON},{LAT},9")
    groups = figure(analyst, "What belongs together")
    members = groups.get_by_role("row").filter(has_text="1995")
    await expect(members).to_have_count(2)
    lines = await saved(analyst, groups)
    assert lines[0] == "group,relation,records,owners,first,last"
    told = next(line for line in lines if line.startswith(min(records["KZ"], later)))
    assert re.fullmatch(r"[0-9a-f-]{36},event,2,(KZ UZ|UZ KZ),1995-05-14,1995-11-20", told)
    await analyst.see_map()
    await analyst.seen("trends-groups")
    await analyst.see_map()
    await analyst.page.locator(".map canvas").click()
    here = figure(analyst, "On the map").get_by_role("status", name="What is here").get_by_role("link")
    await here.press("Enter")
    await analyst.page.wait_for_url(re.compile(f"record/{records['KZ']}"))
    await analyst.page.go_back()
    await groups.get_by_label("Relation").select_option("physical")
    await analyst.page.wait_for_url(re.compile("relation=physical"))
    await expect(members).to_have_count(0)


HEADS = """() => {
    const canvas = document.querySelector(".map canvas");
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--flow").trim();
    const colour = [1, 3, 5].map(at => parseInt(ink.slice(at, at + 2), 16));
    const { data } = copy.getImageData(0, 0, width, height);
    const columns = [{}, {}]; // lines are translucent: heads alone have the colour itself
    for (let at = 0; at < width * height; at++)
        if (colour.every((part, n) => Math.abs(part - data[4 * at + n]) < 4)) {
            const side = columns[at < width * height / 2 ? 0 : 1];
            side[at % width] = (side[at % width] ?? 0) + 1;
        }
    return columns.map(side => Array.from({ length: width }, (_, x) => side[x] ?? 0));
}"""


async def test_arrows_point_from_where_it_came_to_where_it_went(exchange: Exchange, analyst: Console) -> None:
    """There and back between two neighbours: the way east bends to the north, the way west to the south."""
    for origin, destination in (("UZ", "KG"), ("KG", "UZ")):
        way = (("DEPARTURE", origin), ("DESTINATION", destination))
        route = [{"role": role, "country": country, "certainty": "KNOWN"} for role, country in way]
        filed(exchange, "KZ-CUS", "1997-02-10", LAT, LON, route=route)
    await analyst.open("trends?from=1997-02&to=1997-03&over=flows&at=68.95,41.68,6")
    await figure(analyst, "Routes").get_by_role("row").filter(has_text="Kyrgyzstan").nth(1).wait_for()
    await analyst.see_map()
    eastward, westward = await analyst.page.evaluate(HEADS)
    for columns in (eastward, westward[::-1]):
        runs = [list(run) for filled, run in groupby(columns, bool) if filled]
        heads = [run for run in runs if len(run) > 16]
        assert heads
        for head in heads:  # from its back to its tip
            assert sum(head[: len(head) // 2]) > 1.2 * sum(head[len(head) // 2 :])


async def test_hot_spots_and_routes_are_files_too(exchange: Exchange, analyst: Console) -> None:
    for month in ("01", "02", "03"):
        filed(exchange, "UZ-CUS", f"1996-{month}-10", "39.65", "66.96")
        filed(exchange, "UZ-CUS", f"1996-{month}-11", "41.31", "69.28")
    for day in range(10, 22):
        filed(exchange, "UZ-CUS", f"1996-06-{day}", "41.31", "69.28")
    await analyst.open("trends?from=1996-01&to=1996-07&over=hotspots")
    spots = figure(analyst, "Hot spots")
    await spots.get_by_role("cell", name="yes").first.wait_for()
    lines = await saved(analyst, spots)
    assert lines[0] == "from,cells,observed,expected,ratio,p,significant"
    assert re.fullmatch(r"1996-06,[0-9a-f]{15},12,[\d.]+,[\d.]+,0[\d.]*,true", lines[1])
    await spots.get_by_text("GET /v1/hotspots?resolution=4&from=1996-01&to=1996-07").wait_for()
    await analyst.see_map()
    await analyst.seen("trends-hotspots")
    await spots.get_by_role("button", name="Area of the map: 1").first.press("Enter")
    await analyst.page.locator(".total").get_by_text("15 seizures").wait_for()
    await analyst.page.get_by_role("group", name="Chosen").get_by_role("button", name="Area of the map").press("Enter")
    await analyst.page.get_by_label("Over it").select_option("flows")
    routes = figure(analyst, "Routes")
    lines = await saved(analyst, routes)
    assert lines[0].startswith("origin,origin_name,transit,")
    await routes.get_by_text("GET /v1/flows?from=1996-01&to=1996-07").wait_for()


async def test_a_month_beside_what_is_usual_for_each(exchange: Exchange, analyst: Console) -> None:
    for month in range(36):
        for day in range(10, 11 + month % 2):
            filed(exchange, "KZ-CUS", f"{2000 + month // 12}-{1 + month % 12:02}-{day}", LAT, LON)
    for day in range(10, 15):
        filed(exchange, "KZ-CUS", f"2003-01-{day}", LAT, LON)
    await analyst.open("trends?from=2003-01&to=2003-02&owner=KZ")
    await analyst.page.get_by_label("Compare with").select_option("norm")
    usual = figure(analyst, "Beside what is usual")
    row = usual.get_by_role("row").filter(has_text="January 2003")
    await expect(row.get_by_role("cell")).to_have_text(["January 2003", "5", "1.5", "+4.72"])
    await usual.get_by_label("Each by itself").select_option("country")
    await expect(row.get_by_role("cell")).to_have_text(["Kazakhstan", "January 2003", "5", "1.5", "+4.72"])
    lines = await saved(analyst, usual)
    assert lines[0].endswith("norm_median,norm_spread,norm_score,norm_periods")
    assert lines[1].startswith("KZ,Kazakhstan,2003-01,")
    assert lines[1].endswith(",1.5,0.7413,4.72,36")
    await analyst.seen("trends-usual")
    await row.get_by_role("button", name="Kazakhstan").press("Enter")
    await analyst.page.wait_for_url(re.compile("country=KZ"))
