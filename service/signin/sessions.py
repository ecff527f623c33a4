"""Certify a browser's keys for a working day: one signs requests, one signs records; each proves that it is held.

The challenge that the passkey answers names both keys, so an assertion certifies these and no others.

A person has at most `AT_ONCE` sessions; another sign-in ends the oldest. It is not refused, because the keys of a
browser that was closed or lost are lost with it, and nobody can sign out with them: an officer would wait outside until
they end, and whoever had signed in so often in its name would have locked it out. An officer whose session ended
without its doing sees that somebody signed in.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.governance import record
from service.identity.models import AgencyKey, Person, RoleGrant, SessionKey
from service.identity.people import BY_SIGN_IN, make_room
from service.identity.possession import PossessionNotProven, opened
from service.problems import Problem
from service.signin import ceremonies
from service.signin.ceremonies import PasskeyRefused
from service.signin.challenges import Challenges, challenge, spend
from service.signin.documents import Challenge, Session
from service.signin.passkeys import presented
from service.signing import jwk_of, public_key, thumbprint

LIFE = timedelta(hours=8)
AT_ONCE = 5  # sessions of one person
USES = ("request-signing", "record-signing")


class KeysUsedBefore(Problem):
    """The exchange knows one of these keys already: the keys of a sign-in are new."""

    status = HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class BrowserKeys:
    """The two public keys that a browser made, neither of which can be taken out of it."""

    requests: dict[str, Any]
    records: dict[str, Any]

    def bound(self) -> bytes:
        """What a challenge for these keys is bound to. Raises BadKey."""
        return f"{thumbprint(self.requests)} {thumbprint(self.records)}".encode()

    def by_use(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        return tuple(zip(USES, (self.requests, self.records), strict=True))


@dataclass(frozen=True, slots=True)
class Signed:
    """What the browser answers: the authenticator's assertion, and each key's own signature over the ticket."""

    ticket: bytes
    credential: dict[str, Any]
    proofs: tuple[str, str]


def begin(challenges: Challenges, origin: str, keys: BrowserKeys) -> Challenge:
    """What the browser asks its authenticator, and the ticket to hand back. Raises BadKey."""
    bound = keys.bound()
    ticket = challenges.ticket(bound)
    return Challenge(ticket=ticket.hex(), options=ceremonies.request(origin, challenge(ticket, bound)))


async def certify(
    session: AsyncSession, challenges: Challenges, origin: str, keys: BrowserKeys, answer: Signed
) -> Session:
    """Enrol both keys for `LIFE` with the officer's roles; who signed in, as what, until when.

    Raises BadKey, ChallengeNotValid, PossessionNotProven, PasskeyRefused, KeysUsedBefore.
    """
    bound = keys.bound()
    until = challenges.check(answer.ticket, bound)
    prove(keys, answer.ticket, answer.proofs)
    passkey = await presented(session, answer.credential)
    passkey.sign_count = ceremonies.asserted(
        origin, answer.credential, challenge(answer.ticket, bound), passkey.public_key, passkey.sign_count
    )
    refused = PasskeyRefused("this passkey may not sign in", pointer="/credential")
    return await admit(session, passkey.person, keys, spent=(answer.ticket, until), refused=refused)


def prove(keys: BrowserKeys, ticket: bytes, proofs: tuple[str, str]) -> None:
    """Each key has signed the ticket. Raises PossessionNotProven."""
    for number, ((use, jwk), proof) in enumerate(zip(keys.by_use(), proofs, strict=True)):
        pointer = f"/proofs/{number}"
        if opened(jwk, proof, pointer=pointer) != {"ticket": ticket.hex(), "use": use, "kid": thumbprint(jwk)}:
            raise PossessionNotProven("the proof is for another sign-in, use or key", pointer=pointer)


async def admit(
    session: AsyncSession, officer: uuid.UUID, keys: BrowserKeys, *, spent: tuple[bytes, int], refused: Problem
) -> Session:
    """Enrol both keys of an officer who was recognised; `spent` is the ticket and when it runs out.

    Raises `refused` for an officer who was ended, ChallengeNotValid, KeysUsedBefore.
    """
    # Locked as whoever ends an officer locks it: no key of a sign-in under way outlives the end, none goes uncounted.
    person = await session.get(Person, officer, with_for_update=True, populate_existing=True)
    if person is None or person.ended_at is not None:
        raise refused
    await spend(session, *spent)
    await make_room(session, person.id, AT_ONCE)
    return await _enrol(session, person, keys)


async def _enrol(session: AsyncSession, person: Person, keys: BrowserKeys) -> Session:
    begins, id_ = datetime.now(UTC), uuid.uuid4()
    ends, by = begins + LIFE, f"{BY_SIGN_IN}{person.id}"
    kids = {}
    for use, jwk in keys.by_use():
        key, alg = public_key(jwk)
        kids[use] = kid = thumbprint(jwk)
        row = upsert(AgencyKey).values(
            kid=kid, agency=person.agency, use=use, alg=alg, public_jwk=jwk_of(key), not_before=begins, not_after=ends,
            enrolled_by=by, approved_by=by,
        )  # fmt: skip
        if (await session.execute(row.on_conflict_do_nothing().returning(AgencyKey.kid))).one_or_none() is None:
            raise KeysUsedBefore("make new ones", pointer="/requests")
        await session.execute(insert(SessionKey).values(kid=kid, person=person.id, session=id_))
    granted = [{"kid": kids["request-signing"], "role": role} for role in person.roles]
    await session.execute(insert(RoleGrant).values(granted))
    await record(
        session, person.agency[:2], "sign-in", person=str(person.id), agency=person.agency, roles=person.roles,
        kid=kids["request-signing"], record_kid=kids["record-signing"], until=ends.isoformat(),
    )  # fmt: skip
    return Session(
        agency=person.agency, handle=person.handle, roles=person.roles, kid=kids["request-signing"],
        record_kid=kids["record-signing"], until=ends,
    )  # fmt: skip
