"""Agencies of two countries, and passes that a test asks for instead of waiting for them."""

from collections.abc import Callable, Iterator

import pytest

from tests.exchange import Exchange
from tests.links.wiring import passes, sharing
from tests.seizures.wiring import Agency

GIVEN = {
    "id": "neighbours",
    "effect": "permit",
    "audience": {"countries": ["KZ", "KG"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items", "transport", "route"],
    "time": "day",
    "place": "point",
}


@pytest.fixture(scope="session")
def sought(exchange: Exchange) -> Callable[[], None]:
    """Passes until nothing waits: what the service does by itself every other second."""
    return lambda: passes(exchange.settings)


@pytest.fixture(scope="module")
def shared(exchange: Exchange) -> Iterator[None]:
    """KZ and KG give each other the day, the point and what was seized."""
    with sharing(exchange, GIVEN):
        yield


@pytest.fixture
def kz(exchange: Exchange) -> Agency:
    return Agency(exchange, "KZ-CUS")


@pytest.fixture
def kg(exchange: Exchange) -> Agency:
    return Agency(exchange, "KG-CUS")
