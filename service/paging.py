"""Keyset pages: a cursor is the disclosed sort key of the last row, sealed for one reader and one question.

Sealed with AES-SIV (RFC 5297), which is deterministic: the same page has the same cursor in two worlds that differ only
in what the reader may not see. The associated data binds it to the reader, the filter and the policy version.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, DateTime, Uuid, literal, tuple_
from sqlalchemy.orm import QueryableAttribute

from service.base64url import decode, encode
from service.problems import Problem

Key = tuple[datetime | None, UUID]
"""(disclosed time, or None where none is disclosed; record id)"""


def before(
    at: ColumnElement[datetime] | QueryableAttribute[datetime] | QueryableAttribute[datetime | None],
    id_: ColumnElement[UUID] | QueryableAttribute[UUID],
    key: Key,
) -> ColumnElement[bool]:
    """What comes after `key` in a list that is newest first."""
    return tuple_(at, id_) < tuple_(literal(key[0], DateTime(timezone=True)), literal(key[1], Uuid))


class InvalidCursor(Problem):
    """The cursor belongs to another reader, another question or an earlier policy. Start again without it."""


class Cursors:
    """Seals and opens cursors with a key derived (RFC 5869) from a secret of the service."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(HKDF(SHA256(), 64, salt=None, info=b"sarhad cursor").derive(secret))

    def seal(self, key: Key, bound_to: list[str]) -> str:
        at, record = key
        return self.seal_values([at.timestamp() if at else None, str(record)], bound_to)

    def open(self, cursor: str, bound_to: list[str]) -> Key:
        """Raises InvalidCursor."""
        at, record = self.open_values(cursor, bound_to)
        return (datetime.fromtimestamp(at, UTC) if at is not None else None, UUID(record))

    def seal_values(self, values: Sequence[str | int | float | None], bound_to: list[str]) -> str:
        """For rows that are sorted by something else than a time and an id."""
        sealed = self._cipher.encrypt(orjson.dumps(list(values)), [part.encode() for part in bound_to])
        return encode(sealed)

    def open_values(self, cursor: str, bound_to: list[str]) -> list[Any]:
        """What was sealed. Raises InvalidCursor."""
        try:
            plain = self._cipher.decrypt(decode(cursor.encode()), [part.encode() for part in bound_to])
        except (ValueError, InvalidTag):
            raise InvalidCursor("send the request without a cursor to start from the first page") from None
        return list(orjson.loads(plain))
