"""A Kyrgyz analyst asks one question from all sides, and what it has chosen stands in the address."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from sarhad.records import zero

from tests.console.conftest import Console, Keys, Opening, first_view_bytes
from tests.exchange import Exchange
from tests.signin.conftest import add_officer
from tests.trends.conftest import seizure

pytestmark = pytest.mark.xdist_group("console trends")  # what others file would stand in the tables

YEAR = "from=1994-01&to=1995-01"
FOUND = [
    ("KZ-CUS", "1994-03-02", "methamphetamine", "3", "43.24", "76.92", "KZ-75"),
    ("KZ-CUS", "1994-05-10", "heroin", "7", "42.31", "69.61", "KZ-79"),
    ("UZ-CUS", "1994-04-20", "heroin", "2", "41.31", "69.21", "UZ-TK"),
]
ROUTE = [
    {"role": "DEPARTURE", "country": "AF", "certainty": "KNOWN"},
    {"role": "TRANSIT", "country": "TJ", "certainty": "SUSPECTED"},
    {"role": "DESTINATION", "country": "RU", "certainty": "DECLARED"},
]
TO_KG: dict[str, Any] = {
    "id": "kg",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "route"],
    "time": "day",
    "place": "cell",
}
FIRST_VIEW_KILOBYTES = (
    230  # of them 65 letters beyond the first alphabet; H3, charts and the map come when they are needed
)


@pytest.fixture(scope="module", autouse=True)
def year(exchange: Exchange) -> None:
    """Kazakhstan and Uzbekistan have found something and share it; Turkmenistan shares and is silent; Tajikistan shares
    nothing.
    """
    for country in ("KZ", "UZ", "TM"):
        exchange.adopt(country, TO_KG)
    exchange.adopt("TJ")
    for agency, day, substance, kg, lat, lon, division in FOUND:
        point = {"lat": lat, "lon": lon, "accuracy_m": 500, "method": "MAP"}
        where = {"where_point": point, "where_admin1": {"code": division}}
        record = seizure(agency, day, (substance, kg, "kg", "PRES"), **where, route=ROUTE)
        exchange.client(agency).submit(exchange.sign(record))
    none = zero("UZ-CUS", reference="T-1994-07", country="UZ", month="1994-07")
    exchange.client("UZ-CUS").submit(exchange.sign(none))


@pytest.fixture
async def analyst(exchange: Exchange, opened: Opening) -> Console:
    console: Console = await opened()
    await console.sign_in(add_officer(exchange, "KG-CUS", ("analyst",))["code"])
    return console


def figure(console: Console, title: str) -> Locator:
    return console.page.get_by_role("region", name=title, exact=True)


async def test_whatever_is_chosen_filters_everything_else(analyst: Console) -> None:
    await analyst.page.get_by_role("link", name="Trends").click()
    await analyst.open(f"trends?{YEAR}")
    total = analyst.page.locator(".total")
    await total.get_by_text("3 seizures").wait_for()
    assert "12 kg" in await total.inner_text()
    await analyst.see_map()
    await analyst.check()
    await analyst.picture("trends")

    await figure(analyst, "Substance").get_by_role("button", name="Heroin").press("Enter")
    await total.get_by_text("2 seizures").wait_for()
    assert "9 kg" in await total.inner_text()
    assert "substance=SAR-" in analyst.page.url
    await figure(analyst, "Country of seizure").get_by_role("button", name="Kazakhstan").press("Enter")
    await total.get_by_text("1 seizure", exact=True).wait_for()
    await figure(analyst, "Division").get_by_role("button").first.wait_for()
    await analyst.page.get_by_label("Measure").select_option("kg")
    await analyst.page.reload()
    await total.get_by_text("1 seizure", exact=True).wait_for()
    await figure(analyst, "Substance").get_by_role("button", name="Heroin", pressed=True).wait_for()
    await figure(analyst, "Country of seizure").get_by_text("7 kg").wait_for()


async def test_substances_are_seen_at_any_level_of_their_tree(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}")
    substances, total = figure(analyst, "Substance"), analyst.page.locator(".total")
    await substances.get_by_role("button", name="Heroin").wait_for()
    await substances.get_by_label("Level of the tree").select_option("widest classes")
    widest = substances.get_by_role("rowheader").get_by_role("button", name="Opioid, unspecified")
    await widest.press("Enter")
    await total.get_by_text("2 seizures").wait_for()
    assert "level=0" in analyst.page.url
    await (
        substances.get_by_role("group", name="Narrower")
        .get_by_role("button", name="Opiate, unspecified")
        .press("Enter")
    )
    wider = substances.get_by_role("group", name="Wider")
    await wider.get_by_role("button", name="Opioid, unspecified").wait_for()
    await total.get_by_text("2 seizures").wait_for()
    await analyst.seen("trends-tree")
    await analyst.page.reload()
    await wider.get_by_role("button", name="Opioid, unspecified").press("Enter")
    await analyst.page.wait_for_url(re.compile("substance=SAR-000001"))


async def test_silences_are_told_apart(analyst: Console) -> None:
    await analyst.open("trends?from=1994-07&to=1994-08")
    rows = figure(analyst, "Who has reported").get_by_role("row")
    await rows.filter(has_text="Uzbekistan").get_by_text("has reported that there were none").wait_for()
    await rows.filter(has_text="Turkmenistan").get_by_text("shares with you and has said nothing").wait_for()
    await rows.filter(has_text="Tajikistan").get_by_text("shares nothing with you for this purpose").wait_for()
    looks = [
        await rows.filter(has_text=name).locator(".look").get_attribute("class") for name in ("Uzb", "Turkm", "Taj")
    ]
    assert looks == ["look zero", "look silent", "look unshared"]
    lasts = (("Kazakhstan", "May 1994"), ("Uzbekistan", "July 1994"), ("Turkmenistan", "–"), ("Tajikistan", "–"))
    for name, last in lasts:  # a report that there was nothing is one too
        await expect(rows.filter(has_text=name).get_by_role("cell").nth(2)).to_have_text(last)
    for name, said in (
        ("Uzbekistan", "0 · has reported that there were none"),
        ("Turkmenistan", "shares with you and has said nothing"),
        ("Tajikistan", "shares nothing with you for this purpose"),
    ):
        row = figure(analyst, "Country of seizure").get_by_role("row").filter(has_text=name)
        await row.get_by_text(said).wait_for()
    substances = figure(analyst, "Substance").get_by_role("listitem")
    await substances.filter(has_text="shares with you and has said nothing").get_by_text("Turkmenistan").wait_for()

    months = figure(analyst, "By month")
    await months.get_by_text("As a table").click()
    for month, look in (("March 1994", None), ("June 1994", "silent"), ("July 1994", "zero")):
        row = months.get_by_role("row").filter(has_text=month)
        await expect(row.locator(".look")).to_have_count(0 if look is None else 1)
        if look:
            await expect(row.locator(".look")).to_have_class(f"look {look}")
    await analyst.seen("trends-silences")
    drawn = months.locator("svg.plot")
    assert await drawn.locator("[fill='url(#silent)'], [fill='url(#silent)'] *").count() > 0
    await analyst.open("trends?owner=TJ")
    tajik = months.get_by_role("row").filter(has_text="March 1994").locator(".look")
    await expect(tajik).to_have_class("look unshared")
    assert await drawn.locator("[fill='url(#unshared)'], [fill='url(#unshared)'] *").count() > 0


async def test_the_data_of_a_figure_are_a_file(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}&map=cell")
    country = figure(analyst, "Country of seizure")
    await country.get_by_text("Data and question").click()
    assert "GET /v1/trends?by=country" in await country.inner_text()
    async with analyst.page.expect_download() as awaited:
        await country.get_by_role("button", name="Save as CSV").click()
    saved = await awaited.value
    lines = (await saved.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("country,country_name,seizures,kg,")
    assert "KZ,Kazakhstan,2,10," in lines[1]
    months = figure(analyst, "By month")
    await months.get_by_text("Data and question").click()
    async with analyst.page.expect_download() as awaited:
        await months.get_by_role("button", name="Save as picture").click()
    drawn = (await (await awaited.value).path()).read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "var(" not in drawn, "it stands by itself"
    assert [words in drawn for words in (">By month<", ">GET /v1/trends?by=month", ">Purpose: ")] == [True] * 3
    await analyst.see_map()
    of_all = analyst.page.locator(".figure")
    assert await of_all.count() == 6
    for of_one in await of_all.all():  # each gives its data, its picture and its question
        if not await of_one.get_by_role("button", name="Save as picture").is_visible():
            await of_one.get_by_text("Data and question").click()
        await of_one.get_by_role("button", name="Save as CSV").wait_for()
        await of_one.get_by_text("GET /v1/trends?by=").wait_for()
        async with analyst.page.expect_download() as awaited:
            await of_one.get_by_role("button", name="Save as picture").click()
        picture = (await (await awaited.value).path()).read_bytes()
        assert picture.startswith((b"<svg", b"\x89PNG"))
        assert len(picture) > 500


async def test_a_cell_of_the_map_filters_too(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}&map=cell&measure=kg")
    cells = figure(analyst, "On the map")
    await cells.get_by_text("As a table").click()
    await cells.get_by_role("row").filter(has_text="3 kg").get_by_role("button").press("Enter")
    await analyst.page.get_by_role("button", name="Area of the map").wait_for()
    await analyst.page.locator(".total").get_by_text("1 seizure", exact=True).wait_for()


async def test_a_question_is_saved_and_compared_with_the_period_before(analyst: Console) -> None:
    view = "measure=kg&compare=previous&map=cell&resolution=4&over=flows&at=69.6%2C42.3%2C7&play=1994-05"
    await analyst.open(f"trends?from=1994-05&to=1994-06&country=KZ&{view}")
    await figure(analyst, "Substance").get_by_role("columnheader", name="Period before").wait_for()
    await analyst.page.get_by_text("Saved questions").click()
    await analyst.page.get_by_label("Name for what is asked now").fill("Kazakhstan in May")
    await analyst.page.get_by_role("button", name="Save for my agency").click()
    saved = analyst.page.get_by_role("link", name="Kazakhstan in May").first
    await saved.wait_for()
    await analyst.page.get_by_role("button", name="Let everything go").click()
    await saved.click()
    await analyst.page.wait_for_url(re.compile(f"from=1994-05&to=1994-06&country=KZ&{view}"))
    await figure(analyst, "Routes").get_by_role("row").filter(has_text="Afghanistan").first.wait_for()
    await analyst.check()


async def test_routes_and_hot_spots_lie_over_the_map(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}&over=flows")
    route = figure(analyst, "Routes").get_by_role("row").filter(has_text="Afghanistan")
    await route.filter(has_text="Russia").filter(has_text="Suspected").first.wait_for()
    await analyst.see_map()
    await analyst.check()
    await analyst.picture("trends-routes")
    await analyst.page.get_by_label("Over it").select_option("hotspots")
    await (
        figure(analyst, "Hot spots")
        .get_by_text("No place has more")
        .or_(analyst.page.get_by_role("cell"))
        .first.wait_for()
    )


async def test_the_map_is_played_month_by_month(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}")
    of_map = figure(analyst, "On the map")
    await of_map.get_by_role("button", name="Play by month").press("Enter")
    month = of_map.get_by_label("Month", exact=True)
    await month.wait_for()
    await of_map.get_by_role("button", name="Pause").press("Enter")
    await month.press("Home")
    await of_map.get_by_role("status").get_by_text("March 1994").wait_for()
    await of_map.get_by_text("As a table").click()
    await of_map.get_by_role("row").filter(has_text="Almaty").wait_for()
    await month.press("ArrowRight")
    await of_map.get_by_role("row").filter(has_text="Tashkent").wait_for()
    assert await of_map.get_by_role("row").count() == 1
    await analyst.page.wait_for_url(re.compile("play=1994-04"))
    await analyst.page.reload()
    await of_map.get_by_role("status").get_by_text("April 1994").wait_for()
    await of_map.get_by_text("As a table").click()
    await expect(of_map.get_by_role("row")).to_have_count(1)
    await of_map.get_by_role("button", name="Whole period").press("Enter")
    await of_map.get_by_role("row").nth(2).wait_for()


async def test_a_period_is_dragged_or_moved_by_keys(analyst: Console) -> None:
    await analyst.open(f"trends?{YEAR}&owner=KZ")
    chart = figure(analyst, "By month").get_by_role("img")
    box = await chart.bounding_box()
    assert box is not None
    mouse = analyst.page.mouse
    await mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 60)
    await mouse.down()
    await mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 60)
    await mouse.up()
    await analyst.page.wait_for_url(re.compile(r"from=(?!1994-01)[\d-]{7}&to=[\d-]{7}&owner=KZ"))
    begin = analyst.page.url.partition("from=")[2][:7]
    await expect(analyst.page.get_by_label("From month")).to_have_value(begin)

    await analyst.open(f"trends?{YEAR}&owner=KZ")
    keys, months = Keys(analyst), figure(analyst, "By month")
    await keys.press(months.get_by_role("slider", name="Beginning of the period"), "ArrowRight")
    await analyst.page.wait_for_url(re.compile("from=1994-04&to=1995-01&owner=KZ"))
    await keys.press(months.get_by_role("slider", name="End of the period"), "ArrowLeft")
    await analyst.page.wait_for_url(re.compile("from=1994-04&to=1994-(?!12-)[0-9]{2}&owner=KZ"))


def test_the_first_view_is_small() -> None:
    assert first_view_bytes() < FIRST_VIEW_KILOBYTES * 1000
