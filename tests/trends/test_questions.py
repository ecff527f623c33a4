"""Questions over HTTP: what they count, what they refuse, and what they say about themselves."""

import pytest
from sarhad.records import zero
from sqlalchemy import create_engine, text

from tests.exchange import Exchange
from tests.trends.conftest import Ask, seizure

MIXED = (("heroin", "1.5", "kg", "PRES"), ("heroin", "100", "g", "CONF"), ("opium", "7", "g", "CONF"))
PERIOD = {"from_": "1991-01", "to": "1992-01"}


@pytest.fixture(scope="module", autouse=True)
def filed(exchange: Exchange) -> None:
    """Two mixed seizures, one of tablets, one hidden; shared with KG by month, and with TJ without items or time."""
    audience = {"effect": "permit", "handling_up_to": "TLP:GREEN"}
    exchange.adopt(
        "KZ",
        {
            "id": "kg",
            **audience,
            "audience": {"countries": ["KG"]},
            "time": "month",
            "place": "admin1",
            "facets": ["items"],
        },
        {"id": "tj", **audience, "audience": {"countries": ["TJ"]}, "place": "country"},
    )
    client = exchange.client("KZ-CUS")
    for record in (
        seizure("KZ-CUS", "1991-03-14", *MIXED, handling="TLP:GREEN"),
        seizure("KZ-CUS", "1991-03-20", *MIXED, handling="TLP:GREEN"),
        seizure("KZ-CUS", "1991-05-01", ("ecstasy", "40", "tablet", "PRES"), handling="TLP:GREEN"),
        seizure("KZ-CUS", "1991-05-02", ("heroin", "900", "kg", "PRES"), handling="TLP:RED"),
    ):
        client.submit(exchange.sign(record))


def cells(answer: dict) -> dict:
    return {tuple(cell["key"].values()): cell for cell in answer["cells"]}


def test_a_record_with_three_lines_is_one_seizure(ask: Ask) -> None:
    answer = ask("KG-CUS", by="month", **PERIOD).json()
    assert {key: cell["seizures"] for key, cell in cells(answer).items()} == {("1991-03",): 2, ("1991-05",): 1}
    assert answer["total"]["seizures"] == 3
    by_substance = cells(ask("KG-CUS", by="substance", group="heroin-opiates", **PERIOD).json())
    (heroin,) = by_substance.values()
    assert heroin["seizures"] == 2
    assert (heroin["kg"], heroin["kg_exact"], heroin["pct_confirmed"]) == ("3.2", "3.2", "50.0")


def test_a_class_counts_what_is_below_it_once(ask: Ask) -> None:
    answer = ask("KG-CUS", by="substance", level="0", **PERIOD).json()
    assert sum(cell["seizures"] for cell in answer["cells"]) >= answer["total"]["seizures"] == 3


def test_the_owner_sees_what_it_keeps_to_itself_and_nobody_else_does(ask: Ask) -> None:
    assert ask("KZ-CUS", by="month", **PERIOD).json()["total"]["kg"].startswith("903.")
    assert ask("KG-CUS", by="month", **PERIOD).json()["total"]["kg"].startswith("3.")
    assert ask("RU-CUS", by="month", **PERIOD).json()["cells"] == []


def test_who_is_given_no_time_and_no_items_counts_records_without_either(ask: Ask) -> None:
    assert ask("TJ-CUS", by="month", **PERIOD).json()["cells"] == []
    undated = cells(ask("TJ-CUS", by="month", owner="KZ").json())
    assert undated[None,]["seizures"] >= 3
    assert undated[None,]["kg"] == "0"
    assert ask("TJ-CUS", by="substance", owner="KZ").json()["cells"] == []


def test_kilograms_say_how_they_came_about(ask: Ask) -> None:
    answer = ask("KG-CUS", by="rule", **PERIOD).json()
    assert "mass" in {cell["key"]["rule"] for cell in answer["cells"]}
    assert answer["rules"]["exact"] == ["mass", "measured-mass", "named-mass"]
    assert set(answer["total"]) >= {"kg_exact", "kg_converted", "n_unconvertible", "pct_confirmed"}
    assert answer["policy"]
    assert answer["counting_unit"].startswith("One seizure is one record")


def test_coverage_tells_silences_apart(ask: Ask, exchange: Exchange) -> None:
    """KZ reported, UZ said that there was nothing, TM shares and said nothing, TJ shares nothing."""
    rule = {"id": "kg", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
            "facets": ["items"], "time": "month"}  # fmt: skip
    for country in ("UZ", "TM"):
        exchange.adopt(country, rule)
    exchange.adopt("TJ")
    none = zero("UZ-CUS", reference="T-1991-07", country="UZ", month="1991-07")
    exchange.client("UZ-CUS").submit(exchange.sign(none))
    covered = ask("KG-CUS", by="month", **PERIOD).json()["coverage"]["owners"]
    told = {entry["owner"]: (entry["shares"], entry["reported"], entry["zero"]) for entry in covered}
    assert told["KZ"] == (True, [["1991-03", "1991-03"], ["1991-05", "1991-05"]], [])
    assert told["UZ"] == (True, [], [["1991-07", "1991-07"]])
    assert told["TM"] == (True, [], [])
    assert told["TJ"] == (False, [], [])
    assert told["KG"][0] is True, "its own records"


def test_what_a_record_has_several_of_counts_in_each(ask: Ask) -> None:
    answer = ask("KZ-CUS", by="concealment", **PERIOD).json()
    assert {cell["key"]["concealment"]: cell["seizures"] for cell in answer["cells"]} == {"LUG": 4, "VFT": 4}
    assert answer["total"]["seizures"] == 4
    assert any("concealment" in caveat for caveat in answer["caveats"])


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"by": "colour"}, "unknown-dimension"),
        ({"by": ""}, "impossible-combination"),
        ({"by": "month,year"}, "impossible-combination"),
        ({"by": "month,owner,country"}, "impossible-combination"),
        ({"by": "day"}, "impossible-period"),
        ({"by": "day", "from_": "2001-01", "to": "2011-01"}, "impossible-period"),
        ({"by": "month", "measure": "litres"}, "unknown-measure"),
        ({"by": "month", "measure": "quantity"}, "impossible-combination"),
        ({"by": "sex"}, "impossible-combination"),
        ({"from_": "2001-02", "to": "2001-01"}, "impossible-period"),
        ({"substance": "SAR-999999"}, "unknown-label"),
        ({"group": "sweets"}, "unknown-label"),
        ({"bbox": "1,2,3"}, "invalid-box"),
        ({"hidden": "1"}, "invalid-request"),
        ({"compare": "previous"}, "impossible-period"),
        ({"by": "month", "changes": "true", "from_": "1970-01", "to": "2100-01"}, "impossible-period"),
        ({"by": "quarter", "compare": "norm", "from_": "2001-02", "to": "2001-06"}, "impossible-period"),
        ({"by": "group", "changes": "true"}, "impossible-combination"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_and_says_why(ask: Ask, params: dict, kind: str) -> None:
    refused = ask("KG-CUS", **params)
    assert refused.json()["type"] == f"/problems/{kind}"
    assert refused.status_code in (400, 422)
    assert refused.json()["detail"]


def test_the_period_before_stands_beside_each_cell(ask: Ask) -> None:
    answer = ask("KG-CUS", by="month", from_="1991-05", to="1991-07", compare="previous").json()
    assert {c["key"]["month"]: c["previous"] and c["previous"]["seizures"] for c in answer["cells"]} == {"1991-05": 2}


def test_what_is_usual_for_the_unit_stands_beside_each_cell(ask: Ask) -> None:
    answer = ask("KG-CUS", by="quarter", from_="1991-04", to="1991-07", compare="norm").json()
    (cell,) = answer["cells"]
    assert cell["norm"]["periods"] == 12
    assert cell["norm"]["median"] == 0


def test_changes_name_their_method(ask: Ask) -> None:
    answer = ask("KG-CUS", by="month", changes="true", **PERIOD).json()
    assert "Jackson" in answer["changes"]["method"]
    assert answer["changes"]["found"] == []


def test_flows_tell_routes_as_reported(ask: Ask, exchange: Exchange) -> None:
    route = [
        {"role": "DEPARTURE", "country": "AF", "certainty": "KNOWN"},
        {"role": "TRANSIT", "country": "TJ", "certainty": "SUSPECTED"},
        {"role": "DESTINATION", "country": "RU", "certainty": "KNOWN"},
    ]
    record = seizure("KZ-CUS", "1993-03-14", MIXED[0], handling="TLP:GREEN", route=route)
    exchange.client("KZ-CUS").submit(exchange.sign(record))
    period = {"from_": "1993-01", "to": "1994-01"}
    (flow,) = ask("KZ-CUS", "/v1/flows", **period).json()["flows"]
    assert (flow["origin"], flow["transit"], flow["destination"]) == ("AF", ["TJ"], "RU")
    assert (flow["certainty"], flow["seizures"], flow["kg"]) == ("SUSPECTED", 1, "1.5")
    (hidden,) = ask("KG-CUS", "/v1/flows", **period).json()["flows"]
    assert (hidden["origin"], hidden["transit"], hidden["seizures"]) == (None, None, 1), "its route is withheld"
    exchange.client("KZ-CUS").submit(exchange.sign(seizure("KZ-CUS", "1994-03-14", MIXED[0], handling="TLP:GREEN")))
    (unstated,) = ask("KZ-CUS", "/v1/flows", from_="1994-01", to="1995-01").json()["flows"]
    assert (unstated["origin"], unstated["transit"], unstated["certainty"]) == ("", [], "")
    for certainty, number in (("KNOWN", 0), ("SUSPECTED", 1)):
        assert len(ask("KZ-CUS", "/v1/flows", certainty=certainty, **period).json()["flows"]) == number
        logged = "SELECT records FROM core.access WHERE route = '/v1/flows' ORDER BY at DESC LIMIT 1"
        with create_engine(exchange.settings.database_as()).connect() as connection:
            assert connection.scalar(text(logged)) == number, "what is left out is not counted"


def test_hot_spots_say_how_significant_they_are(ask: Ask) -> None:
    answer = ask("KZ-CUS", "/v1/hotspots", **PERIOD).json()
    assert answer["clusters"] == []
    assert answer["shuffles"] == 199
    assert answer["not_located"] == 4, "none of these has a place"
    assert ask("KZ-CUS", "/v1/hotspots").json()["type"] == "/problems/invalid-request"
    assert ask("KZ-CUS", "/v1/hotspots", from_="1991-01-02", to="1992-01").json()["type"].endswith("impossible-period")


def test_an_answer_names_what_it_heeded(ask: Ask) -> None:
    for by, heeded in (("month", set()), ("cell", {"resolution"}), ("substance", {"level"})):
        question = ask("KG-CUS", by=by, resolution="3", level="1", **PERIOD).json()["question"]
        assert question.keys() & {"resolution", "level"} == heeded
