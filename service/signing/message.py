"""A request as RFC 9421 sees it, built from the raw bytes of the ASGI scope and the configured public origins.

Scheme and authority never come from what a client or proxy says (X-Forwarded-*): they come from the settings, Host
chooses among them, and a Host that names none is refused. The path is the undecoded `raw_path`, so that an alias of a
path is another request.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from service.problems import Problem
from service.signing.profile import SINGLE

_DEFAULT_PORT = {"http": ":80", "https": ":443"}


class MisdirectedRequest(Problem):
    """The Host header does not name a public origin of this service."""

    status = HTTPStatus.MISDIRECTED_REQUEST


class AmbiguousRequest(Problem):
    """Two readers could understand this request differently."""

    status = HTTPStatus.BAD_REQUEST


class ContentEncodingRefused(Problem):
    """Requests are signed and read as sent: Content-Encoding is not accepted."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class HeaderLines:
    """All field lines in order, as text that keeps their bytes (Latin-1)."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]

    def items(self) -> list[tuple[str, str]]:
        return self._lines

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._lines if key == name]

    def get(self, name: str) -> str | None:
        """The lines of this name joined as RFC 9110 §5.3 says; None without any."""
        found = self.all(name)
        return ", ".join(value.strip(" \t") for value in found) if found else None


class RequestMessage:
    """Method, absolute URL and field lines: what `http_message_signatures` resolves components from."""

    def __init__(self, method: str, url: str, headers: HeaderLines) -> None:
        self.method = method
        self.url = url
        self.headers = headers

    @classmethod
    def of(cls, scope: Mapping[str, Any], *origins: str) -> "RequestMessage":
        """The message of an ASGI HTTP scope, unchecked: enough to bind any response to it. It is sent to the origin
        that Host names, or else to the first.
        """
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"), "")
        origin = next((one for one in origins if _names(host, one)), origins[0])
        path = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string") or b""
        target = path.partition(b"?")[0] + (b"?" + query if query else b"")
        return cls(scope["method"], origin.rstrip("/") + target.decode("latin-1"), HeaderLines(scope["headers"]))

    def check(self, *origins: str) -> None:
        """Raises MisdirectedRequest, AmbiguousRequest or ContentEncodingRefused."""
        names = [name.encode("latin-1") for name, _ in self.headers.items()]
        if repeated := sorted(name.decode() for name in SINGLE if names.count(name) > 1):
            raise AmbiguousRequest(f"header {repeated[0]} must occur once")
        if b"content-length" in names and b"transfer-encoding" in names:
            raise AmbiguousRequest("content-length and transfer-encoding exclude each other (RFC 9112 §6.3)")
        if b"content-encoding" in names:
            raise ContentEncodingRefused("send the body without Content-Encoding")
        host = self.headers.get("host")
        if host is None:
            raise AmbiguousRequest("header host is missing")
        if not any(_names(host, origin) for origin in origins):
            raise MisdirectedRequest(f"expected Host {urlsplit(origins[0]).netloc}")


def _names(host: str, origin: str) -> bool:
    public = urlsplit(origin)
    default = _DEFAULT_PORT[public.scheme]
    return host.lower().removesuffix(default) == public.netloc.lower().removesuffix(default)
