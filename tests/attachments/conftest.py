"""Two agencies of Kazakhstan and one of Kyrgyzstan that send and read files."""

import pytest

from tests.attachments.sender import Sender
from tests.exchange import Exchange


@pytest.fixture
def customs(exchange: Exchange) -> Sender:
    return Sender(exchange, "KZ-CUS")


@pytest.fixture
def laboratory(exchange: Exchange) -> Sender:
    return Sender(exchange, "KZ-LAB")


@pytest.fixture
def neighbour(exchange: Exchange) -> Sender:
    return Sender(exchange, "KG-CUS")
