"""What a reader gets of a record: the facets its policy gives, decoded from the owner's own disclosures. Pure."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson

from service.base64url import decode
from service.geometry import cell_centre
from service.policies import obligations
from service.problems import Problem
from service.records import sealing
from service.records.registry import ALL, FACETS, named


class FacetUnreadable(Problem):
    """Facets of this record are shared with you, and the key of its owner's country that opens them cannot be used."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


def item(row: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], owners_view: bool) -> dict[str, Any]:
    """A report as JSON."""
    document = whole(row, owners_view)
    if derived := [_line(line) for line in lines]:
        document["derived"] = {"items": derived}
    return document


def whole(row: Mapping[str, Any], owners_view: bool) -> dict[str, Any]:
    """What is said of a record of every kind. `gives` names the facets the policy gives, whether it has them or not,
    and `obligations` what the reader owes for them; `recalled` marks a record that its owner has taken back from all
    others; `unreadable` says which facets are given but cannot be opened, and why.
    """
    said = sealing.opened(row)
    document: dict[str, Any] = {
        "id": str(row["record_id"]),
        "version": row["version"],
        "kind": row["kind"] if row["status"] != "retracted" else "retraction",
        "owner": row["country"],
        "agency": row["agency"],
        "handling": row["handling"],
        "status": row["status"],
        "own": owners_view,
        "gives": named(row["mask"] & ALL),
        "obligations": obligations.named(row["duties"]),
        "facets": facets(said.disclosures),
    }
    if said.unreadable:
        document["unreadable"] = said.unreadable
    if row.get("recalled"):
        document["recalled"] = True
    return document


def facets(disclosures: Iterable[str | None]) -> dict[str, Any]:
    return {facet: value(disclosure) for facet, disclosure in zip(FACETS, disclosures, strict=True) if disclosure}


def sd_jwt(row: Mapping[str, Any]) -> str:
    """The owner's signature with the permitted disclosures: any RFC 9901 library verifies it. Raises
    FacetUnreadable.
    """
    said = sealing.opened(row)
    if said.unreadable:
        raise FacetUnreadable("without them it would look as if they were withheld", facets=said.unreadable)
    return "~".join([row["jwt"], *(d for d in said.disclosures if d), ""])


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


def value(disclosure: str) -> Any:
    return orjson.loads(decode(disclosure.encode()))[2]


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """`status` and `substance` as they count; what was reported beside them, where a laboratory says otherwise."""
    reported = {}
    if line["status_reported"] is not None:
        reported = {name: line[name] for name in ("substance_reported", "status_reported")}
    if line["analysis_id"] is not None:
        reported["result"] = {"analysis": str(line["analysis_id"]), "version": line["analysis_version"]}
    return {
        "line": line["line"],
        "substance": line["substance"],
        "status": line["status"],
        **reported,
        **{
            name: None if line[name] is None else format(line[name], "f")
            for name in ("quantity", "kg", "kg_low", "kg_high")
        },
        "unit": line["unit"],
        "rule": line["rule"],
    }
