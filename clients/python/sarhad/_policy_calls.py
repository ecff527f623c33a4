"""The calls about policies: the documents, their drafts and trials, and suspensions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sarhad._calls import Call, _act, _act_signed, _get, _nothing, _object, _segment, _send


def _policy(owner: str) -> str:
    return f"/v1/policies/{_segment(owner)}"


def get_policy(owner: str) -> Call[dict[str, Any]]:
    """The policy of a country (`KZ`) or the ceiling of its agency (`KZ-CUS`): in force, next, proposed, history."""
    return _get(_policy(owner))


def policy_versions(owner: str, /, **params: Any) -> Call[dict[str, Any]]:
    """A page of the versions of a policy in brief, newest first."""
    return _get(f"{_policy(owner)}/versions", params)


def policy_version(owner: str, version: int) -> Call[dict[str, Any]]:
    """One version of a policy with its document and the signatures of both officers."""
    return _get(f"{_policy(owner)}/versions/{version}")


def policy_words(owner: str, version: int, language: str = "en") -> Call[dict[str, Any]]:
    """One version of a policy as sentences, `en` or `ru`."""
    return _get(f"{_policy(owner)}/versions/{version}/words", {"language": language})


def policy_diff(owner: str, to: int, from_: int | None = None, language: str = "en") -> Call[dict[str, Any]]:
    """What a version changes, in words; by default against what is in force."""
    return _get(f"{_policy(owner)}/diff", {"from": from_, "to": to, "language": language})


def policy_odrl(owner: str, version: int) -> Call[dict[str, Any]]:
    """One version of a policy as ODRL 2.2 (JSON-LD)."""
    return _get(f"{_policy(owner)}/versions/{version}/odrl")


def check_policy(owner: str, document: Mapping[str, Any], language: str = "en") -> Call[dict[str, Any]]:
    """Whether a document would be taken as a proposal, what it says and what it would change. Keeps nothing."""
    call = _send("POST", f"{_policy(owner)}/check", {"document": dict(document)}, _object)
    return replace(call, params={"language": language})


def propose_policy(owner: str, signed: str) -> Call[dict[str, Any]]:
    """Propose what `policies.sign_policy` signed (role policy_officer); another officer approves it."""
    return _act_signed(f"{_policy(owner)}/proposals", signed)


def approve_policy(owner: str, version: int, approval: str) -> Call[dict[str, Any]]:
    """Approve another officer's proposal with what `policies.sign_approval` signed."""
    return _act_signed(f"{_policy(owner)}/proposals/{version}/approval", approval)


def reject_policy(owner: str, version: int, reason: str) -> Call[dict[str, Any]]:
    """End a proposal without effect: withdraw one's own, or reject another's."""
    return _act(f"{_policy(owner)}/proposals/{version}/rejection", {"reason": reason})


def policy_drafts(owner: str, /, **params: Any) -> Call[dict[str, Any]]:
    """A page of the drafts of a policy, without their documents, last changed first."""
    return _get(f"{_policy(owner)}/drafts", params)


def policy_draft(owner: str, draft_id: str) -> Call[dict[str, Any]]:
    """One draft with its document; `fault` says what keeps it from being proposed."""
    return _get(f"{_policy(owner)}/drafts/{_segment(draft_id)}")


def begin_draft(owner: str, name: str, document: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Keep a draft for the policy officers of one's country."""
    return _act(f"{_policy(owner)}/drafts", {"name": name, "document": dict(document)})


def change_draft(
    owner: str, draft_id: str, name: str, document: Mapping[str, Any], revision: int
) -> Call[dict[str, Any]]:
    """Save a draft over the revision that was read."""
    body = {"name": name, "document": dict(document), "revision": revision}
    return _send("PUT", f"{_policy(owner)}/drafts/{_segment(draft_id)}", body, _object, repeatable=False)


def discard_draft(owner: str, draft_id: str) -> Call[None]:
    """End a draft."""
    return Call("DELETE", f"{_policy(owner)}/drafts/{_segment(draft_id)}", _nothing, repeatable=False)


def preview_policy(owner: str, question: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """One's own records exactly as another reader sees or would see them: {as, version|document, question}."""
    return _send("POST", f"{_policy(owner)}/preview", dict(question), _object)


def simulate_policy(owner: str, question: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Who would newly see or lose which own records of a period: {version|document, from, to}."""
    return _send("POST", f"{_policy(owner)}/simulation", dict(question), _object)


def suspend(suspension: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """The kill switch: stop sharing with a country, agency, key or everyone from the next request on."""
    return _act("/v1/suspensions", dict(suspension))


def suspensions(**params: Any) -> Call[dict[str, Any]]:
    """A page of the suspensions of one's own country, newest first; `state`: in-force, lifted."""
    return _get("/v1/suspensions", params)


def lift_suspension(suspension_id: str, reason: str) -> Call[dict[str, Any]]:
    """Lift a suspension that another officer ordered."""
    return _act(f"/v1/suspensions/{_segment(suspension_id)}/lifting", {"reason": reason})
