"""The calls about the catalogue, texts as reported, structures, provisional substances and national lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from sarhad._calls import Call, _act, _act_signed, _get, _object, _segment, _send, _text


def _results(response: httpx.Response) -> list[dict[str, Any]]:
    return list(_object(response)["results"])


def resolve_substances(names: Sequence[str]) -> Call[list[dict[str, Any]]]:
    """Catalogue codes for names as reported; `code` is None where there is no certain match."""
    return _send("POST", "/v1/substances/resolve", {"names": list(names)}, _results)


def resolve_units(names: Sequence[str]) -> Call[list[dict[str, Any]]]:
    """Units for unit texts as reported."""
    return _send("POST", "/v1/units/resolve", {"names": list(names)}, _results)


def resolve_places(queries: Iterable[Mapping[str, str | None]]) -> Call[list[dict[str, Any]]]:
    """Administrative units for `{country, division, place}` texts."""
    return _send("POST", "/v1/places/resolve", {"queries": [dict(q) for q in queries]}, _results)


def find_substances(**params: Any) -> Call[dict[str, Any]]:
    """Entries of the catalogue by name (`q`), best first; without `q` all of them by code."""
    return _get("/v1/substances", params)


def substance(code: str) -> Call[dict[str, Any]]:
    """One entry of the catalogue: names, tree, identifiers, schedules and sources."""
    return _get(f"/v1/substances/{_segment(code)}")


def control(code: str, on: str | None = None) -> Call[dict[str, Any]]:
    """Which member controls a substance on a day (today's where none is named), and by which entry of its list."""
    return _get(f"/v1/substances/{_segment(code)}/control", {"on": on})


def drawing(code: str) -> Call[str]:
    """The structure of an entry, drawn (SVG)."""
    return Call("GET", f"/v1/substances/{_segment(code)}/structure", _text)


def examine_structure(structure: Mapping[str, str], *, picture: bool = False) -> Call[dict[str, Any]]:
    """What a structure (`{"smiles"}` or `{"mol"}`) is, resembles, and who controls it. Nothing is stored."""
    return _send("POST", "/v1/structures", {"structure": dict(structure), "picture": picture}, _object)


def register_provisional(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """A provisional code for what the catalogue does not have (role laboratory); known to one's own country."""
    return _act("/v1/provisional", document)


def provisional_substances(**params: Any) -> Call[dict[str, Any]]:
    """Provisional entries of one's own country, and those that were published; by `owner`, `resolved`."""
    return _get("/v1/provisional", params)


def provisional_substance(code: str) -> Call[dict[str, Any]]:
    """One provisional entry: what it is held to be, and what it turned out to be."""
    return _get(f"/v1/provisional/{_segment(code)}")


def publish_provisional(code: str) -> Call[dict[str, Any]]:
    """Let every member know a provisional entry of one's own country (role policy_officer)."""
    return _act(f"/v1/provisional/{_segment(code)}/publication", {})


def resolve_provisional(code: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Say what it turned out to be: `{"substance", "reason", "structure_differs"}`; no record changes."""
    return _act(f"/v1/provisional/{_segment(code)}/resolution", document)


def enter_listing(signed: str) -> Call[dict[str, Any]]:
    """Enter the next version of an entry of one's own country's list, as `listings.sign_listing` signed it."""
    return _act_signed("/v1/listings", signed)


def listings(**params: Any) -> Call[dict[str, Any]]:
    """A page of the entries of members' lists, every version; by `country`, `substance`."""
    return _get("/v1/listings", params)


def listing(country: str, entry: str) -> Call[dict[str, Any]]:
    """One entry of a list with its versions as they were signed."""
    return _get(f"/v1/listings/{_segment(country)}/{_segment(entry)}")


def listing_table(**params: Any) -> Call[dict[str, Any]]:
    """The harmonised listing: which member controls what, and the gaps."""
    return _get("/v1/listings/table", params)
