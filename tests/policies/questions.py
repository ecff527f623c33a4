"""What a curious reader would ask: every read route and filter, with values that only the owner knows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.policies.document import PURPOSES
from tests.policies.worlds import Question

GEOJSON, SD_JWT = "application/geo+json", "application/sd-jwt"
SEARCH, ITEM = "/v1/seizures", "/v1/seizures/{record_id}"
HISTORY, PROOF = "/v1/seizures/{record_id}/versions", "/v1/seizures/{record_id}/proof"

# The same in every world but for what members and officers have changed, which no report does.
STANDING = {
    "/v1/countries": [{}],
    "/v1/agencies": [{}, {"country": "UZ"}, {"country": "uz"}],
    "/v1/keys": [{}, {"agency": "UZ-CUS"}, {"use": "record-signing"}],
    "/.well-known/http-message-signatures-directory": [{}],
    "/v1/service": [{}],
    "/v1/changes": [{}, {"state": "applied"}],
    "/v1/substances": [{}, {"q": "heroin"}, {"q": "тест"}, {"limit": "0"}],
    "/v1/substances/{code}": [{}],
    "/v1/units": [{}],
    "/v1/places": [{}, {"q": "Samarkand"}, {"country": "UZ"}],
    "/v1/crossings": [{}, {"country": "UZ"}],
    "/v1/policies/{country}": [{}],
    "/healthz": [{}],
    "/readyz": [{}],
    "/openapi.json": [{}],
}
READS = {SEARCH, ITEM, HISTORY, PROOF}
# Not the same in two worlds, and why that is no leak.
EXCEPTED = {
    "/metrics": "counts requests by route and status; for the operator, not for readers",
    "/v1/log/{log}/checkpoint": "the size of the log is known to every member (design, section 8)",
    "/v1/log/{log}/tile/{level}/{name:path}": "salted commitments only",
    "/v1/log/{log}/proof": "for who holds a leaf hash already",
    "/v1/log/{log}/consistency": "salted commitments only",
}
MALFORMED: list[dict[str, str]] = [
    {"bbox": "1,2,3"},
    {"bbox": "68,40,66,39"},
    {"bbox": "a,b,c,d"},
    {"bbox": "nan,nan,nan,nan"},
    {"limit": "0"},
    {"limit": "501"},
    {"cursor": "AAAA"},
    {"cursor": ""},
    {"from": "yesterday"},
    {"kind": "retraction"},
    {"min_kg": "-1"},
    {"substance": "SAR-999999"},
    {"hidden": "1"},
    {"admin1": "'; --"},
    {"owner": "uz"},
    {"reference": "x" * 65},
]


def standing() -> Iterator[Question]:
    values = {"code": "SAR-000608", "country": "UZ"}
    for path, variants in STANDING.items():
        for params in variants:
            yield Question(path.format(**values), params)


def searches(facets: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Filters for these records, true and coarse, alone and together."""
    yield from (
        {},
        {"kind": "zero"},
        {"retracted": "true"},
        {"owner": "UZ"},
        {"owner": "KZ"},
        {"agency": "UZ-LAB"},
    )
    yield from ({"country": code} for code in ("UZ", "TJ", "KZ"))
    yield from ({"admin1": code} for code in ("UZ-SA", "UZ-QA", "TJ-SU"))
    yield from ({"transport": mode} for mode in "23")
    yield from (
        {"concealment": "LUG"},
        {"place_type": "ROAD"},
        {"status": "CONF"},
        {"status": "PRES", "min_kg": "20"},
    )
    yield from ({"substance": code} for code in ("SAR-000002", "SAR-000608", "SAR-000023", "SAR-000291"))
    yield from ({"bbox": "66.5,39,67.5,40.5"}, {"bbox": "-180,-90,180,90"}, {"min_kg": "0"}, {"min_kg": "30"})
    yield from ({"from": "2025-06-01T00:00:00Z"}, {"to": "2025-06-15T00:00:00Z"})
    for day in (5, 10, 15, 20, 25):
        yield {"from": f"2025-05-{day:02}T00:00:00Z", "to": f"2025-06-{day:02}T00:00:00Z"}
    for record in list(facets)[:5]:
        yield {"reference": record["reference"]}
        if "when.instant" in record:
            instant = record["when.instant"]
            yield {"from": instant, "country": "UZ"}
            yield {"to": instant, "kind": "seizure"}
        if "where.point" in record:
            lat, lon = float(record["where.point"]["lat"]), float(record["where.point"]["lon"])
            yield {"bbox": f"{lon - 0.001:.4f},{lat - 0.001:.4f},{lon + 0.001:.4f},{lat + 0.001:.4f}"}
        if "items" in record:
            kg = record["items"][0]["reported"]["quantity"]
            yield {"min_kg": kg, "from": "2025-01-01T00:00:00Z"}


def about(id_: str) -> Iterator[Question]:
    """Ways to one record, but the signed copy and the proof."""
    yield Question(ITEM.format(record_id=id_))
    yield Question(HISTORY.format(record_id=id_))
    yield Question(ITEM.format(record_id=id_), accept=GEOJSON)
    yield Question(ITEM.format(record_id=id_), method="DELETE")
    yield Question(ITEM.format(record_id=id_), method="OPTIONS")
    yield Question(ITEM.format(record_id=id_.upper()), {"purpose": PURPOSES[0]})
