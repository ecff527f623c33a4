"""What the interface says about itself: landing page, conformance, collections, queryables, tile sets. Pure.

Extents are the world and all time for everybody: an extent of rows would tell of rows.
"""

from typing import Any

from service.ogc.collections import COLLECTIONS, Collection
from service.ogc.grid import HALF, MATRIX_SET

JSON, GEOJSON, MVT = "application/json", "application/geo+json", "application/vnd.mapbox-vector-tile"
OPENAPI, SCHEMA = "application/vnd.oai.openapi+json;version=3.0", "application/schema+json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
CRS = (CRS84, EPSG4326)
MATRICES = "http://www.opengis.net/def/tilematrixset/OGC/1.0/" + MATRIX_SET
_CLASSES = "http://www.opengis.net/spec/"
CONFORMS_TO = [
    _CLASSES + name
    for name in (
        *(f"ogcapi-features-1/1.0/conf/{part}" for part in ("core", "geojson", "oas30")),
        "ogcapi-features-2/1.0/conf/crs",
        *(f"ogcapi-features-3/1.0/conf/{part}" for part in ("queryables", "filter", "features-filter")),
        *(f"cql2/1.0/conf/{part}" for part in ("cql2-text", "basic-cql2", "basic-spatial-functions")),
        *(
            f"ogcapi-tiles-1/1.0/conf/{part}"
            for part in ("core", "mvt", "tileset", "tilesets-list", "geodata-tilesets")
        ),
    )
]
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_PIXEL = 0.00028  # metres, standardised rendering pixel (OGC 17-083r4 §6.1.1.1)


def link(href: str, rel: str, type_: str, title: str = "", **more: object) -> dict[str, Any]:
    return {"href": href, "rel": rel, "type": type_, **({"title": title} if title else {}), **more}


def landing(root: str) -> dict[str, Any]:
    return {
        "title": "Sarhad",
        "description": "Seizures shared with the caller, as features and vector tiles. Requests are signed (RFC 9421).",
        "links": [
            link(root, "self", JSON),
            link(root + "/api", "service-desc", OPENAPI),
            link(root + "/conformance", "conformance", JSON),
            link(root + "/collections", "data", JSON),
            link(root + "/tileMatrixSets", _REL + "tiling-schemes", JSON),
        ],
    }


def conformance() -> dict[str, Any]:
    return {"conformsTo": CONFORMS_TO}


def collections(root: str) -> dict[str, Any]:
    return {
        "links": [link(root + "/collections", "self", JSON)],
        "crs": list(CRS),
        "collections": [collection(root, each) for each in COLLECTIONS.values()],
    }


def collection(root: str, found: Collection) -> dict[str, Any]:
    base = f"{root}/collections/{found.id}"
    links = [
        link(base, "self", JSON),
        link(base + "/items", "items", GEOJSON),
        link(base + "/tiles", _REL + "tilesets-vector", JSON),
    ]
    if found.filters:
        links.append(link(base + "/queryables", _REL + "queryables", SCHEMA))
    return {
        "id": found.id,
        "title": found.title,
        "description": found.description,
        "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]], "crs": CRS84},
            "temporal": {"interval": [[None, None]]},
        },
        "crs": list(CRS),
        "storageCrs": CRS84,
        "links": links,
    }


def queryables(root: str, found: Collection) -> dict[str, Any]:
    """The columns that a filter may name, the same for every reader; no other can be named (OGC 19-079r2 §6)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root}/collections/{found.id}/queryables",
        "type": "object",
        "title": found.title,
        "additionalProperties": False,
        "properties": {
            "geometry": {"format": f"geometry-{found.geometry.lower()}", "x-ogc-role": "primary-geometry"},
            **found.columns,
        },
    }


def tilesets(root: str, found: Collection) -> dict[str, Any]:
    return {"links": [link(_tiles(root, found), "self", JSON)], "tilesets": [tileset(root, found)]}


def tileset(root: str, found: Collection) -> dict[str, Any]:
    base = f"{_tiles(root, found)}/{MATRIX_SET}"
    first, last = found.zooms
    return {
        "title": found.title,
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": MATRICES,
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(z),
                **{f"{m}Tile{a}": v for a in ("Row", "Col") for m, v in (("min", 0), ("max", (1 << z) - 1))},
            }
            for z in range(first, last + 1)
        ],
        "layers": [{"id": found.id, "dataType": "vector", "geometryDimension": _DIMENSION[found.geometry]}],
        "links": [
            link(base, "self", JSON),
            link(f"{base}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT, templated=True),
            link(f"{root}/tileMatrixSets/{MATRIX_SET}", _REL + "tiling-scheme", JSON),
            link(f"{root}/collections/{found.id}", _REL + "geodata", JSON),
        ],
    }


_DIMENSION = {"Point": 0, "LineString": 1, "Polygon": 2}


def _tiles(root: str, found: Collection) -> str:
    return f"{root}/collections/{found.id}/tiles"


def matrix_sets(root: str) -> dict[str, Any]:
    own = link(f"{root}/tileMatrixSets/{MATRIX_SET}", "self", JSON)
    return {"tileMatrixSets": [{"id": MATRIX_SET, "uri": MATRICES, "links": [own]}]}


def matrix_set() -> dict[str, Any]:
    """WebMercatorQuad (OGC 17-083r4, annex D.1)."""
    return {
        "id": MATRIX_SET,
        "uri": MATRICES,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(z),
                "scaleDenominator": 2 * HALF / 256 / (1 << z) / _PIXEL,
                "cellSize": 2 * HALF / 256 / (1 << z),
                "pointOfOrigin": [-HALF, HALF],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 1 << z,
                "matrixHeight": 1 << z,
            }
            for z in range(max(last for _, last in (c.zooms for c in COLLECTIONS.values())) + 1)
        ],
    }
