"""Whether the key of an officer may still act: what it proposed lapses with its authority."""

from datetime import UTC, datetime

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import AgencyKey, RoleGrant

_ONE_HAND = text("SELECT gate.one_hand(:one, :other)")


async def same_hand(session: AsyncSession, one: str | None, other: str) -> bool:
    """Whether two keys are one hand: one key, or both brought by sign-ins of one person."""
    return bool(await session.scalar(_ONE_HAND, {"one": one, "other": other}))


async def still_holds(session: AsyncSession, kid: str, role: str) -> bool:
    """Whether the key is in force now and holds `role`."""
    now = datetime.now(UTC)
    query = (
        select(AgencyKey.kid)
        .join(RoleGrant, RoleGrant.kid == AgencyKey.kid)
        .where(
            AgencyKey.kid == kid,
            AgencyKey.revoked_at.is_(None),
            or_(AgencyKey.not_after.is_(None), AgencyKey.not_after > now),
            RoleGrant.role == role,
        )
    )
    return await session.scalar(query) is not None
