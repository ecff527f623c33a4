"""Every refusal as `application/problem+json` (RFC 9457): one renderer, and no word of the database or the
code.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar, cast

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from service.problems import NotFound, Problem
from service.web.bodies import IncompleteBody
from service.web.invalid import invalid

PROBLEM = "application/problem+json"


class MethodNotAllowed(Problem):
    """This resource does not answer that method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class Unavailable(Problem):
    """The service cannot answer now; nothing was changed. Try again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "5"}


class UnexpectedError(Problem):
    """Something failed inside the service; nothing was acknowledged."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class Refused(Problem):
    """The request cannot be served."""


def problem_response(problem: Problem) -> Response:
    return Response(
        orjson.dumps(problem.as_document()),
        status_code=int(problem.as_document()["status"]),  # type: ignore[call-overload]
        headers=dict(problem.response_headers()),
        media_type=PROBLEM,
    )


def install_handlers(app: FastAPI) -> None:
    """Problems, invalid parameters, unknown paths and methods, disconnected clients."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _cut_off)


async def _problem(request: Request, error: Exception) -> Response:
    return problem_response(cast(Problem, error))


async def _invalid(request: Request, error: Exception) -> Response:
    return problem_response(invalid(cast(RequestValidationError, error).errors()))


async def _cut_off(request: Request, error: Exception) -> Response:
    return problem_response(IncompleteBody("the connection ended before the body did"))


def _allowed(request: Request) -> list[str]:
    """Every method that this path answers (RFC 9110 §10.2.1), whichever of its routes was tried first."""
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


async def _http(request: Request, error: Exception) -> Response:
    problem = cast(HTTPException, error)
    match problem.status_code:
        case HTTPStatus.NOT_FOUND:
            return problem_response(NotFound("no resource has this path"))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            response = problem_response(MethodNotAllowed(f"{request.method} is not served here"))
            response.headers["allow"] = ", ".join(_allowed(request))
            return response
        case _:
            refused = Refused("the request cannot be served")
            refused.__dict__["status"] = HTTPStatus(problem.status_code)
            return problem_response(refused)
