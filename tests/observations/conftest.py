"""Two neighbours that file incidents, laboratories and prices."""

from collections.abc import Iterator

import pytest

from tests.exchange import Exchange
from tests.seizures.wiring import Agency, stored


@pytest.fixture
def customs(exchange: Exchange) -> Agency:
    return Agency(exchange, "KZ-CUS")


@pytest.fixture
def neighbour(exchange: Exchange) -> Agency:
    return Agency(exchange, "KG-CUS")


@pytest.fixture
def nothing_stored(exchange: Exchange) -> Iterator[None]:
    """The test must leave reports, lines and leaves as they were."""
    before = stored(exchange.settings)
    yield
    assert stored(exchange.settings) == before
