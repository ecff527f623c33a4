"""A laboratory that registers, its second key that resolves, officers that publish, and a neighbour."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.exchange import Exchange
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply, send, sign

Post = Callable[..., Reply]


@pytest.fixture(scope="session")
def second_key(exchange: Exchange) -> str:
    """The name of another laboratory key of Turkmenistan."""
    return exchange.add_holder("TM-LAB/second", "laboratory")


@pytest.fixture(scope="session")
def post(exchange: Exchange) -> Post:
    """Sends a JSON document as someone; the whole answer comes back."""

    def send_as(name: str, path: str, document: object) -> Reply:
        key = exchange.region.profiles[name].load_request_key()
        origin = exchange.settings.origin
        body = json.dumps(document).encode()
        return send(origin, sign(key, origin, "POST", path, body))

    return send_as


@pytest.fixture(scope="session")
def get(exchange: Exchange) -> Callable[..., Any]:
    def ask(name: str, path: str, **query: Any) -> Any:
        return Agency(exchange, name).get(path, **query)

    return ask
