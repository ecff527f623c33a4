"""What can go wrong on the agency's side of the wire, each with a sentence a person can act on."""

from collections.abc import Mapping
from typing import Any


class SarhadError(Exception):
    """Base of every error this library raises on purpose. It reads in English; `message` has `values` put into it."""

    def __init__(self, message: str = "", /, **values: object) -> None:
        super().__init__(message.format(**values) if values else message)
        self.message, self.values = message, values


class ConfigurationError(SarhadError):
    """A profile or key file is missing, unreadable or incomplete."""


class InputError(SarhadError):
    """The description or table to be sent cannot be turned into records; nothing was sent."""


class ServiceUnreachable(SarhadError):
    """The service did not answer, or what answered is not the service; the same call may be repeated."""


class UnverifiedResponse(SarhadError):
    """The answer does not carry a valid signature of the pinned service key over this very request."""


ADVICE: Mapping[str, str] = {
    "duplicate-reference": "This reference was already reported with other content: correct that record "
    "(`sarhad correct`), or give this report its own reference.",
    "replayed-request": "The request was already used; repeat the call so that it is signed afresh.",
    "signature-refused": "Check that the key is enrolled, that the clock is right, and that the service "
    "address is exactly the one the operator publishes.",
    "misdirected-request": "Use exactly the service address that the operator publishes.",
    "key-not-usable": "Ask your key administrator to enrol another key (`sarhad keys request`).",
    "record-key-unknown": "Ask your key administrator to enrol the record key (`sarhad keys request`).",
    "role-required": "Your key does not hold the role this call needs: ask your key administrator.",
    "purpose-required": "Say why you read: --purpose analysis, operational, forensic, health or statistics.",
    "too-many-requests": "Wait a minute and repeat.",
}


class ProblemError(SarhadError):
    """A refusal by the service, RFC 9457 `application/problem+json`.

    `status` is the HTTP status, `type` the stable identifier (`/problems/duplicate-reference`), `title` and
    `detail` the service's words, `pointer` the JSON pointer (RFC 6901) of the offending value where there
    is one, `members` every other extension member.
    """

    def __init__(self, document: Mapping[str, Any], status: int = 0) -> None:
        self.document = dict(document)
        self.status = int(document.get("status") or status)
        self.type = str(document.get("type") or "about:blank")
        self.title = str(document.get("title") or f"HTTP status {self.status}")
        self.detail = str(document.get("detail") or "")
        self.pointer: str | None = document.get("pointer")
        known = {"type", "title", "status", "detail", "pointer"}
        self.members = {name: value for name, value in document.items() if name not in known}
        super().__init__(self.sentence)

    @property
    def kind(self) -> str:
        """The last segment of `type`, such as `duplicate-reference`."""
        return self.type.rstrip("/").rsplit("/", 1)[-1]

    @property
    def sentence(self) -> str:
        """What was refused, where, and what to do about it, in one line."""
        said = " ".join(part for part in (self.title.strip(), self.detail.strip()) if part)
        where = f" (at {self.pointer})" if self.pointer else ""
        advice = ADVICE.get(self.kind, "")
        return f"{said}{where}{' ' + advice if advice else ''}"
