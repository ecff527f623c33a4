"""Acting for a key outside its request: a job runs as who asked for it, with what that key is given now.

The gate mints a context token, as for a request of this moment: of a key that was revoked meanwhile it mints none, and
roles and rules that have changed meanwhile hold. Whoever holds no role that reads is acted for by nobody.
"""

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.identity.caller import Caller
from service.identity.models import Agency, AgencyKey, RoleGrant

_MINT = text("SELECT gate.mint(:kid, :purpose)")
# A row source is read before what is selected from it: the version is that of the context entered.
_ENTER = text("SELECT gate.policy_version() FROM set_config('sarhad.context', :token, true)")


READERS = ("analyst", "reporter", "laboratory", "policy_officer", "coordinator")
"""Roles of which a key must hold one to read shared data."""


class KeyGone(Exception):
    """The key on whose behalf something was to be done is revoked, outside its validity, or reads nothing any more."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who is acted for, and the token that opens transactions which begin within two minutes."""

    caller: Caller
    token: str


async def on_behalf(database: Database, key_id: str, purpose: str | None, case: str | None = None) -> Acting:
    """Raises KeyGone."""
    roles = select(func.array_agg(RoleGrant.role)).where(RoleGrant.kid == AgencyKey.kid).scalar_subquery()
    holder = select(Agency.code, Agency.country, roles).join(AgencyKey, AgencyKey.agency == Agency.code)
    async with database.authn() as session:
        token = await session.scalar(_MINT, {"kid": key_id, "purpose": purpose})
        if token is None:
            raise KeyGone
        agency, country, held = (await session.execute(holder.where(AgencyKey.kid == key_id))).one()
    if not set(held or ()) & set(READERS):
        raise KeyGone
    return Acting(Caller(key_id, agency, country, frozenset(held or ()), purpose, case), token)


async def enter(session: AsyncSession, token: str | None) -> str:
    """Set the context of the transaction; answers with the version of the policies that apply to all it reads."""
    return await session.scalar(_ENTER, {"token": token}) or ""
