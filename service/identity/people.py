"""Officers who sign in at the console: two key administrators add one, one administrator ends one at once."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.enrol import NotEnrolled, fits
from service.identity.governance import OPERATOR, record
from service.identity.models import Agency, AgencyKey, Person, SessionKey
from service.problems import NotFound, Problem

BY_SIGN_IN = "person "  # begins `enrolled_by` of a key that a sign-in brought
SIGNED_OUT, OUTNUMBERED, OTHER_ROLES = "signed out", "another sign-in", "the officer's roles were changed"
ORDINARY_ENDS = (SIGNED_OUT, OUTNUMBERED, OTHER_ROLES)
"""Why a session ended whose key was in good hands until then."""


class HandleTaken(Problem):
    """This agency has or had an officer of this handle: old evidence names it."""

    status = HTTPStatus.CONFLICT


async def add_person(
    session: AsyncSession,
    agency: str,
    handle: str,
    roles: Sequence[str],
    *,
    by: str = OPERATOR,
    approved_by: str = OPERATOR,
) -> uuid.UUID:
    """An officer of an enrolled agency; its id. Raises NotEnrolled, RoleNotForKey, HandleTaken."""
    owner = await session.get(Agency, agency)
    if owner is None:
        raise NotEnrolled(f"agency {agency} is not enrolled", pointer="/agency")
    for role in roles:
        fits(role, owner)
    id_ = uuid.uuid4()
    held = sorted(set(roles))
    added = insert(Person).values(id=id_, agency=agency, handle=handle, roles=held).on_conflict_do_nothing()
    if (await session.execute(added.returning(Person.id))).one_or_none() is None:
        raise HandleTaken(f"{agency}/{handle} is taken: choose another handle", pointer="/handle")
    await record(
        session, owner.country, "add-person", person=str(id_), agency=agency, handle=handle, roles=held, by=by,
        approved_by=approved_by,
    )  # fmt: skip
    return id_


async def set_roles(
    session: AsyncSession,
    id_: uuid.UUID,
    roles: Sequence[str],
    *,
    by: str = OPERATOR,
    approved_by: str = OPERATOR,
) -> None:
    """What the officer acts as from its next sign-in on; its sessions end.

    Raises NotFound, NotEnrolled, RoleNotForKey.
    """
    person = await find_person(session, id_, None)
    owner = await session.get_one(Agency, person.agency)
    if person.ended_at is not None:
        raise NotEnrolled("this officer was ended", pointer="/person")
    for role in roles:
        fits(role, owner)
    person.roles = sorted(set(roles))
    await end_sessions(session, id_, OTHER_ROLES)
    await record(
        session, owner.country, "set-person-roles", person=str(id_), roles=person.roles, by=by, approved_by=approved_by
    )


async def end_person(session: AsyncSession, id_: uuid.UUID, reason: str, *, by: str, country: str | None) -> Person:
    """The officer signs in no more, and what it is signed in with holds no more, from the next request on.

    `country` is the one of the administrator, None for the operator. Raises NotFound. One ended before stays as it was.
    """
    person = await find_person(session, id_, country)
    if person.ended_at is None:
        person.ended_at, person.end_reason = datetime.now(UTC), reason
        await record(session, person.agency[:2], "end-person", person=str(id_), reason=reason, by=by)
        await end_sessions(session, id_, "the officer was ended")
    return person


async def end_session(session: AsyncSession, kid: str) -> None:
    """Sign out: the keys of the session that `kid` belongs to hold no more. Raises NotFound."""
    found = await session.get(SessionKey, kid)
    if found is None:
        raise NotFound("this key was not brought by a sign-in; a key administrator revokes it")
    for key in await session.scalars(_keys().where(SessionKey.session == found.session)):
        key.revoked_at, key.revocation_reason = datetime.now(UTC), SIGNED_OUT
    await record(session, await _country(session, found.person), "sign-out", person=str(found.person), by=kid)


async def find_person(session: AsyncSession, id_: uuid.UUID, country: str | None) -> Person:
    """Raises NotFound, also for another country's officer."""
    person = await session.get(Person, id_, with_for_update=True)
    if person is None or (country is not None and person.agency[:2] != country):
        raise NotFound("your country has no such officer")
    return person


async def end_sessions(session: AsyncSession, person: uuid.UUID, reason: str) -> None:
    """Of a person that is locked: a sign-in under way waits for the lock, and then sees what was decided."""
    for key in await session.scalars(_keys().where(SessionKey.person == person)):
        key.revoked_at, key.revocation_reason = datetime.now(UTC), reason


async def make_room(session: AsyncSession, person: uuid.UUID, most: int) -> None:
    """End the oldest sessions of a person that is locked, so that with one more it has at most so many."""
    begun = func.min(AgencyKey.not_before)
    live = _keys().where(SessionKey.person == person, AgencyKey.not_after > func.now())
    oldest = live.with_only_columns(SessionKey.session).group_by(SessionKey.session).order_by(begun.desc())
    for ended in (await session.scalars(oldest.offset(most - 1))).all():
        for key in await session.scalars(_keys().where(SessionKey.session == ended)):
            key.revoked_at, key.revocation_reason = datetime.now(UTC), OUTNUMBERED
        await record(session, await _country(session, person), "end-oldest-session", person=str(person))


def _keys() -> Select[AgencyKey]:
    return select(AgencyKey).join(SessionKey, SessionKey.kid == AgencyKey.kid).where(AgencyKey.revoked_at.is_(None))


async def _country(session: AsyncSession, person: uuid.UUID) -> str | None:
    return await session.scalar(select(Agency.country).join(Person).where(Person.id == person))
