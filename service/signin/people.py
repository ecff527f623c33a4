"""The officers of a country as its key administrators and auditors see them."""

import uuid

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Person
from service.paging import InvalidCursor
from service.signin.documents import PersonView
from service.signin.models import Passkey


def of_country(country: str) -> Select[Person, int]:
    """Each officer with the number of passkeys it has enrolled."""
    return (
        select(Person, func.count(Passkey.credential_id))
        .outerjoin(Passkey, Passkey.person == Person.id)
        .where(func.left(Person.agency, 2) == country)
        .group_by(Person.id)
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
    return [view(person, count) for person, count in rows[:limit]], rows[limit - 1][0].id if len(rows) > limit else None


def view(person: Person, passkeys: int) -> PersonView:
    return PersonView(
        id=person.id,
        agency=person.agency,
        handle=person.handle,
        roles=person.roles,
        passkeys=passkeys,
        added_at=person.added_at,
        ended_at=person.ended_at,
        end_reason=person.end_reason,
    )
