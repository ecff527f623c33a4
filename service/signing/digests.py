"""Content-Digest (RFC 9530) over bytes as they arrive: the body is never parsed before its digest holds."""

import hashlib
import hmac
from base64 import b64encode
from http import HTTPStatus

import http_sf

from service.problems import Problem

_HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class DigestMismatch(Problem):
    """The body is not the one whose Content-Digest was signed."""

    status = HTTPStatus.BAD_REQUEST


class DigestReader:
    """Hashes a body piece by piece and compares it with every digest that the field names (RFC 9530 §2)."""

    def __init__(self, field: str) -> None:
        """Raises DigestMismatch unless `field` holds sha-256 or sha-512 digests only, and at least one."""
        self._expected = _parse(field)
        self._running = {name: _HASHES[name]() for name in self._expected}

    def update(self, chunk: bytes) -> None:
        for running in self._running.values():
            running.update(chunk)

    def check(self) -> None:
        """Raises DigestMismatch unless the bytes seen so far have every digest named."""
        for name, running in self._running.items():
            if not hmac.compare_digest(running.digest(), self._expected[name]):
                raise DigestMismatch(f"the {name} of the body received differs from Content-Digest")


def content_digest(sha256: bytes) -> str:
    """The Content-Digest field for a body of this SHA-256."""
    return f"sha-256=:{b64encode(sha256).decode()}:"


def _parse(field: str) -> dict[str, bytes]:
    def refuse_duplicate(name: str, context: str) -> None:
        if context == "dictionary":
            raise DigestMismatch(f"Content-Digest names {name} twice")

    try:
        members = http_sf.parse(field.encode("ascii"), tltype="dictionary", on_duplicate_key=refuse_duplicate)
    except (ValueError, TypeError):
        raise DigestMismatch("Content-Digest must be a dictionary such as sha-256=:…: (RFC 9530)") from None
    expected: dict[str, bytes] = {}
    for name, member in dict(members).items():  # type: ignore[arg-type]
        value = member[0] if isinstance(member, tuple) else None
        if name not in _HASHES or not isinstance(value, bytes) or len(value) != _HASHES[name]().digest_size:
            raise DigestMismatch(f"Content-Digest member {name}: expected sha-256 or sha-512 of full length")
        expected[name] = value
    if not expected:
        raise DigestMismatch("Content-Digest must name sha-256 or sha-512")
    return expected
