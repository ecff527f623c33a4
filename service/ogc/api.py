"""The API definition for GIS clients: OpenAPI 3.0, which is what OGC API Features names (oas30). Pure."""

from collections.abc import Mapping
from typing import Any

from service.ogc.collections import CELLS, COLLECTIONS, SEIZURES, Collection
from service.ogc.documents import CRS, GEOJSON, JSON, MVT, OPENAPI, SCHEMA

_Schema = Mapping[str, Any]
MOST = 1_000  # features of a page


def definition(root: str) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/": _get("The landing page", JSON),
        "/api": _get("This definition", OPENAPI),
        "/conformance": _get("The conformance classes", JSON),
        "/collections": _get("The collections", JSON),
        "/tileMatrixSets": _get("The tile matrix sets", JSON),
        "/tileMatrixSets/{tileMatrixSetId}": _get("A tile matrix set", JSON, [_path("tileMatrixSetId")]),
    }
    for found in COLLECTIONS.values():
        paths |= _of(found)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Sarhad for GIS", "version": "1", "description": "Requests are signed (RFC 9421)."},
        "servers": [{"url": root}],
        "paths": paths,
    }


def _of(found: Collection) -> dict[str, Any]:
    base = f"/collections/{found.id}"
    tile = [_path(name) for name in ("tileMatrixSetId", "tileMatrix", "tileRow", "tileCol")]
    shown = (*_MAP[:2], _FILTER, _MAP[3]) if found.filters else _MAP
    paths = {
        base: _get(found.title, JSON),
        f"{base}/items": _get(f"{found.title}: a page", GEOJSON, parameters(found)),
        f"{base}/items/{{featureId}}": _get(
            "A feature", GEOJSON, [_path("featureId"), *(p for p in parameters(found) if p["name"] == "crs")]
        ),
        f"{base}/tiles": _get("The tile sets", JSON),
        f"{base}/tiles/{{tileMatrixSetId}}": _get("A tile set", JSON, tile[:1]),
        f"{base}/tiles/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": _get(
            "A tile", MVT, [*tile, *(_query(*each) for each in shown)]
        ),
    }
    if found.filters:
        paths[f"{base}/queryables"] = _get("What a filter may name", SCHEMA)
    return paths


_NUMBERS = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_CRS = {"type": "string", "enum": list(CRS), "default": CRS[0]}
_MAP: tuple[tuple[str, _Schema, str], ...] = (
    ("from", {"type": "string"}, "First month, YYYY-MM."),
    ("to", {"type": "string"}, "Month after the last, YYYY-MM."),
    ("group", {"type": "string"}, "Policy group of substances."),
    ("owner", {"type": "string", "pattern": "^[A-Z]{2}$"}, "Country that reported."),
)
_FILTER: tuple[str, _Schema, str] = ("filter", {"type": "string"}, "CQL2 text on the queryables.")


def parameters(found: Collection) -> list[dict[str, Any]]:
    """The query parameters of a collection's items."""
    told: list[tuple[str, _Schema, str]] = [
        ("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100}, "Features of a page."),
        ("bbox", _NUMBERS, "West, south, east, north."),
        ("datetime", {"type": "string"}, "An instant, or an interval such as 2025-01-01T00:00:00Z/.."),
        ("crs", _CRS, "Of the answer."),
        ("bbox-crs", _CRS, "Of the box."),
        ("cursor", {"type": "string"}, "As the link to the next page has it."),
    ]
    if found is SEIZURES:
        told += [
            _FILTER,
            ("filter-lang", {"type": "string", "enum": ["cql2-text"]}, "The language of the filter."),
            ("filter-crs", {"type": "string", "enum": [CRS[0]]}, "Of the geometries of the filter."),
        ]
    else:
        told += _MAP[2:]
    if found is CELLS:
        told.append(("resolution", {"type": "integer", "minimum": 2, "maximum": 5, "default": 5}, "H3 resolution."))
    return [_query(*each) for each in told]


def _query(name: str, schema: _Schema, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": text,
        "schema": dict(schema),
        "style": "form",
        "explode": False,
    }


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _get(title: str, type_: str, taken: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    responses = {
        "200": {"description": title, "content": {type_: {}}},
        "default": {"description": "A problem (RFC 9457)", "content": {"application/problem+json": {}}},
    }
    return {"get": {"summary": title, **({"parameters": taken} if taken else {}), "responses": responses}}
