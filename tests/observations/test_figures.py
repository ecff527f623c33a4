"""Prices by period, and precursors, laboratories and products on one line of time."""

from typing import Any

import pytest
from sarhad.records import issue

from service.timelines.coupling import couplings
from tests.exchange import Exchange, heroin
from tests.observations.records import HEROIN, METH, PATHS, chemical, priced, record
from tests.seizures.wiring import Agency, refusal


@pytest.fixture
def customs(exchange: Exchange) -> Agency:
    return Agency(exchange, "AZ-CUS")


def file(agency: Agency, kind: str, **facets: Any) -> None:
    reply = agency.post(agency.sign(record(kind, agency.name, **facets)), PATHS[kind])
    assert reply.status == 201, reply.body


def test_prices_are_told_by_period_market_and_currency(customs: Agency) -> None:
    for day, typical in (("2024-04-02", "20"), ("2024-05-02", "30"), ("2024-06-02", "100")):
        prices = [priced(typical=typical, low=None, high=None, currency="AZN", n=2)]
        file(customs, "price_observation", items=prices, when_day=day)
    wholesale = [priced(level="WHOLESALE", currency="USD", low="8000", typical="9000", high="9500",
                        reported={"substance": "heroin", "quantity": "1", "unit": "kg"})]  # fmt: skip
    file(customs, "price_observation", items=wholesale, when_day="2024-05-20")
    found = customs.get("/v1/prices", "application/json", "analysis", **{"from": "2024-04", "to": "2024-07"}).json()
    retail, bulk = found["items"]
    assert (retail["period"], retail["level"], retail["currency"], retail["per"]) == (
        "2024-Q2", "RETAIL", "AZN", "kg",
    )  # fmt: skip
    assert (retail["observations"], retail["prices"]) == (3, 6)
    assert (retail["low"], retail["typical"], retail["high"]) == ("20000", "30000", "100000")
    assert (bulk["level"], bulk["low"], bulk["typical"], bulk["high"]) == ("WHOLESALE", "8000", "9000", "9500")
    one = customs.get("/v1/prices", level="RETAIL", currency="USD", owner="AZ", **{"from": "2024-04"}).json()
    assert one["items"] == []


def test_precursors_laboratories_and_seizures_stand_side_by_side(exchange: Exchange, customs: Agency) -> None:
    file(customs, "precursor_incident", when_day="2023-02-10", items=[chemical(), chemical(2, incident="SEIZED")])
    file(customs, "precursor_incident", when_day="2023-02-20", items=[chemical(incident="SEIZED")])
    customs.post(issue(customs.record_key, heroin("AZ-CUS", instant="2023-03-04T10:00:00+04:00")))
    period = {"from": "2023-01", "to": "2023-06", "owner": "AZ"}
    found = customs.get("/v1/timeline", purpose="analysis", product=HEROIN, **period).json()
    february, march = found["months"]
    assert february["precursors"]["incidents"] == 2
    assert february["precursors"]["by"]["SEIZED"] == {"incidents": 2, "kg": "2400", "unconvertible": 0}
    assert march["product"]["seizures"] == 1
    file(customs, "clandestine_laboratory", when_day="2023-04-04")
    (april,) = customs.get("/v1/timeline", purpose="analysis", product=METH, **period).json()["months"]
    assert (april["month"], april["laboratories"]) == ("2023-04", 1)


def test_what_cannot_be_asked(customs: Agency) -> None:
    period = {"from": "2023-01", "to": "2023-06"}
    ask = customs.get
    assert refusal(ask("/v1/timeline", product="SAR-999999", **period)) == (422, "unknown-label", "substance")
    assert refusal(ask("/v1/timeline", product="SAR-000021", **period)) == (422, "no-coupling", "product")
    backwards = {"from": "2023-06", "to": "2023-01"}
    assert refusal(ask("/v1/timeline", product=HEROIN, **backwards)) == (422, "impossible-period", "to")
    assert ask("/v1/prices", substance="SAR-999999").problem == "unknown-substance-filter"


def test_the_table_of_precursors_names_entries_and_sources(customs: Agency) -> None:
    for product, precursor, source in couplings():
        assert source
        for code in (product, precursor):
            assert customs.get(f"/v1/substances/{code}").json()["code"] == code
