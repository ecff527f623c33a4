"""The calls about exports: ask for one, see how far it is, take a part of its file."""

from typing import Any

from sarhad._calls import Call, _act, _content, _get, _named, _nothing, _segment


def ask_export(format: str, *, subject: str = "records", **filters: Any) -> Call[dict[str, Any]]:
    """Have the records of a search put into a file (csv, xlsx, geojson, gpkg, parquet, geoparquet, stix, sdmx).

    `subject`: `records` (reports); as csv, xlsx or parquet also `analyses`, `precursor-incidents`,
    `clandestine-laboratories`, `price-observations`.
    """
    document = {"subject": subject, "format": format, "filter": _named(filters)}
    return _act("/v1/exports", document, purposeful=True)


def exports(**params: Any) -> Call[dict[str, Any]]:
    """The exports of this key, newest first."""
    return _get("/v1/exports", params)


def export(export_id: str) -> Call[dict[str, Any]]:
    """How far an export is."""
    return _get(f"/v1/exports/{_segment(export_id)}")


def export_part(export_id: str, first: int, last: int) -> Call[bytes]:
    """Bytes `first` to `last` (inclusive) of an export's file."""
    headers = {"range": f"bytes={first}-{last}"}
    return Call("GET", f"/v1/exports/{_segment(export_id)}/file", _content, headers=headers)


def delete_export(export_id: str) -> Call[None]:
    """Give an export up before its time."""
    return Call("DELETE", f"/v1/exports/{_segment(export_id)}", _nothing)
