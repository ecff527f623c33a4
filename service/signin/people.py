"""The officers of a country as its key administrators and auditors see them."""

import uuid

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Person
from service.paging import InvalidCursor
from service.signin.documents import PersonView
from service.signin.models import NationalIdentity, Passkey


def of_country(country: str) -> Select[Person, int, int]:
    """Each officer with the number of passkeys and of identities it has enrolled."""
    passkeys = select(func.count()).where(Passkey.person == Person.id).scalar_subquery()
    identities = select(func.count()).where(NationalIdentity.person == Person.id).scalar_subquery()
    return (
        select(Person, passkeys, identities)
        .where(func.left(Person.agency, 2) == country)
        .order_by(Person.agency, Person.handle)
    )


async def listed(
    session: AsyncSession, country: str, *, after: uuid.UUID | None, limit: int
) -> tuple[list[PersonView], uuid.UUID | None]:
    """A page, and the cursor of the next one. Raises InvalidCursor."""
    query = of_country(country).limit(limit + 1)
    if after:
        last = await session.get(Person, after)
        if last is None:
            raise InvalidCursor("send the request without a cursor to start from the first page")
        query = query.where(tuple_(Person.agency, Person.handle) > tuple_(last.agency, last.handle))
    rows = (await session.execute(query)).all()
    return [_view(*row) for row in rows[:limit]], rows[limit - 1][0].id if len(rows) > limit else None


async def one(session: AsyncSession, country: str, id_: uuid.UUID) -> PersonView:
    """An officer that is there."""
    return _view(*(await session.execute(of_country(country).where(Person.id == id_))).one())


def _view(person: Person, passkeys: int, identities: int) -> PersonView:
    return PersonView(
        id=person.id,
        agency=person.agency,
        handle=person.handle,
        roles=person.roles,
        passkeys=passkeys,
        identities=identities,
        added_at=person.added_at,
        ended_at=person.ended_at,
        end_reason=person.end_reason,
    )
