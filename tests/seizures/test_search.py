"""Questions to the own reports: every filter, pages, GeoJSON, empty answers, and the place of a record in the log.

What a partner gets of them is held by tests/policies.
"""

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sarhad import PublicKey
from sarhad.records import item, read
from sarhad.transparency import LogKey, parse_inclusion, verify_receipt_bundle

from tests.awaiting import eventually
from tests.exchange import Exchange
from tests.seizures.wiring import Agency, Reply, line, refusal, statuses, verdicts

SEA = {"lat": "40.4093", "lon": "49.8671"}  # Baku
GANJA = {"lat": "40.6828", "lon": "46.3606"}


@dataclass(frozen=True)
class Filed:
    """Reports that only this test filed, by name; `asks` finds the names that a question gives."""

    agency: Agency
    names: dict[str, str]

    def asks(self, **query: Any) -> set[str]:
        found = {entry["id"] for entry in self.agency.search(agency="AZ-CUS", limit=500, **query)}
        return {name for name, id_ in self.names.items() if id_ in found}


@pytest.fixture(scope="module")
def filed(exchange: Exchange) -> Filed:
    agency = Agency(exchange, "AZ-CUS")
    reports: dict[str, dict[str, Any]] = {
        "baku": {
            "instant": "2026-02-03T10:00:00+04:00", "where_point": SEA, "where_admin1": {"code": "AZ-BA"},
            "items": [item(None, "heroin", "11.840", "kg", status="CONF"), item(None, "hashish", "5", "g")],
            "transport": {"mode": "1", "concealment": ["PCL"]},
        },
        "ganja": {"day": "2026-02-04", "instant": None, "where_point": GANJA, "items": [item(None, "opium", "2", "kg")],
                      "transport": {"mode": "3"}},
        "unplaced": {"month": "2026-01", "instant": None, "items": [item(None, "methamphetamine", "300", "g")]},
        "abroad": {"country": "GE", "instant": "2026-02-05T10:00:00+04:00", "items": [item(None, "heroin", "1", "g")]},
    }  # fmt: skip
    names = {}
    for name, facets in reports.items():
        record = agency.report(reference=f"S-{name}-{time.time_ns()}", **facets)
        reply = agency.post(record)
        assert reply.status == 201, reply.body
        names[name] = reply.json()["id"]
    return Filed(agency, names)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"baku", "ganja", "unplaced", "abroad"}),
        ({"from": "2026-02-04T00:00:00Z"}, {"ganja", "abroad"}),
        ({"to": "2026-02-04T00:00:00Z"}, {"baku", "unplaced"}),
        ({"from": "2026-02-03", "to": "2026-02-05"}, {"baku", "ganja"}),
        ({"country": "AZ"}, {"baku", "ganja", "unplaced"}),
        ({"country": "GE"}, {"abroad"}),
        ({"owner": "AZ"}, {"baku", "ganja", "unplaced", "abroad"}),
        ({"owner": "KZ"}, set()),
        ({"admin1": "AZ-BA"}, {"baku"}),
        ({"bbox": "49,40,50,41"}, {"baku"}),
        ({"bbox": "40,38,50,42"}, {"baku", "ganja"}),
        ({"bbox": "170,-10,-170,10"}, set()),
        ({"status": "CONF"}, {"baku"}),
        ({"transport": "3"}, {"ganja"}),
        ({"concealment": "PCL"}, {"baku"}),
        ({"min_kg": "2"}, {"baku", "ganja"}),
        ({"min_kg": "11.85"}, set()),
        ({"max_kg": "0.01"}, {"baku", "abroad"}),
        ({"max_kg": "0.001"}, {"abroad"}),
        ({"max_kg": "0"}, set()),
        ({"min_kg": "1", "max_kg": "3"}, {"ganja"}),
        ({"min_kg": "0", "max_kg": "0.01"}, {"baku", "abroad"}),
        ({"min_kg": "3", "max_kg": "2"}, set()),
        ({"kind": "zero"}, set()),
        ({"retracted": "true"}, set()),
        ({"status": "CONF", "min_kg": "0.001", "bbox": "49,40,50,41"}, {"baku"}),
    ],
)
def test_a_filter_finds_what_it_says(filed: Filed, query: dict[str, str], found: set[str]) -> None:
    assert filed.asks(**query) == found


def test_a_substance_includes_its_descendants(filed: Filed) -> None:
    """Asked by any ancestor in the catalogue, and not by a cousin."""
    code = filed.agency.get(f"/v1/seizures/{filed.names['baku']}").json()["derived"]["items"][0]["substance"]
    assert filed.asks(substance=code) == {"baku", "abroad"}
    above = filed.agency.get(f"/v1/substances/{code}").json()["parent"]
    assert above
    assert filed.asks(substance=above) >= {"baku", "abroad"}
    assert refusal(filed.agency.get("/v1/seizures", substance="NO-SUCH")) == (
        400, "unknown-substance-filter", "substance",
    )  # fmt: skip


def test_newest_first_and_page_by_page(filed: Filed) -> None:
    whole = [entry["id"] for entry in filed.agency.search(agency="AZ-CUS", limit=500)]
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        reply = filed.agency.get("/v1/seizures", agency="AZ-CUS", limit=1, **cursor).json()
        paged += [entry["id"] for entry in reply["items"]]
        if reply["next"] is None:
            break
        cursor = {"cursor": reply["next"]}
    assert paged == whole
    times = [
        entry["facets"].get("when.instant", entry["facets"].get("when.day", entry["facets"]["when.month"]))
        for entry in filed.agency.search(agency="AZ-CUS", limit=500)
    ]
    assert [time_[:7] for time_ in times] == sorted((time_[:7] for time_ in times), reverse=True)


def test_a_cursor_belongs_to_its_question(filed: Filed) -> None:
    following = filed.agency.get("/v1/seizures", agency="AZ-CUS", limit=1).json()["next"]
    for other in ({"agency": "AZ-CUS", "country": "AZ"}, {"agency": "AZ-CUS", "cursor": following[:-2] + "AA"}):
        reply = filed.agency.get("/v1/seizures", **{"limit": "1", "cursor": following, **other})
        assert refusal(reply)[:2] == (400, "invalid-cursor")


def test_an_unknown_parameter_is_refused(filed: Filed) -> None:
    reply = filed.agency.get("/v1/seizures", substanse="HEROIN")
    assert refusal(reply)[:2] == (422, "invalid-request")
    assert "substanse" in reply.body.decode()


def test_nothing_found_is_an_empty_page(filed: Filed) -> None:
    reply = filed.agency.get("/v1/seizures", agency="AZ-CUS", **{"from": "2027-01-01"})
    assert (reply.status, reply.json()["items"], reply.json()["next"]) == (200, [], None)
    collection = filed.agency.get("/v1/seizures", accept="application/geo+json", agency="AZ-CUS", status="NEGA")
    assert (collection.json()["type"], collection.json()["features"]) == ("FeatureCollection", [])


def test_geojson_is_valid(filed: Filed) -> None:
    """RFC 7946: types, WGS 84 longitude first, an unlocated feature has a null geometry."""
    reply = filed.agency.get("/v1/seizures", accept="application/geo+json", agency="AZ-CUS", limit=500)
    assert reply.headers["content-type"].startswith("application/geo+json")
    collection = reply.json()
    assert collection["type"] == "FeatureCollection"
    assert not {"coordinates", "geometry", "geometries", "properties", "crs"} & set(collection)
    places = {}
    for feature in collection["features"]:
        assert (feature["type"], set(feature)) == ("Feature", {"type", "id", "geometry", "properties"})
        places[feature["id"]] = feature["geometry"]
    assert places[filed.names["baku"]] == {"type": "Point", "coordinates": [49.8671, 40.4093]}
    assert places[filed.names["unplaced"]] is None


def test_an_absent_record_and_a_malformed_id(filed: Filed, customs: Agency) -> None:
    hidden = f"/v1/seizures/{filed.names['baku']}"
    absent = "/v1/seizures/8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"
    for tail in ("", "/versions", "/proof"):
        one, other = customs.get(hidden + tail), customs.get(absent + tail)
        assert refusal(one) == (404, "not-found", None)
        assert one.body == other.body
    assert refusal(customs.get("/v1/seizures/one"))[0] == 422


def proven(agency: Agency, id_: str) -> dict[str, Any]:
    """The proof, once the leaf is merged: within the delay that the receipt promises."""

    def merged() -> Reply | None:
        reply = agency.get(f"/v1/seizures/{id_}/proof")
        if reply.status == 200:
            return reply
        assert reply.problem == "leaf-not-yet-merged"
        return None

    return dict(eventually(merged, agency.exchange.settings.merge_delay_seconds).json())


def test_the_proof_verifies_against_the_checkpoint(filed: Filed) -> None:
    record = filed.agency.report()
    receipt = filed.agency.post(record).json()["receipt"]
    document = proven(filed.agency, read(record).payload["jti"])
    described = httpx.get(f"{filed.agency.exchange.settings.origin}/v1/service").json()
    service_key = PublicKey.from_jwk(described["keys"][0])
    promised, checkpoint = verify_receipt_bundle(
        sha256(read(record).jwt.encode()).digest(),
        receipt,
        parse_inclusion(document),
        document["checkpoint"],
        service_key=service_key,
        log_key=LogKey(described["logs"]["records"], service_key.key),
    )
    assert (checkpoint.size, document["log"]) == (document["size"], "records")
    assert base64.urlsafe_b64decode(document["salt"] + "==") == promised.salt


def test_a_page_across_equal_times_loses_nothing(exchange: Exchange) -> None:
    """Twenty reports of one moment: order and cursor go by id there."""
    agency = Agency(exchange, "UZ-CUS")
    stamp = time.time_ns()
    records = [agency.report(reference=f"E-{stamp}-{n}", instant="2025-11-11T11:11:11+05:00") for n in range(20)]
    assert statuses(verdicts(agency.batch(map(line, records)))[0]) == [201] * 20
    ids = [read(record).payload["jti"] for record in records]
    window = {"from": "2025-11-11T06:11:11Z", "to": "2025-11-11T06:11:12Z", "agency": "UZ-CUS"}

    def pages() -> Iterator[list[str]]:
        cursor: dict[str, str] = {}
        while True:
            reply = agency.get("/v1/seizures", limit=7, **window, **cursor).json()
            yield [entry["id"] for entry in reply["items"]]
            if reply["next"] is None:
                return
            cursor = {"cursor": reply["next"]}

    found = [id_ for page in pages() for id_ in page]
    assert found == sorted(ids)
