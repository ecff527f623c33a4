"""What a caller must hold and state before a route may serve it."""

from http import HTTPStatus
from typing import Any

import http_sf

from service.identity.caller import PURPOSES, Caller
from service.problems import Problem


class RoleRequired(Problem):
    """This key does not hold a role that may do this."""

    status = HTTPStatus.FORBIDDEN


class PurposeRequired(Problem):
    """Shared data is read for a stated purpose: the header sarhad-purpose is missing."""

    status = HTTPStatus.FORBIDDEN


class UnknownPurpose(Problem):
    """The header sarhad-purpose does not state one purpose that the exchange knows."""

    status = HTTPStatus.BAD_REQUEST


def permit(caller: Caller, roles: frozenset[str], *, purpose: bool) -> None:
    """Raises RoleRequired or PurposeRequired unless `caller` holds one of `roles` and states its purpose."""
    if roles and not roles & caller.roles:
        raise RoleRequired(f"this needs one of: {', '.join(sorted(roles))}", expected=sorted(roles))
    if purpose and caller.purpose is None:
        raise PurposeRequired(
            f"sign a sarhad-purpose, one of: {', '.join(sorted(PURPOSES))}",
            expected=sorted(PURPOSES),
        )


def read_purpose(field: str | None) -> tuple[str | None, str | None]:
    """(purpose, case) of a `sarhad-purpose` field such as `operational; case="ABC-1"` (RFC 9651 item)."""
    if field is None:
        return None, None
    try:
        item: Any = http_sf.parse(field.encode("ascii"), tltype="item")
        value, parameters = item
    except (ValueError, TypeError):
        raise UnknownPurpose('expected an item such as operational; case="ABC-1"', header="sarhad-purpose") from None
    purpose, case = str(value), parameters.get("case")
    if not isinstance(value, http_sf.Token) or purpose not in PURPOSES or set(parameters) - {"case"}:
        raise UnknownPurpose(
            f"expected one of {', '.join(sorted(PURPOSES))}, with no other parameter than case",
            header="sarhad-purpose",
            expected=sorted(PURPOSES),
        )
    if case is not None and (not isinstance(case, str) or not 0 < len(case) <= 64):
        raise UnknownPurpose("case must be a string of 1 to 64 characters", header="sarhad-purpose")
    return purpose, case
