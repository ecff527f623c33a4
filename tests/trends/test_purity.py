"""Quartiles of purity: of what is shared, per unit and basis, and nothing without a purpose to know it."""

from typing import Any

import pytest

from tests.analyses.laboratory import Laboratory
from tests.exchange import Exchange
from tests.trends.conftest import Ask

PERIOD = {"from_": "2019-01", "to": "2020-01", "measure": "purity"}
CONTENTS = (("2019-03-20", "10"), ("2019-03-21", "20"), ("2019-03-22", "40"), ("2019-05-02", "50"))


@pytest.fixture(scope="module", autouse=True)
def examined(exchange: Exchange) -> None:
    """Four analyses of UZ-LAB: KG is given purity and items, TJ items without purity, RU nothing."""
    audience: dict[str, Any] = {
        "effect": "permit",
        "handling_up_to": "TLP:AMBER",
        "kinds": ["analysis"],
        "time": "month",
    }
    facets = {"KG": ["items", "laboratory", "purity"], "TJ": ["items", "laboratory"]}
    exchange.adopt(
        "UZ", *({"id": c.lower(), **audience, "audience": {"countries": [c]}, "facets": f} for c, f in facets.items())
    )
    reviewer = exchange.region.profiles[exchange.add_holder("UZ-LAB/reviewer")].load_record_key()
    laboratory = Laboratory(exchange, "UZ-LAB", reviewer)
    for day, value in CONTENTS:
        content = {"line": 1, "value": value, "unit": "%", "basis": "AS_BASE"}
        reply = laboratory.file(laboratory.found(day=day, purity=[content]))
        assert reply.status == 201, reply.body


def test_quartiles_per_month_unit_and_basis(ask: Ask) -> None:
    answer = ask("KG-CUS", by="month", **PERIOD).json()
    assert answer["cells"] == [
        {
            "key": {"month": "2019-03"},
            "purity": [
                {"unit": "%", "basis": "AS_BASE", "n": 3, "analyses": 3, "q1": "15", "median": "20", "q3": "30"}
            ],
        },
        {
            "key": {"month": "2019-05"},
            "purity": [
                {"unit": "%", "basis": "AS_BASE", "n": 1, "analyses": 1, "q1": "50", "median": "50", "q3": "50"}
            ],
        },
    ]
    assert answer["policy"]
    assert answer["coverage"]["owners"]


def test_by_substance_of_the_finding(ask: Ask) -> None:
    (cell,) = ask("KG-CUS", by="substance,owner", group="heroin-opiates", **PERIOD).json()["cells"]
    assert cell["key"] == {"substance": "SAR-000608", "owner": "UZ"}
    assert cell["purity"][0]["median"] == "30"
    assert ask("KG-CUS", by="group", group="cannabis", **PERIOD).json()["cells"] == []


def test_purity_that_is_not_given_is_in_no_quartile(ask: Ask) -> None:
    for name in ("TJ-CUS", "RU-CUS"):
        assert ask(name, by="year", **PERIOD).json()["cells"] == []
    assert ask("UZ-LAB", by="year", **PERIOD).json()["cells"][0]["purity"][0]["n"] == 4


@pytest.mark.parametrize(
    "params",
    [{"by": "admin1"}, {"by": "month", "transport": "3"}, {"by": "month", "measure": "purity,kg"},
     {"by": "month", "changes": "true"}],
)  # fmt: skip
def test_what_purity_is_not_known_by_is_refused(ask: Ask, params: dict[str, str]) -> None:
    assert ask("KG-CUS", **{**PERIOD, **params}).json()["type"] == "/problems/impossible-combination"
