"""Record keys: a number that a record has for ever, and that nobody outside can compute.

The key of a cell is the sum of its records' keys modulo 2^32, so a cell has the same key, and therefore the same noise,
whoever asks for it, whenever, under whatever name; and any other set of records has another (Fraser & Wooton 2005).
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

MODULUS = 1 << 32


def record_key(secret: bytes, record_id: UUID) -> int:
    """The first 32 bits of HMAC-SHA-256(secret, the 16 bytes of the id). A correction keeps the id and so the key."""
    return int.from_bytes(hmac.digest(secret, record_id.bytes, "sha256")[:4], "big")


def key_sum(keys: Iterable[int]) -> int:
    return sum(keys) % MODULUS


def draw(key: int, *what: object) -> int:
    """A 32-bit number that depends on the cell's key and on `what` is disturbed, and on nothing else.

    Hashed, because keys add up: the draw of a total must not follow from the draws of its parts.
    """
    text = "\x1f".join(("sarhad-noise", str(key), *map(str, what)))
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")
