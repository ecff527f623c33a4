"""What a curious reader would ask: every route and filter, with values that only the owner knows.

A new read route stands in `STANDING` (answered the same whatever was filed), in `READS` (with questions of its own, a
small function for each feature, called by `test_two_worlds.questions`), or in `EXCEPTED` with the reason. A route that
writes is tried by `attempts` without anything said here; what it takes a well-formed body to find out stands in
`WELL_FORMED`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from service.policies.document import PURPOSES
from tests.policies.worlds import Question

GEOJSON, SD_JWT = "application/geo+json", "application/sd-jwt"
SEARCH, ITEM = "/v1/seizures", "/v1/seizures/{record_id}"
TRENDS, FLOWS, HOTSPOTS = "/v1/trends", "/v1/flows", "/v1/hotspots"
HISTORY, PROOF = "/v1/seizures/{record_id}/versions", "/v1/seizures/{record_id}/proof"

FEATURES, FEATURE = "/ogc/collections/{collection_id}/items", "/ogc/collections/{collection_id}/items/{feature_id}"
TILE = "/ogc/collections/{collection_id}/tiles/{matrix_set_id}/{z}/{row}/{col}"
ANALYSES, AGGREGATES = "/v1/analyses", "/v1/aggregates"
OF_ANALYSES = {ANALYSES, *(f"{ANALYSES}/{{record_id}}{part}" for part in ("", "/versions", "/proof"))}
OBSERVED = ("/v1/precursor-incidents", "/v1/clandestine-laboratories", "/v1/price-observations")
OF_OBSERVED = {
    *OBSERVED,
    *(f"{path}/{{record_id}}{part}" for path in OBSERVED for part in ("", "/versions", "/proof")),
    "/v1/prices",
    "/v1/timeline",
}

LINKS = "/v1/links"
NEIGHBOURS = "/v1/profiles/{record_id}/{n}/neighbours"
OF_LINKS = {LINKS, f"{LINKS}/groups", f"{LINKS}/{{link_id}}", NEIGHBOURS}

# The same in every world but for what members and officers have changed, which no report does.
STANDING = {
    "/v1/countries": [{}],
    "/v1/agencies": [{}, {"country": "UZ"}, {"country": "uz"}],
    "/v1/keys": [{}, {"agency": "UZ-CUS"}, {"use": "record-signing"}, {"kid": "A" * 43}],
    "/.well-known/http-message-signatures-directory": [{}],
    "/v1/service": [{}],
    "/": [{}],
    "/v1/console": [{}],
    "/v1/changes": [{}, {"state": "applied"}],
    "/v1/people": [{}],
    "/v1/substances": [{}, {"q": "heroin"}, {"q": "тест"}, {"limit": "0"}],
    "/v1/substances/{code}": [{}],
    "/v1/substances/{code}/structure": [{}],
    "/v1/substances/{code}/control": [{}, {"on": "2020-01-01"}, {"on": "never"}],
    "/v1/provisional": [{}, {"owner": "UZ"}, {"resolved": "true"}, {"limit": "0"}],
    "/v1/provisional/{code}": [{}],
    "/v1/listings": [{}, {"country": "UZ"}, {"after": "x"}],
    "/v1/listings/table": [{}, {"group": "cannabis"}, {"gaps": "true", "limit": "5"}, {"on": "x"}],
    "/v1/listings/{country}/{entry}": [{}],
    "/v1/units": [{}],
    "/v1/places": [{}, {"q": "Samarkand"}, {"country": "UZ"}],
    "/v1/crossings": [{}, {"country": "UZ"}],
    "/v1/policies/{owner}": [{}],
    "/v1/policies/{owner}/versions": [{}, {"limit": "1"}],
    "/v1/policies/{owner}/drafts": [{}, {"cursor": "AAAA"}],
    "/v1/policies/{owner}/drafts/{id}": [{}],
    "/v1/policies/{owner}/versions/{version}": [{}],
    "/v1/policies/{owner}/versions/{version}/words": [{}, {"language": "ru"}, {"language": "xx"}],
    "/v1/policies/{owner}/versions/{version}/odrl": [{}],
    "/v1/policies/{owner}/diff": [{"to": "1"}, {"from": "1", "to": "2"}, {}],
    "/v1/timeliness": [  # with own records: tests/timeliness
        {},
        {"first_month": "2025-01", "last_month": "2026-01"},
        {"last_month": "2020-13"},
    ],
    "/v1/statements/{country}": [{}, {"limit": "0"}, {"record": "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"}],
    "/v1/statements/{country}/balance": [{"quarter": "2025-Q2"}, {"quarter": "now"}],
    "/v1/statements/{country}/entries/{id}/proof": [{}],
    "/v1/inbox": [{}, {"state": "open"}, {"kind": "recall-received"}, {"since": "AAAA"}],
    "/v1/requests": [{}, {"role": "asker"}, {"state": "overdue"}, {"role": "owner", "limit": "1"}],
    "/v1/requests/{request_id}": [{}],
    "/v1/recalls": [{}, {"role": "owner"}, {"state": "open"}],
    "/v1/recalls/{recall_id}": [{}],
    "/v1/packs": [
        {},
        {"state": "drafted", "form": "unodc-ids"},
        {"limit": "0"},
        {"cursor": "AAAA"},
    ],
    "/v1/packs/forms": [{}],
    "/v1/packs/{pack_id}": [{}],
    "/v1/packs/{pack_id}/workbook": [{}],
    "/v1/aggregates": [
        {"time": "quarter", "first_month": "2025-01", "last_month": "2025-12"},
        {
            "time": "month",
            "place": "admin1",
            "substance": "substance",
            "first_month": "2025-05",
            "last_month": "2025-06",
        },
        {"time": "day", "first_month": "2025-01", "last_month": "2025-12"},
    ],
    "/v1/publications": [{}],
    "/v1/publications/{id}": [{}],
    "/v1/publications/{id}/bulletins/{language}": [{}],
    "/v1/publications/{id}/bulletins/{language}/pdf": [{}],
    "/public/releases": [{}],
    "/public/releases/{name}/{version}": [{}],
    "/public/releases/{name}/{version}/figures.csv": [{}],
    "/v1/suspensions": [{}],
    **{
        f"/ogc{path}": [{}, {"page": "2"}]
        for path in (
            *("", "/api", "/conformance", "/collections", "/tileMatrixSets", "/tileMatrixSets/{matrix_set_id}"),
            *(
                f"/collections/{{collection_id}}{part}"
                for part in ("", "/queryables", "/tiles", "/tiles/{matrix_set_id}")
            ),
        )
    },
    "/v1/uploads/{upload_id}": [{}],
    "/v1/spectra/library": [{}, {"technique": "EI"}, {"technique": "IR"}, {"cursor": "AAAA"}],
    "/v1/spectra/library/{spectrum_id}": [{}],
    "/v1/exhibits": [{}, {"side": "report"}, {"side": "both"}, {"agency": "UZ-CUS"}],
    "/v1/attachments": [{}, {"limit": "0"}, {"cursor": "AAAA"}],
    "/v1/attachments/{sha256}": [{}],
    "/v1/alerts": [{}, {"state": "issued"}, {"cursor": "x"}],
    "/v1/alerts/candidates": [{}, {"rule": "FIRST_IN_REGION"}, {"limit": "0"}],  # with orders: tests/alerts
    "/v1/alerts/{alert_id}": [{}],
    "/v1/subscriptions": [{}],
    "/v1/subscriptions/{subscription_id}/deliveries": [{}, {"state": "dead"}],
    "/v1/subscriptions/{subscription_id}/digest": [{}, {"day": "2026-01-01"}, {"day": "x"}],
    "/v1/subscriptions/{subscription_id}/stream": [{}, {"after": "x"}],
    # files and their sizes: tests/exports/test_rules.py
    "/v1/questions": [{}, {"limit": "0"}],
    "/v1/questions/{question_id}": [{}],
    "/v1/questions/{question_id}/answer": [{}],
    "/v1/exports": [{}, {"limit": "0"}],
    "/v1/exports/{export_id}": [{}],
    "/v1/exports/{export_id}/file": [{}],
    "/v1/profile-methods": [{}, {"limit": "0"}],
    "/v1/profile-methods/{code}": [{}],
    "/healthz": [{}],
    "/readyz": [{}],
    "/openapi.json": [{}],
}
SHARING = "/v1/records/{record_id}/sharing"
ATTACHMENTS = "/v1/records/{record_id}/attachments"
READS = {
    SEARCH,
    ITEM,
    HISTORY,
    PROOF,
    SHARING,
    TRENDS,
    FLOWS,
    HOTSPOTS,
    FEATURES,
    FEATURE,
    TILE,
    ATTACHMENTS,
    f"{ATTACHMENTS}/{{sha256}}",  # tests/attachments/test_two_worlds.py
    *OF_OBSERVED,  # tests/observations/test_two_worlds.py
    *OF_ANALYSES,  # tests/analyses/test_two_worlds.py
    *OF_LINKS,  # tests/links/test_two_worlds.py
}
# Not the same in two worlds, and why that is no leak.
EXCEPTED = {
    "/v1/readings": "what the reader's own people were shown, and when: tests/readings/test_two_worlds.py",
    "/metrics": "counts requests by route and status; for the operator, not for readers",
    "/v1/log/{log}/checkpoint": "the size of the log is known to every member (design, section 8)",
    "/v1/log/{log}/tile/{level}/{name}": "salted commitments only",
    "/v1/log/{log}/proof": "for who holds a leaf hash already",
    "/v1/log/{log}/consistency": "salted commitments only",
    "/v1/log/{log}/due": "a checkpoint",
    "/v1/log/{log}/cosigned": "a checkpoint",
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
    {"max_kg": "-1"},
    {"substance": "SAR-999999"},
    {"hidden": "1"},
    {"admin1": "'; --"},
    {"owner": "uz"},
    {"reference": "x" * 65},
]


def standing() -> Iterator[Question]:
    values = {"code": "SAR-000608", "country": "UZ", "owner": "UZ", "version": "1"}
    values["id"] = "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00"
    values |= dict.fromkeys(
        ("request_id", "recall_id", "upload_id", "spectrum_id", "export_id", "question_id", "pack_id"), values["id"]
    )
    values |= {"name": "none", "collection_id": "seizures", "matrix_set_id": "WebMercatorQuad", "sha256": "0" * 64}
    values |= {"entry": "none", "language": "en"}
    values |= {"alert_id": values["id"], "subscription_id": values["id"]}
    for path, variants in STANDING.items():
        for params in variants:
            yield Question(path.format(**values), params)


UNSIGNED = {
    "reference": "not filed",
    "reported": "2025-06-15T10:00:00+05:00",
    "when.month": "2025-06",
    "where.country": "UZ",
    "items": [
        {
            "line": 1,
            "substance": "SAR-000608",
            "reported": {"substance": "heroin", "quantity": "20", "unit": "kg"},
            "status": "PRES",
        }
    ],
}
# Bodies that are answered for a record that the reader does not see as for one that does not exist, by its id.
WELL_FORMED: dict[tuple[str, str], Callable[[str], dict[str, Any]]] = {
    ("POST", "/v1/seizures/check"): lambda _: {"handling": "TLP:GREEN", "facets": UNSIGNED},
    ("POST", "/v1/requests"): lambda id_: {"record": id_, "facets": ["narrative"], "reason": "the same stamp"},
    ("POST", "/v1/recalls"): lambda id_: {"records": [id_], "reason": "not ours"},
    ("POST", "/v1/standings"): lambda id_: {"held": [{"id": id_}]},
    ("PUT", SHARING): lambda id_: {"version": 0, "add": [{"kind": "block", "reason": "not ours"}]},
}


def operations(app: FastAPI) -> set[tuple[str, str]]:
    """(method, path) of everything that is served: as openapi.json describes it, and what it leaves out."""
    found = {(method.upper(), path) for path, its in app.openapi()["paths"].items() for method in its}
    waiting: list[Any] = list(app.routes)
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            waiting.extend(inner.routes)
        else:
            path = getattr(route, "path", "").replace(":path}", "}")
            found |= {(method, path) for method in getattr(route, "methods", None) or ()}
    return {(method, path) for method, path in found if method not in {"HEAD", "OPTIONS"}}


def attempts(operations: Iterable[tuple[str, str]], id_: str) -> Iterator[Question]:
    """Every route that writes, about this id, with nothing in its body, and well-formed where that finds out more."""
    fixed = {"owner": "UZ", "country": "UZ", "version": "1", "name": "none", "kid": "A" * 43}
    for method, path in operations:
        filled = re.sub(r"\{(\w+)(:path)?\}", lambda found: fixed.get(found[1], id_), path)
        yield Question(filled, method=method, body=b"{}")
        if (method, path) in WELL_FORMED:
            yield Question(filled, method=method, body=json.dumps(WELL_FORMED[method, path](id_)).encode())


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
    yield from ({"max_kg": "30"}, {"max_kg": "0"}, {"min_kg": "5", "max_kg": "20"})
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
            yield {"max_kg": kg, "to": "2026-01-01T00:00:00Z"}


def trends() -> Iterator[Question]:
    """Every dimension alone and crossed, and filters; day by day, and over all time."""
    period = {"from": "2025-05", "to": "2025-07"}
    single = ("owner", "country", "admin1", "cell", "group", "substance", "status", "unit", "transport", "concealment")
    for by in ("month", "place_type", *single, "month,group", "admin1,substance", "year,transport", "quarter,owner"):
        yield Question(TRENDS, {"by": by})
        yield Question(TRENDS, {"by": by, **period, "measure": "seizures,items,kg,tablets,first"})
    for params in ({}, period, {"certainty": "SUSPECTED"}, {"substance": "SAR-000608"}, {"group": "cannabis"}):
        yield Question(FLOWS, params)
    for params in (period, {**period, "resolution": "2"}, {**period, "group": "cannabis"}, {}):
        yield Question(HOTSPOTS, params)
    yield Question(TRENDS, {"by": "month", **period, "compare": "previous"})
    yield Question(TRENDS, {"by": "month,group", **period, "compare": "norm", "changes": "true"})
    for by in ("day", "day,group", "day,admin1"):
        yield Question(TRENDS, {"by": by, **period})
    for by in ("year", "substance,owner"):
        yield Question(TRENDS, {"by": by, "measure": "purity"})
        yield Question(TRENDS, {"by": by, "measure": "price", "group": "heroin-opiates"})
    for by in ("month", "sex", "role,age_band", "country"):
        yield Question(TRENDS, {"by": by, "measure": "persons"})
    yield from (
        Question(TRENDS, filters)
        for filters in (
            {"country": "UZ"}, {"admin1": "UZ-SA"}, {"owner": "UZ"}, {"owner": "KZ"}, {"status": "CONF"},
            {"substance": "SAR-000608"}, {"substance": "SAR-000002", "by": "substance", "level": "1"},
            {"group": "cannabis", "by": "cell"}, {"transport": "3"}, {"concealment": "LUG"},
            {"bbox": "66.5,39,67.5,40.5"}, {"from": "2025-05-10", "to": "2025-06-15"},
            {"by": "unit", "measure": "quantity"},
            {"by": "cell", "resolution": "2"}, {"by": "month,month"}, {"by": "hidden"}, {"measure": "hidden"},
            {"from": "2025-07", "to": "2025-05"}, {"substance": "SAR-999999"}, {"group": "none"}, {"by": "day"},
        )
    )  # fmt: skip


def maps() -> Iterator[Question]:
    """Features and tiles of every collection; filters on what is disclosed and on what never is."""
    for name in ("seizures", "cells", "flows"):
        for params in ({}, {"limit": "1"}, {"bbox": "66.5,39,67.5,40.5", "datetime": "2025-05-10/2025-06-15"}):
            yield Question(FEATURES.format(collection_id=name), params)
    for name, z, row, col in (
        *(("cells", 3, 3, 5), ("cells", 8, 97, 175), ("cells", 12, 1552, 2814)),
        *(("seizures", 8, 97, 175), ("seizures", 10, 388, 703), ("seizures", 3, 3, 5), ("flows", 0, 0, 0)),
    ):
        where = {"collection_id": name, "matrix_set_id": "WebMercatorQuad", "z": z, "row": row, "col": col}
        yield Question(TILE.format(**where))
        yield Question(TILE.format(**where), {"group": "cannabis", "from": "2025-05", "to": "2025-06"})
    for params in ({"resolution": "2"}, {"group": "cannabis"}, {"owner": "UZ", "resolution": "3"}, {"group": "none"}):
        yield Question(FEATURES.format(collection_id="cells"), params)
    yield from (
        Question(FEATURES.format(collection_id="seizures"), {"filter": text})
        for text in (
            "country = 'UZ'", "NOT (country = 'UZ')", "country IS NULL", "transport = '3' OR place_type = 'ROAD'",
            "kg > 20", "NOT (kg > 20)", "lines > 1", "substances LIKE '%SAR-0006%'",
            "at > TIMESTAMP('2025-06-01T00:00:00Z')",
            "at IS NULL", "concealment LIKE '%LUG%'", "precision = 'point'", "obligations IS NULL", "admin1 <> 'UZ-SA'",
            "S_INTERSECTS(geometry, BBOX(66.5, 39, 67.5, 40.5))", "S_INTERSECTS(geometry, POINT(66.97 39.65))",
            "jwt = 'x'", "colour = 'x'", "reference = 'x'", "(", "true",
        )
    )  # fmt: skip


def about(id_: str) -> Iterator[Question]:
    """Ways to one record, but the signed copy and the proof."""
    yield Question(ITEM.format(record_id=id_))
    yield Question(HISTORY.format(record_id=id_))
    yield Question(FEATURE.format(collection_id="seizures", feature_id=id_))
    yield Question(SHARING.format(record_id=id_))
    yield Question(ATTACHMENTS.format(record_id=id_))
    yield Question(ITEM.format(record_id=id_), accept=GEOJSON)
    yield Question(ITEM.format(record_id=id_), method="DELETE")
    for method in ("HEAD", "OPTIONS"):
        yield Question(ITEM.format(record_id=id_), method=method)
    yield Question(ITEM.format(record_id=id_.upper()), {"purpose": PURPOSES[0]})
