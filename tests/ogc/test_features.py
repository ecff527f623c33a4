"""OGC API Features: what a page holds, what a filter sees, and what is refused before any work."""

from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest

from service.ogc.cql import MOST_BYTES, FilterTooLarge, condition
from tests.exchange import Exchange
from tests.ogc.conftest import Ask

ITEMS = "/ogc/collections/seizures/items"
YEAR = 1996
PERIOD = {"datetime": "1996-01-01T00:00:00Z/1996-12-31T00:00:00Z"}


def ids(answer: dict) -> set[str]:
    return {feature["id"] for feature in answer["features"]}


def test_what_must_not_be_exported_is_on_no_map(ask: Ask, exchange: Exchange, filed: list[str]) -> None:
    """UZ reads it in the exchange; GIS makes files."""
    read = exchange.client("UZ-CUS", "analysis").search(from_="1996-01-01T00:00:00Z", to="1997-01-01T00:00:00Z").items
    assert {record["id"] for record in read} >= {id_ for n, id_ in enumerate(filed) if n % 3 == 0}
    assert ids(ask("UZ-CUS", ITEMS, filter="owner = 'TM'", **PERIOD).json()) == set()
    assert ask("UZ-CUS", f"{ITEMS}/{filed[0]}").status_code == 404


def test_a_feature_shows_what_the_policy_gives_and_nothing_else(ask: Ask, filed: list[str]) -> None:
    answer = ask("KG-CUS", ITEMS, **PERIOD).json()
    assert ids(answer) == {id_ for n, id_ in enumerate(filed) if n % 3 < 2}, "what has no place for you is not on a map"
    point = next(f for f in answer["features"] if f["id"] == filed[0])
    cell = next(f for f in answer["features"] if f["id"] == filed[1])
    assert point["geometry"]["coordinates"] == [58.07, 38.01]
    assert point["properties"] | {"agency": "", "handling": ""} == {
        "at": "1996-01-10T00:00:00Z", "at_precision": "day", "precision": "point", "owner": "TM", "agency": "",
        "handling": "", "country": "TM", "admin1": point["properties"]["admin1"], "transport": "3",
        "place_type": "ROAD", "concealment": "LUG,VFT", "substances": "SAR-000608,SAR-000566", "lines": 2, "kg": 2.5,
        "obligations": None,
    }  # fmt: skip
    assert cell["properties"]["precision"] == "cell"
    assert cell["geometry"]["coordinates"] != [58.17, 38.11]
    assert cell["properties"]["transport"] is None
    assert ask("RU-CUS", ITEMS, **PERIOD).json()["features"] == []


def test_pages_hold_every_feature_once(ask: Ask, filed: list[str]) -> None:
    found: list[str] = []
    params = {"limit": "2", **PERIOD}
    while True:
        answer = ask("KG-CUS", ITEMS, **params).json()
        found += [feature["id"] for feature in answer["features"]]
        following = [link["href"] for link in answer["links"] if link["rel"] == "next"]
        if not following:
            break
        params["cursor"] = following[0].rsplit("cursor=", 1)[1]
    assert sorted(found) == sorted(id_ for n, id_ in enumerate(filed) if n % 3 < 2)
    assert ask("KG-CUS", ITEMS, **{**params, "limit": "3"}).status_code == 200, "the size of a page may change"
    assert ask("KG-CUS", ITEMS, cursor=params["cursor"]).json()["type"] == "/problems/invalid-cursor"
    assert ask("TM-CUS", ITEMS, **params).json()["type"] == "/problems/invalid-cursor"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("owner = 'TM'", {0, 1, 3, 4, 6, 7}),
        ("precision = 'point' AND kg > 4", {3, 6}),
        ("precision = 'cell' OR precision = 'point' AND kg > 4", {1, 3, 4, 6, 7}),
        ("NOT (kg BETWEEN 2 AND 6)", {4, 6, 7}),
        ("transport IS NULL", {1, 4, 7}),
        ("NOT transport IS NULL", {0, 3, 6}),
        ("transport = '3'", {0, 3, 6}),
        ("substances LIKE '%SAR-000566%' AND kg IN (2.5, 5.5)", {0, 3}),
        ("CASEI(place_type) = CASEI('road')", {0, 3, 6}),
        ("at >= TIMESTAMP('1996-01-13T00:00:00Z') AND at < DATE('1996-02-01')", {3, 6}),
        ("S_INTERSECTS(geometry, BBOX(58, 38, 58.4, 38.4)) AND precision = 'point'", {0, 3}),
        ("S_INTERSECTS(geometry, POLYGON((58 38, 58.5 38, 58.5 38.5, 58 38))) AND precision = 'point'", {0, 3}),
        ("kg < 3 AND country = 'TM' AND at_precision = 'day' AND lines = 2 AND obligations IS NULL", {0}),
        ("false", set()),
    ],
)
def test_cql2_acts_on_disclosed_values(ask: Ask, filed: list[str], text: str, numbers: set[int]) -> None:
    answer = ask("KG-CUS", ITEMS, filter=text, **PERIOD)
    assert answer.status_code == 200, answer.text
    assert ids(answer.json()) == {filed[n] for n in numbers}


def test_a_hidden_point_cannot_be_found_by_halving(ask: Ask, filed: list[str]) -> None:
    """Around the exact place of a record of which KG is given the cell there is nothing; the owner finds it."""
    around = "S_INTERSECTS(geometry, BBOX(58.169, 38.109, 58.171, 38.111))"
    assert ids(ask("KG-CUS", ITEMS, filter=around, **PERIOD).json()) == set()
    assert ids(ask("KG-CUS", ITEMS, bbox="58.169,38.109,58.171,38.111", **PERIOD).json()) == set()
    assert ids(ask("TM-CUS", ITEMS, filter=around, **PERIOD).json()) == {filed[1]}


def test_a_hidden_column_is_refused_in_the_words_of_an_unknown_one(ask: Ask) -> None:
    answers = [
        ask("KG-CUS", ITEMS, filter=f"{name} = 'x'") for name in ("colour", "jwt", "scope_id", "narrative", "mask")
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["type"] == "/problems/unknown-queryable"
    assert set(answers[0].json()["expected"]) == set(
        ask("KG-CUS", "/ogc/collections/seizures/queryables").json()["properties"]
    )


POLYGON = "S_INTERSECTS(geometry, POLYGON((" + ",".join(f"{n / 1000} 1" for n in range(700)) + ",0 1)))"


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"limit": "unlimited"}, "invalid-parameter"),
        ({"limit": "0"}, "invalid-parameter"),
        ({"ooga": "booga"}, "invalid-parameter"),
        ({"bbox": "1,2,3"}, "invalid-parameter"),
        ({"bbox": "1,50,3,40"}, "invalid-parameter"),
        ({"bbox": "nan,nan,nan,nan"}, "invalid-parameter"),
        ({"datetime": "yesterday"}, "invalid-parameter"),
        ({"datetime": "1996-02-01T00:00:00Z/1996-01-01T00:00:00Z"}, "invalid-parameter"),
        ({"datetime": ".."}, "invalid-parameter"),
        ({"crs": "http://www.opengis.net/def/crs/EPSG/0/28406"}, "invalid-parameter"),
        ({"filter_lang": "cql2-json"}, "invalid-parameter"),
        ({"cursor": "AAAA"}, "invalid-cursor"),
        ({"filter": "owner ="}, "invalid-filter"),
        ({"filter": "owner"}, "invalid-filter"),
        ({"filter": "owner = 3"}, "invalid-filter"),
        ({"filter": "kg > 'x'"}, "invalid-filter"),
        ({"filter": "at > 'x'"}, "invalid-filter"),
        ({"filter": "pg_sleep(9) = 1"}, "invalid-filter"),
        ({"filter": "geometry = 'x'"}, "invalid-filter"),
        ({"filter": "kg + 1 > 2"}, "invalid-filter"),
        ({"filter": "S_INTERSECTS(geometry, POINT(200 1))"}, "invalid-filter"),
        ({"filter": "S_INTERSECTS(owner, POINT(20 1))"}, "invalid-filter"),
        ({"filter": "S_INTERSECTS(geometry, POLYGON((60 35 1, 61 35, 61 36, 60 35)))"}, "invalid-filter"),
        ({"filter": POLYGON}, "filter-too-large"),
        ({"filter": "S_INTERSECTS(geometry, POLYGON((" + "1 1," * 4000 + "1 1)))"}, "filter-too-large"),
        ({"filter": "(" * 900 + "owner = 'TM'" + ")" * 900}, "filter-too-large"),
        ({"filter": "(" * 24 + "a"}, "filter-too-large"),  # each bracket that is not closed would double the time
        ({"filter": "(owner = 'TM' AND " * 16 + "kg =" + ")" * 16}, "filter-too-large"),
        ({"filter": "(" * 8 + "kg = 1 AND " * 700 + "kg =" + ")" * 8}, "filter-too-large"),
        ({"filter": "NOT " * 900 + "owner = 'TM'"}, "filter-too-large"),
        ({"filter": "-" * 900 + "1 = kg"}, "filter-too-large"),
        ({"filter": " AND ".join(["owner = 'TM'"] * 200)}, "filter-too-large"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_says_why(ask: Ask, params: dict[str, str], kind: str) -> None:
    refused = ask("KG-CUS", ITEMS, **params)
    assert (refused.status_code, refused.json()["type"]) == (400, f"/problems/{kind}")
    assert refused.json()["parameter"] if kind != "invalid-cursor" else refused.json()["detail"]


MILLION = "S_INTERSECTS(geometry, POLYGON((" + "1 1," * 1_000_000 + "1 1)))"


def test_a_polygon_of_a_million_vertices_is_refused_before_it_is_read() -> None:
    with pytest.raises(FilterTooLarge) as refused:
        condition(MILLION, {})
    assert refused.value.as_document()["expected"] == f"<= {MOST_BYTES} bytes"


def test_a_request_line_of_megabytes_keeps_nobody_waiting(exchange: Exchange, ask: Ask) -> None:
    """Nothing of the exchange sees it: the server hangs up, or says that it is too long."""
    where = urlsplit(exchange.settings.origin)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        connection.request("GET", f"{ITEMS}?filter={quote(MILLION)}")
        status = connection.getresponse().status
    except OSError:
        status = None
    assert status in (None, 400, 414, 431)
    assert ask("KG-CUS", ITEMS, **PERIOD).status_code == 200


def test_one_feature_and_its_absence(ask: Ask, filed: list[str]) -> None:
    shown = ask("KG-CUS", f"{ITEMS}/{filed[0]}").json()
    assert shown["id"] == filed[0]
    hidden, absent = (
        ask("KG-CUS", f"{ITEMS}/{filed[2]}"),
        ask("KG-CUS", f"{ITEMS}/8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"),
    )
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content) == (404, absent.content)


def test_coordinates_turn_with_the_reference_system(ask: Ask, filed: list[str]) -> None:
    there = "http://www.opengis.net/def/crs/EPSG/0/4326"
    answer = ask("KG-CUS", ITEMS, bbox="38,58,38.02,58.1", bbox_crs=there, crs=there, **PERIOD)
    (feature,) = answer.json()["features"]
    assert feature["geometry"]["coordinates"] == [38.01, 58.07]
    assert answer.headers["content-crs"] == f"<{there}>"


def test_cells_sum_what_is_given_with_its_cell(ask: Ask) -> None:
    answer = ask(
        "KG-CUS", "/ogc/collections/cells/items", group="heroin-opiates", owner="TM", resolution="2", **PERIOD
    ).json()
    assert sum(f["properties"]["seizures"] for f in answer["features"]) == 6
    assert sum(f["properties"]["kg"] for f in answer["features"]) == 1.5 + 2.5 + 4.5 + 5.5 + 7.5 + 8.5
    assert ask("KG-CUS", "/ogc/collections/cells/items", group="sweets").json()["type"] == "/problems/unknown-label"
    one = answer["features"][0]["id"]
    assert ask("KG-CUS", f"/ogc/collections/cells/items/{one}").json()["id"] == one


def test_pages_of_cells_hold_every_cell_once(ask: Ask) -> None:
    where, asked = "/ogc/collections/cells/items", {"owner": "TM", "bbox": "57,37,60,40", **PERIOD}
    whole = [feature["id"] for feature in ask("KG-CUS", where, **asked).json()["features"]]
    found: list[str] = []
    following: list[str] = [""]
    while following:
        cursor = {"cursor": following[0].rsplit("cursor=", 1)[1]} if following[0] else {}
        answer = ask("KG-CUS", where, limit="4", **asked, **cursor).json()
        assert len(answer["features"]) <= 4
        found += [feature["id"] for feature in answer["features"]]
        following = [link["href"] for link in answer["links"] if link["rel"] == "next"]
    assert found == whole
    assert len(whole) > 4


def test_flows_are_lines_between_countries(ask: Ask) -> None:
    (flow,) = ask("KG-CUS", "/ogc/collections/flows/items", owner="TM", **PERIOD).json()["features"]
    assert flow["id"] == "AF-TJ-RU-SUSPECTED"
    assert flow["properties"]["seizures"] == 3
    assert len(flow["geometry"]["coordinates"]) == 49


def test_the_tree_is_the_same_for_everybody_and_links_within_itself(ask: Ask) -> None:
    for path in ("", "/api", "/conformance", "/collections", "/collections/cells", "/tileMatrixSets/WebMercatorQuad"):
        first, other = (ask(name, f"/ogc{path}") for name in ("KG-CUS", "RU-CUS"))
        assert first.status_code == 200
        assert first.content == other.content
    assert ask("KG-CUS", "/ogc/collections/letters").json()["type"] == "/problems/no-such-collection"
    assert ask("KG-CUS", "/ogc/collections/cells/queryables").status_code == 404
    assert ask("KG-CUS", "/ogc/collections", page="2").status_code == 400
