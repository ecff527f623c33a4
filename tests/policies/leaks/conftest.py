"""A partner who asks, the contract's paths, and a record that the partner may not see."""

from collections.abc import Callable
from typing import Any

import pytest
from sarhad.records import Record

from service.app import create_app
from tests.exchange import Exchange
from tests.policies.leaks.asking import Asker
from tests.policies.reports import HIDDEN, PARTNER, report


@pytest.fixture(scope="module")
def ask(exchange: Exchange, policy: None) -> Asker:
    return Asker(exchange, PARTNER)


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    return dict(create_app().openapi()["paths"])


@pytest.fixture
def hidden(file: Callable[[Record], str]) -> str:
    return file(report(HIDDEN))
