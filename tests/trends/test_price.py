"""Quartiles of prices: of what is shared, per level of the market, currency and unit, and of one substance or group."""

from typing import Any

import pytest

from tests.exchange import Exchange
from tests.observations.records import PATHS, priced, record
from tests.seizures.wiring import Agency
from tests.trends.conftest import Ask

PERIOD = {"from_": "2018-01", "to": "2019-01", "measure": "price"}
HASHISH = {"substance": "hashish", "quantity": "1", "unit": "kg"}
TABLET = {"substance": "ecstasy", "quantity": "2", "unit": "tablet"}


@pytest.fixture(scope="module", autouse=True)
def observed(exchange: Exchange) -> None:
    """Prices of KG: RU is given items, UZ only that there are such records, TJ nothing."""
    audience: dict[str, Any] = {
        "effect": "permit",
        "handling_up_to": "TLP:AMBER",
        "kinds": ["price_observation"],
        "time": "month",
        "place": "country",
    }
    exchange.adopt(
        "KG",
        *(
            {"id": c.lower(), **audience, "audience": {"countries": [c]}, "facets": facets}
            for c, facets in {"RU": ["items"], "UZ": []}.items()
        ),
    )
    customs = Agency(exchange, "KG-CUS")

    def file(day: str, *items: dict[str, Any]) -> None:
        reply = customs.post(
            customs.sign(record("price_observation", "KG-CUS", when_day=day, items=list(items))),
            PATHS["price_observation"],
        )
        assert reply.status == 201, reply.body

    def gram(typical: str, **members: Any) -> dict[str, Any]:
        return priced(typical=typical, **{"low": None, "high": None, "currency": "KGS", **members})

    for day, typical in (("2018-03-20", "10"), ("2018-03-21", "20"), ("2018-03-22", "40"), ("2018-05-02", "50")):
        file(day, gram(typical))
    file("2018-03-23", gram("3", currency="USD"), gram("7", line=2, level="WHOLESALE"))
    file("2018-05-03", gram("900", substance="SAR-000021", reported=HASHISH))
    file("2018-05-04", gram("30", substance=None, reported=TABLET))


def test_quartiles_per_level_currency_and_unit_and_never_across(ask: Ask) -> None:
    answer = ask("RU-CUS", by="month,substance", group="heroin-opiates", **PERIOD).json()
    retail = {"level": "RETAIL", "currency": "KGS", "per": "kg"}
    assert answer["cells"] == [
        {
            "key": {"month": "2018-03", "substance": "SAR-000608"},
            "price": [
                {**retail, "n": 3, "observations": 3, "q1": "15000", "median": "20000", "q3": "30000"},
                {**retail, "currency": "USD", "n": 1, "observations": 1, "q1": "3000", "median": "3000", "q3": "3000"},
                {**retail, "level": "WHOLESALE", "n": 1, "observations": 1, "q1": "7000", "median": "7000",
                 "q3": "7000"},
            ],
        },
        {
            "key": {"month": "2018-05", "substance": "SAR-000608"},
            "price": [{**retail, "n": 1, "observations": 1, "q1": "50000", "median": "50000", "q3": "50000"}],
        },
    ]  # fmt: skip
    assert answer["policy"]
    assert answer["coverage"]["owners"]
    assert "for a kilogram, or for one unit" in answer["counting_unit"]


def test_what_no_rule_converts_is_priced_by_its_own_unit(ask: Ask) -> None:
    cells = ask("KG-CUS", by="substance", **PERIOD).json()["cells"]
    found = {cell["key"]["substance"]: {entry["per"] for entry in cell["price"]} for cell in cells}
    assert found["SAR-000608"] == {"kg"}
    assert len(found) == 3, "each substance by itself"


def test_prices_that_are_not_given_are_in_no_quartile(ask: Ask) -> None:
    for name in ("UZ-CUS", "TJ-CUS"):
        assert ask(name, by="year", group="heroin-opiates", **PERIOD).json()["cells"] == []
    (cell,) = ask("KG-CUS", by="year", group="heroin-opiates", **PERIOD).json()["cells"]
    assert sum(entry["n"] for entry in cell["price"]) == 6


@pytest.mark.parametrize(
    "params",
    [
        {"by": "admin1,substance"},
        {"by": "substance", "transport": "3"},
        {"by": "substance", "measure": "price,kg"},
        {"by": "month,substance", "changes": "true"},
        {"by": "substance", "compare": "previous"},
        {"by": "month"},
        {"by": "day", "group": "heroin-opiates"},
    ],
)
def test_what_prices_are_not_known_by_is_refused(ask: Ask, params: dict[str, str]) -> None:
    assert ask("RU-CUS", **{**PERIOD, **params}).json()["type"] == "/problems/impossible-combination"
