"""The keys that may sign records and policies: read from the database each time, so that a revocation holds
at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import AgencyKey, SessionKey, in_force
from service.signing import PublicKey, public_key


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A valid record-signing key: `alg` is its JWS algorithm, `jwk` its public JWK; `person`
    is whose sign-in brought it."""

    agency: str
    alg: str
    jwk: dict[str, Any]
    public_key: PublicKey
    person: UUID | None = None


async def record_signing_keys(session: AsyncSession, kids: Iterable[str], now: datetime) -> dict[str, RecordKey]:
    """The valid ones among `kids`, by kid; a key that is unknown, revoked, of another use or out of its time
    is absent.
    """
    return await _valid(session, AgencyKey.kid.in_(sorted(kids)), now)


async def record_signing_keys_of(session: AsyncSession, agency: str, now: datetime) -> dict[str, RecordKey]:
    """The valid ones of one agency, by kid."""
    return await _valid(session, AgencyKey.agency == agency, now)


async def _valid(session: AsyncSession, wanted: ColumnElement[bool], now: datetime) -> dict[str, RecordKey]:
    query = (
        select(AgencyKey, SessionKey.person)
        .outerjoin(SessionKey, SessionKey.kid == AgencyKey.kid)
        .where(
            wanted,
            AgencyKey.use == "record-signing",
            in_force(now),
        )
    )
    return {
        key.kid: RecordKey(key.agency, key.alg, key.public_jwk, public_key(key.public_jwk)[0], person)
        for key, person in await session.execute(query)
    }
