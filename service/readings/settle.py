"""Settles the account of a request before its answer leaves: the entry is durable, or there is no answer."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar

import structlog

from service.problems import Problem
from service.readings.account import Account
from service.readings.entry import Reading, question_digest, rows
from service.readings.write import AccessWriter
from service.signing import RequestMessage

_log = structlog.get_logger("sarhad.readings")


class ReadingNotLogged(Problem):
    """The access log cannot be written, so that nothing is read. Try again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "5"}


class AnswerNotAccounted(Problem):
    """The answer was withheld, because the service could not say whose records it held."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class Settling:
    """What the edge calls with every complete answer, before any of it leaves."""

    def __init__(self, writer: AccessWriter, origins: Sequence[str]) -> None:
        self._writer = writer
        self._origins = origins

    async def __call__(self, scope: Mapping[str, Any], status: int, answer: bytes) -> None:
        """`answer` is the SHA-256 digest of its body. Raises ReadingNotLogged or AnswerNotAccounted."""
        state = scope.get("state", {})
        made: Account | None = state.get("account")
        if made is None and not state.get("reads"):
            return
        route = getattr(scope.get("route"), "path", "")
        if status >= HTTPStatus.BAD_REQUEST:
            made = Account()  # a refusal shows nothing, whatever the route found before it refused
        elif made is None and state.get("reads_shared"):
            _log.error("answer not accounted for", route=route)
            raise AnswerNotAccounted("nothing was shown; the operator was told")
        try:
            await self._writer.write(rows(self._reading(scope, status, answer), made or Account()))
        except Exception as fault:
            _log.error("access log not written", error=type(fault).__name__, route=route)
            raise ReadingNotLogged("every reading is logged before it is answered, and the log is closed") from None

    def _reading(self, scope: Mapping[str, Any], status: int, answer: bytes) -> Reading:
        state = scope["state"]
        return Reading(
            at=datetime.now(UTC),
            caller=state["caller"],
            method=scope["method"],
            route=getattr(scope.get("route"), "path", ""),
            policy=state.get("policy", ""),
            status=status,
            question=question_digest(RequestMessage.of(scope, *self._origins)),
            answer=answer,
        )
