"""The calls of a country's own officers: who read what, who holds which key, and changes of both."""

from collections.abc import Mapping
from typing import Any

from sarhad._calls import Call, _act, _get, _get_page, _segment
from sarhad.models import Page


def statement(owner: str, /, **filters: Any) -> Call[Page]:
    """One page of who read records of one's own country (roles auditor, policy_officer); `from_` for `from`."""
    return _get_page(f"/v1/statements/{_segment(owner)}", filters)


def readings(**filters: Any) -> Call[Page]:
    """One page of what people of one's own country read (role auditor)."""
    return _get_page("/v1/readings", filters)


def timeliness(**months: Any) -> Call[dict[str, Any]]:
    """How long each stage took and which agencies were silent (roles key_administrator, policy_officer, auditor).

    Of one's own country's records, from `first_month` to `last_month` ("2026-03"), both inclusive.
    """
    return _get("/v1/timeliness", months)


def entry_proof(country: str, entry_id: str) -> Call[dict[str, Any]]:
    """What proves an entry of the statement; `accounts.verify_entry` checks it."""
    return _get(f"/v1/statements/{_segment(country)}/entries/{_segment(entry_id)}/proof")


def balance(country: str, quarter: str) -> Call[dict[str, Any]]:
    """Per partner, what was given and taken in a quarter such as `2026-Q3`."""
    return _get(f"/v1/statements/{_segment(country)}/balance", {"quarter": quarter})


def changes(**params: Any) -> Call[dict[str, Any]]:
    """A page of proposed and decided changes; `cursor` is the `next` of the page before."""
    return _get("/v1/changes", params)


def propose_change(change: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Propose a change of keys or roles (role key_administrator)."""
    return _act("/v1/changes", {"change": dict(change)})


def approve_change(change_id: str) -> Call[dict[str, Any]]:
    """Approve a change that another officer proposed."""
    return _act(f"/v1/changes/{_segment(change_id)}/approval", {})


def reject_change(change_id: str, reason: str) -> Call[dict[str, Any]]:
    """Reject a proposed change of one's own country."""
    return _act(f"/v1/changes/{_segment(change_id)}/rejection", {"reason": reason})


def keys(**params: Any) -> Call[dict[str, Any]]:
    """A page of the directory of keys; `cursor` is the `next` of the page before."""
    return _get("/v1/keys", params)


def revoke_key(kid: str, reason: str) -> Call[dict[str, Any]]:
    """Revoke a key of one's own country, from the next request on."""
    return _act(f"/v1/keys/{_segment(kid)}/revocation", {"reason": reason})
