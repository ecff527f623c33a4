"""Everything that may go wrong on purpose, as RFC 9457 problems."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar


class Problem(Exception):
    """An expected refusal. Subclass it next to the rule that raises it.

    The class docstring's first line is the title; `detail` says what was expected of this request; `members`
    are the RFC 9457 §3.2 extension members (`pointer`, `line`, `expected`, …). Nothing hidden from the reader
    may enter either.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @classmethod
    def type_uri(cls) -> str:
        """The stable identifier of this kind of refusal."""
        return "/problems/" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def response_headers(self) -> Mapping[str, str]:
        """HTTP headers that go with this refusal; with a member `retry_after` (seconds) they say so, too."""
        wait = self.members.get("retry_after")
        return self.headers if wait is None else {**self.headers, "retry-after": str(wait)}

    def as_document(self) -> dict[str, object]:
        return {
            "type": self.type_uri(),
            "title": (self.__doc__ or "").strip().splitlines()[0],
            "status": int(self.status),
            "detail": self.detail,
            **self.members,
        }


class NotFound(Problem):
    """There is no such thing, or it is not shared with you."""

    status = HTTPStatus.NOT_FOUND
