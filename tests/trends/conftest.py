"""A country of its own years, partners of three precisions, and a way to ask."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sarhad.records import item
from sarhad.signing import SignedRequests

from service.database import Database
from service.settings import Settings
from tests.exchange import Exchange, heroin

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask(exchange: Exchange) -> Ask:
    """GET as an agency, for the purpose of analysis: `ask("KZ-CUS", "/v1/trends", by="month")`."""

    def get(name: str, path: str = "/v1/trends", **params: str) -> httpx.Response:
        key, client = exchange.region.profiles[name].load_request_key(), exchange.client(name, "analysis")
        auth = SignedRequests(key, lambda: client.service_key)
        asked = {name.rstrip("_"): value for name, value in params.items()}
        return exchange.anyone.get(path, params=asked, auth=auth, headers={"sarhad-purpose": "analysis"}, timeout=60)

    return get


def seizure(agency: str, day: str, *items: tuple[str, str, str, str], **facets: Any) -> Any:
    """A report of these items (word, quantity, unit, status), found in luggage on a road."""
    given: dict[str, Any] = {
        "instant": f"{day}T10:00:00+05:00",
        "items": [
            item(None, word, quantity, unit, status=status, line=number)
            for number, (word, quantity, unit, status) in enumerate(items, 1)
        ],
        "transport": {"mode": "3", "concealment": ["LUG", "VFT"], "place_type": "ROAD"},
    }
    return heroin(agency, **(given | facets))


def run(settings: Settings, work: Callable[[Database], Awaitable[Any]]) -> Any:
    """One coroutine with the service's own database connections."""

    async def with_database() -> Any:
        database = Database(settings)
        try:
            return await work(database)
        finally:
            await database.dispose()

    return asyncio.run(with_database())
