"""The calls about figures of what is shared, and about obligation packs of what is one's own."""

from typing import Any

from sarhad._calls import Call, _act, _content, _get, _segment


def trends(**question: Any) -> Call[dict[str, Any]]:
    """Counts and sums, as `GET /v1/trends`; `from_` for `from`."""
    return _get("/v1/trends", question)


def flows(**question: Any) -> Call[dict[str, Any]]:
    """Routes as reported, as `GET /v1/flows`."""
    return _get("/v1/flows", question)


def hotspots(**question: Any) -> Call[dict[str, Any]]:
    """Clusters in space and time, as `GET /v1/hotspots`."""
    return _get("/v1/hotspots", question)


def prices(**question: Any) -> Call[dict[str, Any]]:
    """Prices by period, as in `GET /v1/prices`; `from_` for `from`."""
    return _get("/v1/prices", question)


def timeline(**question: Any) -> Call[dict[str, Any]]:
    """A product beside its precursors and laboratories, by month; `from_` for `from`."""
    return _get("/v1/timeline", question)


def pack_forms() -> Call[dict[str, Any]]:
    """The forms that packs are made for."""
    return _get("/v1/packs/forms")


def draft_pack(form: str, first_month: str, last_month: str) -> Call[dict[str, Any]]:
    """Draft an obligation pack from own records; months are inclusive."""
    return _act("/v1/packs", {"form": form, "first_month": first_month, "last_month": last_month})


def packs(**params: Any) -> Call[dict[str, Any]]:
    """A page of the packs of the own country, newest first; `cursor` is the `next` of the page before."""
    return _get("/v1/packs", params)


def pack(pack_id: str) -> Call[dict[str, Any]]:
    """One pack with its rows, coverage and provenance."""
    return _get(f"/v1/packs/{_segment(pack_id)}")


def pack_workbook(pack_id: str) -> Call[bytes]:
    """The workbook (XLSX) of a pack; frozen once approved."""
    return Call("GET", f"/v1/packs/{_segment(pack_id)}/workbook", _content)


def approve_pack(pack_id: str, digest: str) -> Call[dict[str, Any]]:
    """Approve exactly this content, as focal point."""
    return _act(f"/v1/packs/{_segment(pack_id)}/approval", {"digest": digest})


def discard_pack(pack_id: str, digest: str) -> Call[dict[str, Any]]:
    """End a draft, as focal point."""
    return _act(f"/v1/packs/{_segment(pack_id)}/discard", {"digest": digest})
