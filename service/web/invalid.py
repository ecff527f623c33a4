"""A request whose members, path or query do not fit, told by JSON pointer."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from service.problems import Problem

_MOST = 20  # faults told at once


class InvalidRequest(Problem):
    """A member, parameter or header does not have the form expected."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def invalid(errors: Sequence[Any]) -> InvalidRequest:
    """The refusal for pydantic errors; values that were sent are not repeated."""
    faults = [_fault(error) for error in errors[:_MOST]]
    first = faults[0]
    where = {name: first[name] for name in ("pointer", "parameter") if name in first}
    return InvalidRequest(first["detail"], **where, errors=faults)


def _fault(error: Any) -> dict[str, str]:
    place, *path = [str(step) for step in error["loc"]] or ["body"]
    if place in ("query", "path", "header", "cookie"):
        name = ".".join(path)
        return {"parameter": name, "in": place, "detail": f"{name}: {error['msg']}"}
    steps = path if place == "body" else [place, *path]
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return {"pointer": pointer, "detail": error["msg"]}
