"""An event that two countries reported counts once for who sees both reports, and for everybody else as it is seen."""

import pytest

from tests.exchange import Exchange
from tests.links.wiring import confirmed
from tests.trends.conftest import Ask, seizure

PERIOD = {"from_": "1990-01", "to": "1991-01"}
TILE = "/ogc/collections/cells/items"
POINTS = {"KZ": {"lat": "42.31", "lon": "69.61"}, "UZ": {"lat": "41.31", "lon": "69.21"}}


@pytest.fixture(scope="module", autouse=True)
def linked(exchange: Exchange) -> None:
    """KZ reported 12 kg and 2 men, UZ 11.9 kg and 3 men of one event, and each something else and a woman. KG sees
    both, TJ the reports of UZ only, RU both but not the persons of KZ.
    """
    rule = {"effect": "permit", "handling_up_to": "TLP:AMBER", "time": "month", "place": "cell"}
    items, both = {"facets": ["items"]}, {"facets": ["items", "persons"]}
    exchange.adopt(
        "KZ",
        {"id": "kg", **rule, **both, "audience": {"countries": ["KG"]}},
        {"id": "ru", **rule, **items, "audience": {"countries": ["RU"]}},
    )
    exchange.adopt("UZ", {"id": "both", **rule, **both, "audience": {"countries": ["KG", "TJ", "RU"]}})
    ids = {}
    for country, kg, men in (("KZ", "12", 2), ("UZ", "11.9", 3)):
        for day, amount, sex, n in (("1990-03-14", kg, "1", men), ("1990-05-01", "1", "2", 1)):
            point = POINTS[country] | {"accuracy_m": 500, "method": "MAP"}
            couriers = {"n": n, "role": "CUR", "sex": sex, "age_band": "25-34", "nationality": country}
            people = {"groups": [couriers], "arrested": n}
            item = ("heroin", amount, "kg", "PRES")
            record = seizure(f"{country}-CUS", day, item, where_point=point, persons=people)
            exchange.client(f"{country}-CUS").submit(exchange.sign(record))
            ids.setdefault(country, record.id)
    confirmed(exchange.settings, ids["KZ"], ids["UZ"])


@pytest.mark.parametrize("by", ["month", "substance", "day", "owner,month", "concealment", "status", "admin1"])
def test_who_sees_both_reports_counts_one_event(ask: Ask, by: str) -> None:
    """The heavier report stands for the event, whichever grain answers, or the rows."""
    answer = ask("KG-CUS", by=by, group="heroin-opiates", **PERIOD).json()
    assert (answer["total"]["seizures"], answer["total"]["kg"]) == (3, "14")
    assert sum(cell["seizures"] for cell in answer["cells"]) == 3
    assert "of one event" in answer["counting_unit"]


def test_the_other_report_is_in_no_cell(ask: Ask) -> None:
    cells = ask("KG-CUS", by="owner,month", **PERIOD).json()["cells"]
    assert {tuple(cell["key"].values()): cell["seizures"] for cell in cells} == {
        ("KZ", "1990-03"): 1, ("KZ", "1990-05"): 1, ("UZ", "1990-05"): 1,
    }  # fmt: skip


def test_who_sees_one_report_counts_it(ask: Ask) -> None:
    for name in ("TJ-CUS", "UZ-CUS"):
        answer = ask(name, by="month", owner="UZ", **PERIOD).json()
        assert (answer["total"]["seizures"], answer["total"]["kg"]) == (2, "12.9")


@pytest.mark.parametrize(
    ("name", "men", "women", "of"),
    [
        ("KG-CUS", 2, 2, "those of the heavier report"),
        ("TJ-CUS", 3, 1, "of the one report that it sees"),
        ("RU-CUS", 0, 1, "those of the heavier report are withheld, and the other's are of the same event"),
        ("KZ-CUS", 2, 1, "its own"),
    ],
)
@pytest.mark.parametrize("by", ["sex", "month,sex", "country,sex", "owner,sex", "age_band,sex"])
def test_persons_of_one_event_count_once(ask: Ask, name: str, men: int, women: int, of: str, by: str) -> None:
    answer = ask(name, by=by, measure="persons", **PERIOD).json()
    found = {"1": 0, "2": 0}
    for cell in answer["cells"]:
        assert cell["persons"] > 0, "an empty cell would tell that something was taken out"
        found[cell["key"]["sex"]] += cell["persons"]
    assert found == {"1": men, "2": women}, of
    assert answer["total"]["persons"] == men + women
    assert "of one event" in answer["counting_unit"]


def test_a_map_counts_it_once_too(ask: Ask) -> None:
    when = {"datetime": "1990-01-01/1990-12-31", "group": "heroin-opiates"}
    features = ask("KG-CUS", TILE, **when).json()["features"]
    assert sum(f["properties"]["seizures"] for f in features) == 3
    assert sum(f["properties"]["kg"] for f in features) == 14
