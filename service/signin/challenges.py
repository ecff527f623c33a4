"""Challenges that need no memory: what they are bound to is in their MAC, and each is spent once.

A challenge is SHA-256(ticket ‖ what it is bound to); its ticket is time ‖ randomness ‖ MAC, which the browser hands
back with the answer of its authenticator. So the assertion of a passkey covers the very keys that it certifies.
"""

import hashlib
import hmac
import secrets
import time
from http import HTTPStatus

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem

LIFE = 180  # seconds that a person may take
_RANDOM, _MAC = 16, 16  # bytes
_SPEND = text(
    "INSERT INTO core.nonce (kid, nonce, expires_at) VALUES ('sign-in', :nonce, to_timestamp(:expires))"
    " ON CONFLICT DO NOTHING RETURNING 1"
)


class ChallengeNotValid(Problem):
    """The challenge is not one that was given for these keys, has run out, or was used before: begin again."""

    status = HTTPStatus.CONFLICT


class Challenges:
    """Makes and checks tickets with a key derived (RFC 5869) from a secret of the service."""

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"sarhad sign-in").derive(secret)
        self._verifiers = HKDF(SHA256(), 32, salt=None, info=b"sarhad sign-in verifier").derive(secret)

    def ticket(self, bound_to: bytes, now: float | None = None) -> bytes:
        """A new ticket for what `bound_to` names; `now` in seconds since the epoch."""
        at = int(time.time() if now is None else now)
        head = at.to_bytes(8, "big") + secrets.token_bytes(_RANDOM)
        return head + self._mac(head, bound_to)

    def check(self, ticket: bytes, bound_to: bytes, now: float | None = None) -> int:
        """When the ticket runs out, in seconds since the epoch. Raises ChallengeNotValid."""
        head, mac = ticket[:-_MAC], ticket[-_MAC:]
        until = int.from_bytes(head[:8], "big") + LIFE
        now = time.time() if now is None else now
        right = len(ticket) == 8 + _RANDOM + _MAC and hmac.compare_digest(mac, self._mac(head, bound_to))
        if not right or now > until:
            raise ChallengeNotValid(f"a challenge holds for {LIFE} s, once, for the keys it was asked with")
        return until

    def verifier(self, ticket: bytes) -> bytes:
        """What only this service knows of a ticket: the secret behind a code challenge (RFC 7636 §4.1)."""
        return hmac.digest(self._verifiers, ticket, "sha256")

    def _mac(self, head: bytes, bound_to: bytes) -> bytes:
        return hmac.digest(self._key, head + bound_to, "sha256")[:_MAC]


def challenge(ticket: bytes, bound_to: bytes) -> bytes:
    """What the authenticator signs."""
    return hashlib.sha256(ticket + bound_to).digest()


async def spend(session: AsyncSession, ticket: bytes, until: int) -> None:
    """In the transaction of what it is used for. Raises ChallengeNotValid where it was used before."""
    values = {"nonce": ticket.hex(), "expires": until}
    if (await session.execute(_SPEND, values)).one_or_none() is None:
        raise ChallengeNotValid("this challenge was used before: begin again")
