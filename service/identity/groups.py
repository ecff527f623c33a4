"""Groups of countries that rules may name, besides `members`: the operator keeps them, a leaf for each country.

A group is who is in it, and one that nobody is in does not exist. It widens or narrows every policy that names it, from
the next request of the country's readers on; an observer or third country in it is still given nothing that does not
name it.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.enrol import AlreadyEnrolled, NotEnrolled
from service.identity.governance import OPERATOR, record
from service.identity.models import Country, CountryGroup
from service.identity.status import LOCK
from service.problems import Problem

MEMBERS = "members"
_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")


class UnfitGroupName(Problem):
    """A group is named by two to forty small letters, digits and hyphens, a letter first, and not `members`."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def create_group(session: AsyncSession, code: str, countries: Sequence[str], *, by: str = OPERATOR) -> None:
    """Raises UnfitGroupName, AlreadyEnrolled, NotEnrolled."""
    if not _CODE.fullmatch(code) or code == MEMBERS:
        raise UnfitGroupName(f"{code!r} is not a name of a group", pointer="/code")
    await session.execute(LOCK)
    if found := await _in(session, code):
        raise AlreadyEnrolled(f"the group {code} exists, of {', '.join(sorted(found))}", pointer="/code")
    await _join(session, code, countries, by)


async def add_to_group(session: AsyncSession, code: str, countries: Sequence[str], *, by: str = OPERATOR) -> None:
    """Who is in it already stays, without a leaf. Raises NotEnrolled."""
    await session.execute(LOCK)
    found = await _known(session, code)
    await _join(session, code, [country for country in countries if country not in found], by)


async def remove_from_group(session: AsyncSession, code: str, countries: Sequence[str], *, by: str = OPERATOR) -> None:
    """With the last country the group ends, and rules that name it mean nobody. Raises NotEnrolled."""
    await session.execute(LOCK)
    found = await _known(session, code)
    for country in dict.fromkeys(countries):
        if country not in found:
            raise NotEnrolled(f"{country} is not in the group {code}", pointer="/countries")
        await session.execute(delete(CountryGroup).where(CountryGroup.code == code, CountryGroup.country == country))
        await record(session, country, "leave-group", group=code, by=by)


async def members(session: AsyncSession) -> list[str]:
    """Codes of the countries that are members, sorted."""
    return list(await session.scalars(select(Country.code).where(Country.status == "member").order_by(Country.code)))


async def groups(session: AsyncSession) -> dict[str, list[str]]:
    """Codes of countries by group, `members` not among them."""
    found: dict[str, list[str]] = {}
    for row in await session.scalars(select(CountryGroup).order_by(CountryGroup.code, CountryGroup.country)):
        found.setdefault(row.code, []).append(row.country)
    return found


async def groups_known_to(session: AsyncSession, country: str) -> dict[str, list[str]]:
    """As `groups`; to an observer or third country those that it is in itself, and that it is."""
    found = await groups(session)
    if country in await members(session):
        return found
    return {code: [country] for code, within in found.items() if country in within}


async def _in(session: AsyncSession, code: str) -> set[str]:
    return set(await session.scalars(select(CountryGroup.country).where(CountryGroup.code == code)))


async def _known(session: AsyncSession, code: str) -> set[str]:
    if not (found := await _in(session, code)):
        raise NotEnrolled(f"there is no group {code}", pointer="/code")
    return found


async def _join(session: AsyncSession, code: str, countries: Sequence[str], by: str) -> None:
    for country in dict.fromkeys(countries):
        if await session.get(Country, country) is None:
            raise NotEnrolled(f"country {country} is not enrolled", pointer="/countries")
        await session.execute(insert(CountryGroup).values(code=code, country=country))
        await record(session, country, "join-group", group=code, by=by)
