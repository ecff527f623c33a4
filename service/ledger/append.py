"""Commit to a thing in a log, inside the transaction that makes it true."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.ledger.merkle import leaf_hash
from service.ledger.models import Log

SALT_SIZE = 16
DIGEST_SIZE = 32

_APPEND = text(
    "INSERT INTO core.log_pending (log, entry) SELECT :log, entry FROM unnest(CAST(:entries AS bytea[])) AS entry"
)


@dataclass(frozen=True, slots=True)
class PendingLeaf:
    """A leaf on its way into a log, and what opens it.

    entry = SHA-256(salt ‖ digest), so a member who guesses a digest cannot find it in the log; salt and
    digest, in the receipt, open it. leaf_hash = SHA-256(0x00 ‖ entry) is what the log shows (RFC 6962 §2.1).
    """

    log: Log
    digest: bytes
    salt: bytes
    entry: bytes
    leaf_hash: bytes
    subject: str = ""


def commitment(log: Log, digest: bytes, salt: bytes, subject: str = "") -> PendingLeaf:
    """The leaf that commits to a digest; raises ValueError unless the digest has 32 bytes and the salt 16."""
    if len(digest) != DIGEST_SIZE or len(salt) != SALT_SIZE:
        raise ValueError(f"a leaf takes a SHA-256 digest and a {SALT_SIZE} byte salt")
    entry = sha256(salt + digest).digest()
    return PendingLeaf(log, digest, salt, entry, leaf_hash(entry), subject)


async def append(session: AsyncSession, log: Log, digest: bytes, *, subject: str) -> PendingLeaf:
    """Commit to one SHA-256 digest; `subject` names the thing for the caller's receipt and is not logged."""
    leaf = commitment(log, digest, os.urandom(SALT_SIZE), subject)
    await session.execute(_APPEND, {"log": log.value, "entries": [leaf.entry]})
    return leaf


async def append_many(session: AsyncSession, log: Log, digests: Sequence[bytes]) -> list[PendingLeaf]:
    """Commit to SHA-256 digests in one statement; the leaves come back in the order of the digests."""
    salts = os.urandom(SALT_SIZE * len(digests))
    leaves = [
        commitment(log, digest, salts[at * SALT_SIZE : (at + 1) * SALT_SIZE]) for at, digest in enumerate(digests)
    ]
    if leaves:
        await session.execute(_APPEND, {"log": log.value, "entries": [leaf.entry for leaf in leaves]})
    return leaves
