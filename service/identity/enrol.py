"""Put countries, agencies, keys and roles on the registry, each with its governance leaf.

These are the acts themselves. Officers reach them through a change that two of them signed (`change.py`); the
operator reaches them with `sarhad admin`, to begin a country or to help one that lost its keys. Repeating an
act that is in force changes nothing and leaves no leaf.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import ROLES
from service.identity.governance import OPERATOR, record
from service.identity.models import AGENCY_TYPES, KEY_USES, Agency, AgencyKey, Country, RoleGrant, SessionKey
from service.problems import Problem
from service.records.scalars import text as plain_text
from service.records.scripts import mixed_word
from service.signing import jwk_of, public_key, thumbprint

_NAME: TypeAdapter[str] = TypeAdapter(Annotated[str, *plain_text(200)])


class AlreadyEnrolled(Problem):
    """This name or key is enrolled already, with other particulars."""

    status = HTTPStatus.CONFLICT


class NotEnrolled(Problem):
    """The change names a country, group, agency or key that is not enrolled."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnreadableName(Problem):
    """The name holds characters that hide or reorder the text, or a word that mixes two alphabets.

    Two names that look the same must be the same.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NeverValid(Problem):
    """The key would end before it begins."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RoleNotForKey(Problem):
    """This role cannot be held by that key."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RolesOfPerson(Problem):
    """This key is of one sign-in, and has the roles of the person: change those, with `set-person-roles`."""

    status = HTTPStatus.CONFLICT


async def enrol_country(
    session: AsyncSession, code: str, name: str, status: str = "member", *, by: str = OPERATOR
) -> None:
    """A country by its ISO 3166-1 alpha-2 code; only the operator does this. Raises AlreadyEnrolled.

    A rule for everybody means every `member`; an `observer` or a `third` country is given only what names it.
    """
    known = await session.get(Country, code)
    if known is not None:
        if known.status != status:
            expected = f"country {code} is enrolled as {known.status}: change that with `sarhad admin country status`"
            raise AlreadyEnrolled(expected, pointer="/status")
        return
    readable(name)
    await session.execute(insert(Country).values(code=code, name=name, status=status))
    await record(session, code, "enrol-country", name=name, status=status, by=by)


async def enrol_agency(
    session: AsyncSession, code: str, type: str, name: str, *, by: str = OPERATOR, approved_by: str = OPERATOR
) -> None:
    """An agency such as `KZ-CUS` of an enrolled country. Raises AlreadyEnrolled, NotEnrolled."""
    country = code.partition("-")[0]
    if await session.get(Country, country) is None:
        raise NotEnrolled(f"country {country} is not enrolled", pointer="/code")
    if type not in AGENCY_TYPES:
        raise NotEnrolled(f"type must be one of {', '.join(AGENCY_TYPES)}", pointer="/type")
    readable(name)
    known = await session.get(Agency, code)
    if known is not None:
        if (known.type, known.name) == (type, name):
            return
        raise AlreadyEnrolled(f"agency {code} is enrolled as {known.type} {known.name}", pointer="/code")
    await session.execute(insert(Agency).values(code=code, country=country, type=type, name=name))
    await record(session, country, "add-agency", agency=code, type=type, name=name, by=by, approved_by=approved_by)


async def enrol_key(
    session: AsyncSession,
    agency: str,
    use: str,
    jwk: Mapping[str, object],
    *,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    by: str = OPERATOR,
    approved_by: str = OPERATOR,
) -> str:
    """A public key for one use; answers with its kid. Raises BadKey, AlreadyEnrolled, NotEnrolled."""
    owner = await session.get(Agency, agency)
    if owner is None:
        raise NotEnrolled(f"agency {agency} is not enrolled", pointer="/agency")
    if use not in KEY_USES:
        raise NotEnrolled(f"use must be one of {', '.join(KEY_USES)}", pointer="/use")
    key, alg = public_key(jwk)
    public, kid = jwk_of(key), thumbprint(jwk)
    known = await session.get(AgencyKey, kid)
    if known is not None:
        if (known.agency, known.use, known.revoked_at) == (agency, use, None):
            return kid
        raise AlreadyEnrolled("a key has one agency, one use and one life: make a new key", pointer="/jwk")
    begins = not_before or datetime.now(UTC)
    if not_after is not None and not_after <= begins:
        raise NeverValid(f"not_after must follow {begins.isoformat(timespec='seconds')}", pointer="/not_after")
    validity = {"not_before": begins, "not_after": not_after}
    await session.execute(
        insert(AgencyKey).values(
            kid=kid,
            agency=agency,
            use=use,
            alg=alg,
            public_jwk=public,
            enrolled_by=by,
            approved_by=approved_by,
            **validity,
        )
    )
    times = {name: at.isoformat() for name, at in validity.items() if at is not None}
    facts = {"agency": agency, "use": use, "jwk": public, "kid": kid, "by": by, "approved_by": approved_by}
    await record(session, owner.country, "enrol-key", **facts, **times)
    return kid


async def grant_role(
    session: AsyncSession, kid: str, role: str, *, by: str = OPERATOR, approved_by: str = OPERATOR
) -> None:
    """A role for a request-signing key. Raises NotEnrolled, RoleNotForKey, RolesOfPerson."""
    key, agency = await _key(session, kid)
    await _stands_alone(session, kid)
    if key.use != "request-signing" or key.revoked_at is not None:
        raise RoleNotForKey("only a request-signing key that is not revoked holds roles", pointer="/kid")
    fits(role, agency)
    if await session.get(RoleGrant, (kid, role)) is not None:
        return
    await session.execute(insert(RoleGrant).values(kid=kid, role=role))
    await record(session, agency.country, "grant-role", kid=kid, role=role, by=by, approved_by=approved_by)


async def withdraw_role(
    session: AsyncSession, kid: str, role: str, *, by: str = OPERATOR, approved_by: str = OPERATOR
) -> None:
    """Take a role from a key; holds from its next request on. Raises NotEnrolled, RolesOfPerson."""
    _, agency = await _key(session, kid)
    await _stands_alone(session, kid)
    if await session.get(RoleGrant, (kid, role)) is None:
        raise NotEnrolled(f"the key does not hold the role {role}", pointer="/role")
    await session.execute(delete(RoleGrant).where(RoleGrant.kid == kid, RoleGrant.role == role))
    await record(session, agency.country, "withdraw-role", kid=kid, role=role, by=by, approved_by=approved_by)


def readable(name: str, *, pointer: str = "/name") -> None:
    """Raises UnreadableName with the character or the word at fault."""
    try:
        _NAME.validate_python(name)
    except ValidationError as fault:
        raise UnreadableName(fault.errors()[0]["msg"], pointer=pointer) from None
    if (word := mixed_word(name)) is not None:
        raise UnreadableName(f"The word {word!r} mixes Latin and Cyrillic letters that look alike", pointer=pointer)


async def _stands_alone(session: AsyncSession, kid: str) -> None:
    """Raises RolesOfPerson for the key of a sign-in: the next one would undo what is decided about it."""
    if (found := await session.get(SessionKey, kid)) is not None:
        raise RolesOfPerson("a sign-in begins with the person's roles", pointer="/kid", expected=str(found.person))


async def _key(session: AsyncSession, kid: str) -> tuple[AgencyKey, Agency]:
    query = select(AgencyKey, Agency).join(Agency, AgencyKey.agency == Agency.code).where(AgencyKey.kid == kid)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotEnrolled("no enrolled key has this kid", pointer="/kid")
    return found[0], found[1]


def fits(role: str, agency: Agency) -> None:
    """Raises RoleNotForKey unless such an agency's keys and officers may hold the role."""
    if role not in ROLES:
        raise RoleNotForKey(f"role must be one of {', '.join(sorted(ROLES))}", pointer="/role")
    if role == "coordinator" and agency.type != "CENTRE":
        raise RoleNotForKey("coordinator is a role of the Centre", pointer="/role")
    if role == "laboratory" and agency.type != "LAB":
        raise RoleNotForKey("laboratory is a role of an agency of type LAB", pointer="/role")
