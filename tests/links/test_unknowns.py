"""Reports of an unknown are compared with others once it is known what it is."""

from collections.abc import Callable

import pytest
from sarhad.records import item

from tests.exchange import Exchange
from tests.links.test_events import NEARBY, POINT, reported
from tests.links.wiring import between, post, said
from tests.seizures.wiring import Agency

pytestmark = pytest.mark.usefixtures("shared")
METHYLONE = "SAR-000389"


@pytest.fixture
def resolver(exchange: Exchange) -> Agency:
    """Another request key of KZ-LAB."""
    return Agency(exchange, exchange.add_holder("KZ-LAB/links", "laboratory"))


def test_what_it_turned_out_to_be_brings_two_reports_together(
    exchange: Exchange, kz: Agency, kg: Agency, resolver: Agency, sought: Callable[[], None]
) -> None:
    given = {"name": "crystals", "formula": "C11H13NO3"}
    code = post(Agency(exchange, "KZ-LAB"), "/v1/provisional", given, None).json()["code"]
    path = f"/v1/provisional/{code}"
    assert post(Agency(exchange, "KZ-DCA/policy"), f"{path}/publication", {}, None).status == 200
    day = "2026-04-11"
    pair = (
        reported(kz, "7.431", day, POINT, items=[item(code, "crystals", "7.431", "kg", status="PRES")]),
        reported(kg, "7.431", day, NEARBY, items=[item(METHYLONE, "methylone", "7.431", "kg", status="CONF")]),
    )
    sought()
    assert between(kz, *pair) is None, "an unknown is nobody's methylone"
    assert post(resolver, f"{path}/resolution", {"substance": METHYLONE, "reason": "NMR"}, None).status == 200
    sought()
    link = between(kz, *pair)
    assert link is not None
    assert said(link)["substance"] == "within"
