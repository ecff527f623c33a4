"""A request whose members, path or query do not fit: a member is told by JSON pointer, a parameter by its name."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request

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


async def hold_to_text(request: Request) -> None:
    """A dependency of every route: no parameter has a NUL, which no text of PostgreSQL holds. Raises InvalidRequest."""
    places = {"path": request.path_params.items(), "query": request.query_params.multi_items()}
    errors = [
        {"loc": (place, name), "msg": "a text has no NUL"}
        for place, given in places.items()
        for name, value in given
        if "\0" in str(value)
    ]
    if errors:
        raise invalid(errors)
