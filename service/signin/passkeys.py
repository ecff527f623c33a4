"""Enrol a passkey with a code: asked in one request, done in a second. Find the one that an assertion names."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.helpers import base64url_to_bytes

from service.identity.governance import record
from service.problems import Problem
from service.signin import ceremonies
from service.signin.ceremonies import PasskeyRefused
from service.signin.challenges import Challenges, challenge
from service.signin.codes import holder, use_up
from service.signin.documents import Enrolled, EnrolmentDone, Invitation
from service.signin.models import Passkey


async def begin(session: AsyncSession, challenges: Challenges, origin: str, code: str) -> Invitation:
    """What the browser asks its authenticator, for whom, and the ticket to hand back. Raises CodeNotValid."""
    held = await holder(session, code)
    person = held.person
    ticket = challenges.ticket(held.bound)
    name = f"{person.agency}/{person.handle}"
    options = ceremonies.creation(origin, person.id.bytes, name, challenge(ticket, held.bound))
    return Invitation(agency=person.agency, handle=person.handle, ticket=ticket.hex(), options=options)


async def enrol(session: AsyncSession, challenges: Challenges, origin: str, done: EnrolmentDone) -> Enrolled:
    """Keep the passkey and use the code up. Raises CodeNotValid, ChallengeNotValid, PasskeyRefused."""
    ticket = bytes.fromhex(done.ticket)
    held = await holder(session, done.code, lock=True)
    person = held.person
    until = challenges.check(ticket, held.bound)
    id_, key, count = ceremonies.created(origin, done.credential, challenge(ticket, held.bound))
    await use_up(session, held, ticket, until, "another passkey was enrolled")
    kept = insert(Passkey).values(credential_id=id_, person=person.id, public_key=key, sign_count=count)
    if (await session.execute(kept.on_conflict_do_nothing().returning(Passkey.credential_id))).one_or_none() is None:
        raise PasskeyRefused("this passkey is enrolled already", pointer="/credential")
    await record(session, person.agency[:2], "enrol-passkey", person=str(person.id), passkey=id_.hex())
    return Enrolled(agency=person.agency, handle=person.handle)


async def presented(session: AsyncSession, credential: dict[str, Any]) -> Passkey:
    """The passkey that an assertion names, locked. Raises PasskeyRefused."""
    try:
        id_ = base64url_to_bytes(str(credential.get("rawId", "")))
    except (ValueError, Problem):
        id_ = b""
    found = await session.get(Passkey, id_, with_for_update=True) if id_ else None
    if found is None:
        raise PasskeyRefused("this passkey may not sign in", pointer="/credential")
    return found
