"""What a country is to the exchange: a member state, an observer or a third country. The operator alone changes it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.enrol import NotEnrolled
from service.identity.governance import OPERATOR, record
from service.identity.models import STATUSES, Country

# Whoever is compiling for a reader has done so before the change, or waits and does it after it.
LOCK = text("SELECT gate.lock()")


async def change_status(session: AsyncSession, code: str, status: str, reason: str, *, by: str = OPERATOR) -> None:
    """From the next request on, rules for everybody reach its readers where it is a member, and nobody else's.

    Also what it was given before by rules that do not name it, or name it without an end, is given no more. Raises
    NotEnrolled. A status that it has already changes nothing and leaves no leaf.
    """
    if status not in STATUSES:
        raise NotEnrolled(f"status must be one of {', '.join(STATUSES)}", pointer="/status")
    await session.execute(LOCK)
    country = await session.get(Country, code, populate_existing=True)
    if country is None:
        raise NotEnrolled(f"country {code} is not enrolled", pointer="/code")
    if country.status == status:
        return
    was, country.status = country.status, status
    await session.flush()
    await record(session, code, "change-country-status", was=was, status=status, reason=reason, by=by)
