"""The keys that may sign records and policies: read from the database each time, so that a revocation holds
at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import AgencyKey
from service.signing import PublicKey, public_key


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A valid record-signing key: `alg` is its JWS algorithm, `jwk` its public JWK."""

    agency: str
    alg: str
    jwk: dict[str, Any]
    public_key: PublicKey


async def record_signing_keys(session: AsyncSession, kids: Iterable[str], now: datetime) -> dict[str, RecordKey]:
    """The valid ones among `kids`, by kid; a key that is unknown, revoked, of another use or out of its time
    is absent.
    """
    query = select(AgencyKey).where(
        AgencyKey.kid.in_(sorted(kids)),
        AgencyKey.use == "record-signing",
        AgencyKey.not_before <= now,
        or_(AgencyKey.not_after.is_(None), AgencyKey.not_after > now),
        AgencyKey.revoked_at.is_(None),
    )
    return {
        key.kid: RecordKey(key.agency, key.alg, key.public_jwk, public_key(key.public_jwk)[0])
        for key in await session.scalars(query)
    }
