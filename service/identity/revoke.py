"""End a key now. One officer suffices: waiting for a second would leave a lost key in use."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.models import Agency, AgencyKey
from service.problems import NotFound


async def revoke(session: AsyncSession, officer: Caller, kid: str, reason: str) -> AgencyKey:
    """Revoke a key of the officer's country; a key revoked before stays as it was. Raises NotFound.

    It holds from the next request on, in every worker: each request reads its key from the database.
    """
    key = await _key(session, officer.country, kid)
    if key.revoked_at is None:
        await _end(session, officer.country, key, reason, officer.key_id)
    return key


async def _key(session: AsyncSession, country: str, kid: str) -> AgencyKey:
    query = (
        select(AgencyKey)
        .join(Agency, AgencyKey.agency == Agency.code)
        .where(AgencyKey.kid == kid, Agency.country == country)
        .with_for_update(of=AgencyKey)
    )
    key = (await session.scalars(query)).one_or_none()
    if key is None:
        raise NotFound("your country has no such key")
    return key


async def revoke_by_operator(session: AsyncSession, kid: str, reason: str) -> None:
    """The operator's act, for a country whose officers lost their keys. Raises NotFound."""
    country = await session.scalar(
        select(Agency.country).join(AgencyKey, AgencyKey.agency == Agency.code).where(AgencyKey.kid == kid)
    )
    if country is None:
        raise NotFound("no such key")
    key = await _key(session, country, kid)
    if key.revoked_at is None:
        await _end(session, country, key, reason, "operator")


async def _end(session: AsyncSession, country: str, key: AgencyKey, reason: str, by: str) -> None:
    key.revoked_at, key.revocation_reason = datetime.now(UTC), reason
    await record(session, country, "revoke-key", kid=key.kid, reason=reason, by=by)
