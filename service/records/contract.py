"""The record contract as JSON Schema 2020-12, written from the shapes that validate.

`documents()` is what `schemas/records/` must hold; `python -m service.records.contract` writes it.
"""

import json
from pathlib import Path
from typing import Any

from service.records.analysis_shapes import AnalysisFacets
from service.records.observed_shapes import IncidentFacets, PriceFacets, SiteFacets
from service.records.registry import ALLOWED, DIGESTS, FACETS, HANDLING, KINDS, REQUIRED, SCHEMA_VERSION
from service.records.sdjwt import ALGORITHMS, TYPE
from service.records.shapes import Common, Facets

# Kinds whose facets have shapes of their own.
SHAPES: dict[str, type[Common]] = {
    "analysis": AnalysisFacets,
    "precursor_incident": IncidentFacets,
    "clandestine_laboratory": SiteFacets,
    "price_observation": PriceFacets,
}
FOLDER = Path(__file__).parents[2] / "schemas" / "records"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BASE64URL_32 = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"


def documents() -> dict[str, Any]:
    """Every schema by its path below `schemas/records/`."""
    return {
        "header.json": _header(),
        "payload.json": _payload(),
        "disclosure.json": _disclosure(),
        **{f"facets/{facet}.json": schema for facet, schema in _facets(Facets).items()},
        **{
            f"facets/{kind}.{facet}.json": _facets(shape)[facet]
            for kind, shape in SHAPES.items()
            for facet in _of_its_own(kind)
        },
        **{f"{kind}.json": _kind(kind) for kind in KINDS},
    }


def text(document: Any) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _facets(shape: type[Common]) -> dict[str, Any]:
    whole = shape.model_json_schema(by_alias=True, mode="validation")
    shared = whole.get("$defs", {})
    return {
        facet: {"$schema": DIALECT, "title": facet, **_inline(_tidy(whole["properties"][facet]), shared)}
        for facet in FACETS
        if facet in whole["properties"]
    }


def _of_its_own(kind: str) -> list[str]:
    """The facets that have another shape in this kind than in a report."""
    if kind not in SHAPES:
        return []
    reports, own = _facets(Facets), _facets(SHAPES[kind])
    return [facet for facet in own if own[facet] != reports[facet]]


def _inline(schema: Any, shared: dict[str, Any]) -> Any:
    """Each facet stands alone: references to shapes are replaced by the shapes, which never recur."""
    if isinstance(schema, list):
        return [_inline(part, shared) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(_tidy(shared[schema["$ref"].rpartition("/")[2]]), shared)
    return {name: _inline(_tidy(part), shared) for name, part in schema.items()}


def _tidy(schema: Any) -> Any:
    """Drops what pydantic adds for itself: titles, and a null default for members that may be left out."""
    if not isinstance(schema, dict):
        return schema
    noise = {"title"} if isinstance(schema.get("title"), str) else set()
    if "default" in schema and schema["default"] is None:
        noise.add("default")
    return {name: part for name, part in schema.items() if name not in noise}


def _header() -> dict[str, Any]:
    members = {
        "alg": {"enum": list(ALGORITHMS)},
        "kid": {"type": "string", "pattern": _BASE64URL_32, "description": "RFC 7638 thumbprint of the key"},
        "typ": {"const": TYPE},
    }
    return _closed("JOSE header of a record", members, sorted(members))


def _payload() -> dict[str, Any]:
    digest = {"type": "string", "pattern": _BASE64URL_32}
    members: dict[str, Any] = {
        "iss": {"type": "string", "pattern": "^[A-Z]{2}-[A-Z0-9]{2,12}$", "description": "agency code"},
        "jti": {"type": "string", "format": "uuid", "description": "record id: UUID version 4, lower case"},
        "kind": {"enum": list(KINDS)},
        "schema": {"const": SCHEMA_VERSION},
        "ver": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "prev": {**digest, "description": "SHA-256 of the ASCII bytes of the JWT this version replaces"},
        "handling": {"enum": list(HANDLING), "description": "FIRST TLP 2.0"},
        "_sd_alg": {"const": "sha-256"},
        "_sd": {
            "type": "array",
            "items": digest,
            "minItems": DIGESTS,
            "maxItems": DIGESTS,
            "uniqueItems": True,
        },
    }
    return {
        **_closed("Payload of a record", members, sorted(members.keys() - {"prev"})),
        "if": {"properties": {"ver": {"const": 1}}},
        "then": {"properties": {"prev": False, "kind": {"not": {"const": "retraction"}}}},
        "else": {"required": ["prev"]},
    }


def _disclosure() -> dict[str, Any]:
    salt = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22,86}$", "description": "128 random bits or more"}
    return {
        "$schema": DIALECT,
        "title": "Disclosure of a facet (RFC 9901), before base64url",
        "type": "array",
        "prefixItems": [salt, {"enum": list(FACETS)}, {"description": "the value, see facets/"}],
        "items": False,
        "minItems": 3,
    }


def _kind(kind: str) -> dict[str, Any]:
    own = _of_its_own(kind)
    facets: dict[str, Any] = {
        facet: {"$ref": f"facets/{kind}.{facet}.json" if facet in own else f"facets/{facet}.json"}
        for facet in FACETS
        if facet in ALLOWED[kind]
    }
    return _closed(f"Facets of a {kind} record, all disclosed", facets, sorted(REQUIRED[kind]))


def _closed(title: str, members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": False,
    }


def write() -> None:
    for path, document in documents().items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text(document), encoding="utf-8")


if __name__ == "__main__":
    write()
