"""What one officer gives away alone, by granting single records or by ending what held them back: bounded by the day,
and told to the country's other officers. What gives more takes a policy, which two officers sign.
"""

from collections.abc import Collection
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import distinct, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.identity.models import Agency, AgencyKey, RoleGrant
from service.locks import Turn
from service.notices.notify import notify
from service.problems import Problem
from service.releases.models import RULE


class TooManyGranted(Problem):
    """Your country has given more of single records as often as officers may alone in a day; a policy takes two."""

    status = HTTPStatus.TOO_MANY_REQUESTS


async def check_granted(session: AsyncSession, caller: Caller, record: UUID, most: int) -> None:
    """Whether another record may be widened; the caller's country is counted by one transaction at a time, until its
    COMMIT. Raises TooManyGranted.
    """
    await quota.turn(session, Turn.GRANTS, caller.country)
    granted = select(RULE.c.record_id, RULE.c.made_at.label("at")).where(RULE.c.kind == "grant")
    released = select(RULE.c.record_id, RULE.c.ended_at).where(RULE.c.kind != "grant", RULE.c.ended_at.is_not(None))
    widened = union_all(granted, released).subquery()
    # a record counts once, and as long as the last time it was widened counts
    last = select(func.max(widened.c.at).label("at")).where(widened.c.record_id != record).group_by(widened.c.record_id)
    await quota.check(session, last.subquery().c.at, most, quota.DAY, TooManyGranted)


async def tell_officers(session: AsyncSession, caller: Caller, record: UUID) -> None:
    """Of a grant: every agency of the caller's country where a policy officer is; call it last in the transaction."""
    for agency in sorted(await _officers(session, caller)):
        await _tell(session, caller, agency, "record-granted", record)


async def tell_released(
    session: AsyncSession, caller: Caller, record: UUID, *, filer: str, ended: Collection[str]
) -> None:
    """Of the end of a block, embargo or recall (`ended`: their kinds): officers as of a grant, and the agency that
    filed the record, which may have put it there.
    """
    for agency in sorted({*await _officers(session, caller), filer}):
        await _tell(session, caller, agency, "record-released", record, ended=sorted(ended))


async def _officers(session: AsyncSession, caller: Caller) -> Collection[str]:
    officers = (
        select(distinct(AgencyKey.agency))
        .join(RoleGrant, RoleGrant.kid == AgencyKey.kid)
        .join(Agency, Agency.code == AgencyKey.agency)
        .where(Agency.country == caller.country, RoleGrant.role == "policy_officer", AgencyKey.revoked_at.is_(None))
    )
    return (await session.scalars(officers)).all()


async def _tell(session: AsyncSession, caller: Caller, agency: str, kind: str, record: UUID, **facts: object) -> None:
    path = f"/v1/records/{record}/sharing"
    await notify(session, agency, kind, path, record=str(record), by=caller.key_id, **facts)
