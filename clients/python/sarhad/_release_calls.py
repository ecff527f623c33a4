"""The calls about single records: requests to originators, sharing rules, recalls, and the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sarhad._calls import Call, _act, _get, _nothing, _object, _segment, _send


def ask_originator(record_id: str, facets: Sequence[str], reason: str, **terms: Any) -> Call[dict[str, Any]]:
    """Ask the owner of a record for facets that are withheld, for the client's purpose and case."""
    document = {"record": record_id, "facets": list(facets), "reason": reason, **terms}
    return _act("/v1/requests", document, purposeful=True)


def requests(**params: Any) -> Call[dict[str, Any]]:
    """Requests to one's country (`role="owner"`) or of one's agency (`role="asker"`), by `state`."""
    return _get("/v1/requests", params)


def request(request_id: str) -> Call[dict[str, Any]]:
    """One request, to its two sides."""
    return _get(f"/v1/requests/{_segment(request_id)}")


def answer_request(request_id: str, decision: str, **terms: Any) -> Call[dict[str, Any]]:
    """Answer a request: `full`, `part` (with `facets`) or `refused` (with `refusal` and `text`)."""
    return _act(f"/v1/requests/{_segment(request_id)}/answer", {"decision": decision, **terms})


def withdraw_request(request_id: str) -> Call[dict[str, Any]]:
    """Withdraw a request of one's own agency."""
    return _act(f"/v1/requests/{_segment(request_id)}/withdrawal", {})


def sharing(record_id: str) -> Call[dict[str, Any]]:
    """The grants, blocks and embargoes of an own record."""
    return _get(f"/v1/records/{_segment(record_id)}/sharing")


def put_sharing(record_id: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Replace them: `{"version", "keep", "add"}`, effective from the next request of anyone."""
    return _send("PUT", f"/v1/records/{_segment(record_id)}/sharing", document, _object, repeatable=False)


def recall(document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Take own records back: `{"records"}` or `{"query"}`, with the `reason`."""
    return _act("/v1/recalls", document)


def standings(held: Mapping[str, int]) -> Call[dict[str, Any]]:
    """How records stand of which one holds copies, {id: version}: current, corrected, recalled and so on."""
    document = {"held": [{"id": id_, "version": version} for id_, version in held.items()]}
    return replace(_send("POST", "/v1/standings", document, _object), purposeful=True)


def recalls(**params: Any) -> Call[dict[str, Any]]:
    """Recalls addressed to one's agency, or (`role="owner"`) made by one's country."""
    return _get("/v1/recalls", params)


def acknowledge_recall(recall_id: str, done: str, **said: Any) -> Call[dict[str, Any]]:
    """Say what became of one's copies: `deleted`, or `kept` with its `legal_reference`."""
    return _act(f"/v1/recalls/{_segment(recall_id)}/acknowledgement", {"done": done, **said})


def inbox(**params: Any) -> Call[dict[str, Any]]:
    """What concerns one's agency, newest first; `since` of an answer asks for what came after it."""
    return _get("/v1/inbox", params)


def acknowledge_notice(notice_id: str) -> Call[None]:
    """Take note of one notice of the inbox."""
    return _send("POST", f"/v1/inbox/{_segment(notice_id)}/acknowledgement", {}, _nothing)
