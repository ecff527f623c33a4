"""Keyset pages: a cursor is the disclosed sort key of the last row, sealed for one reader and one question.

Sealed with AES-SIV (RFC 5297), which is deterministic: the same page has the same cursor in two worlds that differ only
in what the reader may not see. The associated data binds it to the reader, the filter and the policy version.
"""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.problems import Problem

Key = tuple[datetime | None, UUID]
"""(disclosed time, or None where none is disclosed; record id)"""


class InvalidCursor(Problem):
    """The cursor belongs to another reader, another question or an earlier policy. Start again without it."""


class Cursors:
    """Seals and opens cursors with a key derived (RFC 5869) from a secret of the service."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(HKDF(SHA256(), 64, salt=None, info=b"sarhad cursor").derive(secret))

    def seal(self, key: Key, bound_to: list[str]) -> str:
        at, record = key
        plain = orjson.dumps([at.timestamp() if at else None, str(record)])
        sealed = self._cipher.encrypt(plain, [part.encode() for part in bound_to])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, cursor: str, bound_to: list[str]) -> Key:
        """Raises InvalidCursor."""
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed, [part.encode() for part in bound_to])
        except (binascii.Error, ValueError, InvalidTag):
            raise InvalidCursor("send the request without a cursor to start from the first page") from None
        at, record = orjson.loads(plain)
        return (datetime.fromtimestamp(at, UTC) if at is not None else None, UUID(record))
