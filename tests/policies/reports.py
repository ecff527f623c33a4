"""A country that shares its labels at different precisions, the stricter the less, and ways to ask for its reports."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sarhad import Client, ProblemError
from sarhad.records import Record

from tests.exchange import Exchange, heroin
from tests.signing.wire import Reply, send, sign

OWNER, AGENCY, PARTNER = "UZ", "UZ-CUS", "KG-CUS"
GATE = {"effect": "permit", "audience": {"countries": ["KG"]}, "purposes": ["operational", "analysis"]}
JOINS = {**GATE, "joins": True}
RULES: list[dict[str, Any]] = [
    {**GATE, "handling_up_to": "TLP:AMBER+STRICT", "place": "country"},
    {**JOINS, "handling_up_to": "TLP:AMBER", "time": "month", "place": "admin1"},
    {**JOINS, "handling_up_to": "TLP:GREEN", "time": "day", "place": "cell", "facets": ["items", "narrative"]},
    {
        **JOINS,
        "handling_up_to": "TLP:CLEAR",
        "time": "instant",
        "place": "point",
        "facets": ["reference", "reported", "transport", "persons"],
    },
]
EXACT, CELLED, MONTHLY, UNDATED, HIDDEN = "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"
SAMARKAND = {"lat": "39.6542", "lon": "66.9597"}


def report(handling: str, instant: str = "2026-02-11T23:47:13+05:00", **facets: Any) -> Record:
    """A report with a value in every facet that a filter looks at."""
    given: dict[str, Any] = {
        "reference": f"UZ-{uuid.uuid4()}",
        "instant": instant,
        "where_point": SAMARKAND,
        "where_admin1": {"code": "UZ-SA"},
        "transport": {"mode": "3", "concealment": ["LUG"], "place_type": "ROAD"},
    }
    return heroin(AGENCY, handling=handling, **(given | facets))


def ids(client: Client, **filters: Any) -> list[str]:
    return [found["id"] for found in client.search_all(**{"owner": OWNER, "limit": 500} | filters)]


def refused(call: Callable[[], Any]) -> ProblemError:
    with pytest.raises(ProblemError) as refusal:
        call()
    return refusal.value


def everything(exchange: Exchange, record: str, name: str, purpose: str = "operational") -> list[tuple[int, str]]:
    """Status and kind of refusal of each way to a record."""
    client = exchange.client(name, purpose)
    answers = []
    for way in (client.get, client.get_record, client.versions, client.proof):
        try:
            way(record)
            answers.append((200, ""))
        except ProblemError as problem:
            answers.append((problem.status, problem.sentence))
    return answers


def call(exchange: Exchange, name: str, path: str, document: Any = None) -> Reply:
    """GET, or POST of a document, for the purpose analysis."""
    key, origin = exchange.region.profiles[name].load_request_key(), exchange.settings.origin
    if document is None:
        return send(origin, sign(key, origin, "GET", path, purpose="analysis"))
    return send(origin, sign(key, origin, "POST", path, json.dumps(document).encode(), purpose="analysis"))
