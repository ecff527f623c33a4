"""The readers a simulation speaks of: from the register that every member reads, not from who has read what."""

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Agency, AgencyKey, RoleGrant
from service.policies.document import PURPOSES, READING_ROLES
from service.previews.simulate import Audience

STANDARD = ("analyst",)


async def audiences(session: AsyncSession, owner: str, *rules: list[dict[str, Any]]) -> list[Audience]:
    """Every other country's combinations of reading roles that keys hold, and its analysts, for every purpose.

    Agencies are told apart only where one of `rules` names them.
    """
    named = {agency for listed in rules for rule in listed for agency in rule.get("agencies") or ()}
    found: set[tuple[str, str, tuple[str, ...]]] = set()
    for country, agency, held in await session.execute(_KEYS):
        roles = tuple(sorted(set(held or ()) & set(READING_ROLES)))
        for known in {STANDARD, roles} - {()}:
            found |= {(country, "", known)} | ({(country, agency, known)} if agency in named else set())
    return [Audience(*reader, purpose) for reader in sorted(found) if reader[0] != owner for purpose in PURPOSES]


_ROLES = (
    select(func.array_agg(RoleGrant.role)).where(RoleGrant.kid == AgencyKey.kid).correlate(AgencyKey).scalar_subquery()
)
_KEYS = (
    select(Agency.country, Agency.code, _ROLES)
    .select_from(Agency)
    .outerjoin(
        AgencyKey,
        (AgencyKey.agency == Agency.code)
        & (AgencyKey.use == "request-signing")
        & AgencyKey.revoked_at.is_(None)
        & or_(AgencyKey.not_after.is_(None), AgencyKey.not_after > func.now()),
    )
)
