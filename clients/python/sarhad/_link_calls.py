"""The calls about links between records, and about impurity profiles."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sarhad._calls import Call, _act, _get, _object, _segment, _send


def links(**params: Any) -> Call[dict[str, Any]]:
    """Records that may belong together, the best supported first: by `relation`, `state`, `record`, `agency`."""
    return _get("/v1/links", params)


def link(link_id: str) -> Call[dict[str, Any]]:
    """One link: its reasons in words, and what its parties have said."""
    return _get(f"/v1/links/{_segment(link_id)}")


def link_groups(relation: str, record: str | None = None) -> Call[dict[str, Any]]:
    """Confirmed links of one relation as groups, GeoJSON."""
    return _get("/v1/links/groups", {"relation": relation, "record": record})


def confirm_link(link_id: str, reason: str | None = None) -> Call[dict[str, Any]]:
    """The records belong together, your agency holds; it is so when two keys of the parties say so."""
    return _say_of(link_id, "confirmation", reason)


def reject_link(link_id: str, reason: str) -> Call[dict[str, Any]]:
    """They do not; one party is enough."""
    return _say_of(link_id, "rejection", reason)


def undo_link(link_id: str, reason: str) -> Call[dict[str, Any]]:
    """Take a confirmed link apart again."""
    return _say_of(link_id, "undoing", reason)


def _say_of(link_id: str, act: str, reason: str | None) -> Call[dict[str, Any]]:
    # its caller must see both records, so the purpose is signed too
    return _act(f"/v1/links/{_segment(link_id)}/{act}", {} if reason is None else {"reason": reason}, purposeful=True)


def profile_methods(**params: Any) -> Call[dict[str, Any]]:
    """The declared methods of impurity profiling, and what their calibrations say."""
    return _get("/v1/profile-methods", params)


def declare_profile_method(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Declare a method: code, substance, technique, markers, description."""
    return _act("/v1/profile-methods", document)


def calibrate_profile_method(code: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Teach what a score is worth, from specimens of known batches."""
    return _act(f"/v1/profile-methods/{_segment(code)}/calibrations", document)


def profile_neighbours(record_id: str, n: int = 1, limit: int = 20) -> Call[dict[str, Any]]:
    """The most alike profiles of the same method, and where to ask for more."""
    return _get(f"/v1/profiles/{_segment(record_id)}/{n}/neighbours", {"limit": limit})


def search_profiles(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """The same for a profile that is not filed: method, areas, limit."""
    return replace(_send("POST", "/v1/profiles/search", document, _object), purposeful=True)
