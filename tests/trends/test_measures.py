"""Every measure and every dimension over HTTP, and the rise that is found in time and in space."""

import pytest

from tests.exchange import Exchange
from tests.trends.conftest import Ask, seizure

YEAR = {"from_": "2003-01", "to": "2004-01"}
PLACES = (("41.31", "69.21"), ("39.65", "66.96"), ("38.86", "65.79"), ("42.46", "59.61"), ("40.78", "72.34"))
RISING = PLACES[4]


@pytest.fixture(scope="module", autouse=True)
def filed(exchange: Exchange) -> None:
    """UZ in 2003: five seizures a month, one in each place, and from September nine more a month in one of them."""
    records = []
    for month in range(1, 13):
        for place in (*PLACES, *((RISING,) * 9 if month > 8 else ())):
            point = {"lat": place[0], "lon": place[1], "accuracy_m": 500, "method": "MAP"}
            records.append(seizure("UZ-CUS", f"2003-{month:02}-14", ("heroin", "2", "kg", "PRES"), where_point=point))
    men = {"n": 2, "role": "CUR", "sex": "1", "age_band": "25-34", "nationality": "UZ"}
    tablets = ("ecstasy", "40", "tablet", "CONF")
    records.append(seizure("UZ-CUS", "2003-06-20", tablets, persons={"groups": [men], "arrested": 2}))
    verdicts = exchange.client("UZ-CUS").submit_batch([exchange.sign(record) for record in records], atomic=True)
    refused = [verdict.problem for verdict in verdicts if not verdict.accepted]
    assert not refused, refused


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ("seizures", {"seizures": 97}),
        ("items", {"items": 97}),
        ("kg", {"kg": "192", "kg_exact": "192", "n_unconvertible": 0}),
        ("tablets", {"tablets": "40"}),
        ("persons", {"persons": 2}),
        ("first", {"first": "2003-01"}),
    ],
)
def test_a_measure_of_a_year(ask: Ask, measure: str, told: dict) -> None:
    (cell,) = ask("UZ-CUS", by="year", measure=measure, **YEAR).json()["cells"]
    found = {name: cell[name] for name in told}
    if "kg" in told:  # tablets of no known mass, or of an assumed one
        assert (float(found["kg_exact"]), cell["kg_converted"] != "0") == (192, cell["n_unconvertible"] == 0)
    else:
        assert found == told


def test_a_quantity_is_told_by_its_unit_as_reported(ask: Ask) -> None:
    cells = ask("UZ-CUS", by="unit", measure="quantity", **YEAR).json()["cells"]
    assert {cell["key"]["unit"]: cell["quantity"] for cell in cells} == {"kg": "192", "tablet": "40"}


def test_the_first_of_each_is_the_month_of_its_earliest_record(ask: Ask) -> None:
    answer = ask("UZ-CUS", by="owner,group", measure="first", **YEAR).json()
    assert {c["key"]["group"]: c["first"] for c in answer["cells"]} == {
        "heroin-opiates": "2003-01",
        "ecstasy-type": "2003-06",
    }
    rows = ask("UZ-CUS", by="concealment", measure="first", group="ecstasy-type", **YEAR).json()
    assert {cell["first"] for cell in rows["cells"]} == {rows["total"]["first"]} == {"2003-06"}


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("month", 12), ("quarter", 4), ("year", 1), ("day", 13), ("owner", {"UZ"}), ("country", {"UZ"}), ("cell", 6),
        ("group", {"heroin-opiates", "ecstasy-type"}), ("substance", 2), ("status", {"PRES", "CONF"}),
        ("unit", {"kg", "tablet"}), ("transport", {"3"}), ("place_type", {"ROAD"}), ("concealment", {"LUG", "VFT"}),
        ("agency", {"UZ-CUS"}), ("agency_type", {"CU"}), ("admin1", None), ("rule", None), ("group,month", 13),
    ],
)  # fmt: skip
def test_a_dimension(ask: Ask, by: str, keys: object) -> None:
    cells = ask("UZ-CUS", by=by, **YEAR).json()["cells"]
    found = {tuple(cell["key"].values()) for cell in cells}
    assert len(found) == len(cells) > 0
    if isinstance(keys, set):
        assert found == {(key,) for key in keys}
    elif keys is not None:
        assert len(found) == keys


@pytest.mark.parametrize(("by", "keys"), [("sex", {"1"}), ("age_band", {"25-34"}), ("role", {"CUR"})])
def test_persons_by_what_is_told_of_them(ask: Ask, by: str, keys: set) -> None:
    cells = ask("UZ-CUS", by=by, measure="persons", **YEAR).json()["cells"]
    assert {cell["key"][by]: cell["persons"] for cell in cells} == dict.fromkeys(keys, 2)


def test_a_class_of_the_tree_holds_what_is_below_it(ask: Ask) -> None:
    cells = ask("UZ-CUS", by="substance", level="0", **YEAR).json()["cells"]
    assert sorted(cell["seizures"] for cell in cells) == [1, 96]


def test_a_change_of_the_level_is_told_with_its_place_and_its_gain(ask: Ask) -> None:
    (change,) = ask("UZ-CUS", by="month", changes="true", group="heroin-opiates", **YEAR).json()["changes"]["found"]
    assert (change["at"], change["before"], change["after"]) == ("2003-09", 5, 14)
    assert change["gain"] > 0


def test_a_hot_spot_is_where_more_are_seized_lately_than_the_season_gives(ask: Ask) -> None:
    answer = ask("UZ-CUS", "/v1/hotspots", group="heroin-opiates", **YEAR).json()
    cluster = answer["clusters"][0]
    assert (cluster["from"], cluster["observed"], cluster["significant"]) == ("2003-09", 40, True)
    assert cluster["p"] <= 0.05
    assert (answer["located"], answer["shuffles"]) == (96, 199)


@pytest.mark.parametrize("resolution", ["2", "4", "5"])
def test_a_coarser_cell_keeps_the_first_of_what_is_in_it(ask: Ask, resolution: str) -> None:
    asked = {"by": "cell", "measure": "first", "group": "heroin-opiates", "resolution": resolution}
    cells = ask("UZ-CUS", **asked, **YEAR).json()["cells"]
    assert cells
    assert {cell["first"] for cell in cells} == {"2003-01"}


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({"bbox": "72.2,40.6,72.5,40.9"}, 48),
        ({"bbox": "0,0,1,1"}, 0),
        ({"place_type": "ROAD"}, 97),
        ({"place_type": "AIRP"}, 0),
    ],
)
def test_a_filter_keeps_what_it_names_and_nothing_else(ask: Ask, filters: dict[str, str], number: int) -> None:
    answer = ask("UZ-CUS", by="year", **filters, **YEAR).json()
    assert [cell["seizures"] for cell in answer["cells"]] == ([number] if number else [])


def test_the_rules_that_are_told_are_those_that_gave_kilograms(ask: Ask) -> None:
    answer = ask("UZ-CUS", by="rule", **YEAR).json()
    gave = {cell["key"]["rule"] for cell in answer["cells"] if cell["kg"] != "0"}
    assert "mass" in gave
    assert gave <= {*answer["rules"]["exact"], *answer["rules"]["converted"]}
    assert bool(answer["rules"]["converted"]) == (answer["total"]["kg_converted"] != "0")


@pytest.mark.parametrize("path", ["/v1/flows", "/v1/hotspots"])
def test_routes_and_hot_spots_say_about_themselves_what_trends_say(ask: Ask, path: str) -> None:
    answer = ask("UZ-CUS", path, **YEAR).json()
    covered = {owner["owner"]: owner for owner in answer["coverage"]["owners"]}
    assert covered["UZ"]["reported"] == [["2003-01", "2003-12"]]
    assert answer["policy"]
    assert "of one event" in answer["counting_unit"]
    assert answer["caveats"]
