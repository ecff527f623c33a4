"""Records of one country at points, in cells and without a place, in years of their own; a gateway; ways to ask."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sarhad import Client
from sarhad.gateway import Gateway
from sarhad.records import item
from sarhad.signing import SignedRequests

from tests.exchange import Exchange, heroin

Ask = Callable[..., httpx.Response]
HERE = {"lat": "43.37", "lon": "68.61", "accuracy_m": 500, "method": "MAP"}
ROUTE = [
    {"role": "DEPARTURE", "country": "AF", "certainty": "KNOWN"},
    {"role": "TRANSIT", "country": "TJ", "certainty": "KNOWN"},
    {"role": "DESTINATION", "country": "RU", "certainty": "SUSPECTED"},
]


@pytest.fixture(scope="module")
def ask(exchange: Exchange) -> Ask:
    """GET as an agency, for the purpose of analysis: `ask("KZ-CUS", "/ogc/collections/seizures/items", limit="3")`."""

    def get(name: str, path: str, /, **params: str) -> httpx.Response:
        key, client = exchange.region.profiles[name].load_request_key(), exchange.client(name, "analysis")
        auth = SignedRequests(key, lambda: client.service_key)
        given = {name.rstrip("_").replace("_", "-"): value for name, value in params.items()} or None
        return exchange.anyone.get(path, params=given, auth=auth, headers={"sarhad-purpose": "analysis"}, timeout=60)

    return get


@pytest.fixture(scope="module")
def gateway(exchange: Exchange) -> Iterator[Gateway]:
    """As the customs of Kyrgyzstan, for analysis."""
    key = exchange.region.profiles["KG-CUS"].load_request_key()
    with (
        Client(service=exchange.settings.origin, key=key, purpose="analysis") as client,
        Gateway(client) as running,
    ):
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def filed(request: pytest.FixtureRequest, exchange: Exchange) -> list[str]:
    """Nine records in the module's own YEAR: by their label KG is given points (GREEN), cells (AMBER), or no place."""
    audience: dict[str, Any] = {"effect": "permit", "audience": {"countries": ["KG"]}, "time": "day"}
    facets = ["items", "transport", "route"]
    exchange.adopt(
        "TM",
        {"id": "points", **audience, "handling_up_to": "TLP:GREEN", "place": "point", "facets": facets, "joins": True},
        {"id": "cells", **audience, "handling_up_to": "TLP:AMBER", "place": "cell", "facets": ["items"], "joins": True},
        {
            "id": "kept",
            **audience,
            "audience": {"countries": ["UZ"]},
            "handling_up_to": "TLP:GREEN",
            "place": "point",
            "facets": ["items"],
            "obligations": ["no_export"],
        },
        {"id": "none", **audience, "handling_up_to": "TLP:AMBER+STRICT", "place": "country", "facets": ["items"]},
    )
    ids = []
    for number in range(9):
        label = ("TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT")[number % 3]
        record = heroin(
            "TM-CUS",
            instant=f"{request.module.YEAR}-0{number % 3 + 1}-1{number}T10:00:00+05:00",
            handling=label,
            where_point=HERE | {"lat": f"38.{number}1", "lon": f"58.{number}7"},
            items=[item(None, "heroin", f"{number + 1}.5", "kg", status="CONF"), item(None, "opium", "1", "kg")],
            transport={"mode": "3", "concealment": ["LUG", "VFT"], "place_type": "ROAD"},
            route=ROUTE,
        )
        exchange.client("TM-CUS").submit(exchange.sign(record))
        ids.append(str(record.id))
    return ids
