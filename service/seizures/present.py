"""What a reader gets of a record: the facets its policy gives, decoded from the owner's own disclosures. Pure."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from service.geometry import cell_centre
from service.records.registry import ALL, FACETS, named


def item(row: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], owners_view: bool) -> dict[str, Any]:
    """A record as JSON. `gives` names the facets the policy gives the reader, whether the record has them or not."""
    document: dict[str, Any] = {
        "id": str(row["record_id"]),
        "version": row["version"],
        "kind": row["kind"],
        "owner": row["country"],
        "agency": row["agency"],
        "handling": row["handling"],
        "status": row["status"],
        "own": owners_view,
        "gives": named(row["mask"] & ALL),
        "facets": facets(row["disclosures"]),
    }
    if derived := [_line(line) for line in lines]:
        document["derived"] = {"items": derived}
    return document


def facets(disclosures: Iterable[str | None]) -> dict[str, Any]:
    return {facet: _value(disclosure) for facet, disclosure in zip(FACETS, disclosures, strict=True) if disclosure}


def sd_jwt(row: Mapping[str, Any]) -> str:
    """The owner's signature with the permitted disclosures: any RFC 9901 library verifies it."""
    return "~".join([row["jwt"], *(d for d in row["disclosures"] if d), ""])


def feature(document: dict[str, Any]) -> dict[str, Any]:
    """A GeoJSON feature (RFC 7946): the disclosed point, or the centre of the disclosed cell, or no geometry."""
    given = document["facets"]
    point, cell = given.get("where.point", {}), given.get("where.cell")
    geometry: dict[str, Any] | None = None
    precision = None
    if "lat" in point:
        geometry, precision = _point(float(point["lon"]), float(point["lat"])), "point"
    elif cell:
        geometry, precision = _point(*cell_centre(cell)), "cell"
    return {
        "type": "Feature",
        "id": document["id"],
        "geometry": geometry,
        "properties": {**{k: v for k, v in document.items() if k != "id"}, "precision": precision},
    }


def _point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]}


def _value(disclosure: str) -> Any:
    return orjson.loads(base64.urlsafe_b64decode(disclosure + "=" * (-len(disclosure) % 4)))[2]


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "line": line["line"],
        "substance": line["substance"],
        **{
            name: None if line[name] is None else format(line[name], "f")
            for name in ("quantity", "kg", "kg_low", "kg_high")
        },
        "unit": line["unit"],
        "rule": line["rule"],
    }
