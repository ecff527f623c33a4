"""Sign in by what the country's provider says: enrol an identity with a code, recognise it, certify a browser's keys.

The provider is asked before a transaction begins: it may take its time, and nobody waits for a connection meanwhile.
"""

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.governance import record
from service.identity.models import Person
from service.identity.people import end_sessions, find_person
from service.signin.challenges import Challenges, challenge
from service.signin.codes import CodeNotValid, Held, holder, use_up
from service.signin.documents import Departure, Enrolled, EnrolmentDeparture, IdentityDone, IdentitySignIn, Session
from service.signin.models import NationalIdentity
from service.signin.providers import Identity, IdentityRefused, Providers
from service.signin.sessions import BrowserKeys, admit, prove


@dataclass(frozen=True, slots=True)
class Desk:
    """What a sign-in by a country's provider needs."""

    country: str
    providers: Providers
    challenges: Challenges
    writing: Callable[[], AbstractAsyncContextManager[AsyncSession]]

    async def begin(self, keys: BrowserKeys) -> Departure:
        """The ticket, and where the browser goes. Raises BadKey, NotFound, ProviderUnavailable."""
        return await self._depart(self._bound(keys.bound()))

    async def begin_enrolment(self, code: str) -> EnrolmentDeparture:
        """For whom, the ticket, and where the browser goes. Raises CodeNotValid, NotFound, ProviderUnavailable."""
        async with self.writing() as session:
            held = await self._holder(session, code)
        going = await self._depart(self._bound(held.bound))
        return EnrolmentDeparture(
            agency=held.person.agency, handle=held.person.handle, ticket=going.ticket, url=going.url
        )

    async def enrol(self, done: IdentityDone) -> Enrolled:
        """Keep whom the provider identifies as that officer, and use the code up; its sessions end.

        Raises CodeNotValid, ChallengeNotValid, ProviderUnavailable, IdentityRefused.
        """
        ticket = bytes.fromhex(done.ticket)
        async with self.writing() as session:
            bound = self._bound((await self._holder(session, done.code)).bound)
        until = self.challenges.check(ticket, bound)
        found = await self._identified(done, ticket, bound)
        async with self.writing() as session:
            held = await self._holder(session, done.code, lock=True)
            person = held.person
            await use_up(session, held, ticket, until, "an identity was enrolled")
            await _keep(session, found, person.id)
            # What a provider calls somebody may be a number that follows a person through life: it goes into no log.
            await record(session, self.country, "enrol-identity", person=str(person.id), issuer=found.issuer)
            return Enrolled(agency=person.agency, handle=person.handle)

    async def certify(self, keys: BrowserKeys, done: IdentitySignIn) -> Session:
        """As `sessions.certify` does for a passkey.

        Raises BadKey, ChallengeNotValid, PossessionNotProven, ProviderUnavailable, IdentityRefused, KeysUsedBefore.
        """
        ticket, bound = bytes.fromhex(done.ticket), self._bound(keys.bound())
        until = self.challenges.check(ticket, bound)
        prove(keys, ticket, (done.proofs[0], done.proofs[1]))
        found = await self._identified(done, ticket, bound)
        refused = IdentityRefused("the provider identified nobody who may sign in here", pointer="/authorization")
        whose = select(NationalIdentity.person).where(*_is(found))
        async with self.writing() as session:
            officer = await session.scalar(whose)
            person = await session.get(Person, officer, with_for_update=True) if officer else None
            if person is None or person.agency[:2] != self.country:
                raise refused
            if await session.scalar(whose) != officer:  # ended while the lock was waited for
                raise refused
            return await admit(session, person.id, keys, spent=(ticket, until), refused=refused)

    def _bound(self, what: bytes) -> bytes:
        """No ticket of a passkey, or of another country, is one for this provider."""
        return f"{self.country} ".encode() + what

    async def _depart(self, bound: bytes) -> Departure:
        ticket = self.challenges.ticket(bound)
        nonce, verifier = challenge(ticket, bound), self.challenges.verifier(ticket)
        return Departure(ticket=ticket.hex(), url=await self.providers.address(self.country, ticket, nonce, verifier))

    async def _identified(self, done: IdentityDone | IdentitySignIn, ticket: bytes, bound: bytes) -> Identity:
        nonce, verifier = challenge(ticket, bound), self.challenges.verifier(ticket)
        return await self.providers.identify(self.country, done.authorization, done.iss, nonce, verifier)

    async def _holder(self, session: AsyncSession, code: str, *, lock: bool = False) -> Held:
        held = await holder(session, code, lock=lock)
        if held.person.agency[:2] != self.country:
            raise CodeNotValid("this code is of another country's officer", pointer="/code")
        return held


async def _keep(session: AsyncSession, found: Identity, officer: uuid.UUID) -> None:
    """Who was ended keeps no identity from the officer who the same person is now. Raises IdentityRefused."""
    ended = select(Person.id).where(Person.ended_at.is_not(None))
    of_ended = delete(NationalIdentity).where(*_is(found), NationalIdentity.person.in_(ended))
    await session.execute(of_ended)
    kept = insert(NationalIdentity).values(issuer=found.issuer, subject=found.subject, person=officer)
    added = await session.execute(kept.on_conflict_do_nothing().returning(NationalIdentity.subject))
    if added.one_or_none() is None:
        raise IdentityRefused("this identity is an officer's already", pointer="/authorization")


def _is(found: Identity) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return NationalIdentity.issuer == found.issuer, NationalIdentity.subject == found.subject


async def end_identities(session: AsyncSession, officer: uuid.UUID, *, by: str, country: str) -> None:
    """The officer signs in by no provider until it is enrolled again, and is signed out. Raises NotFound."""
    person = await find_person(session, officer, country)
    gone = delete(NationalIdentity).where(NationalIdentity.person == officer).returning(NationalIdentity.issuer)
    if ended := (await session.scalars(gone)).all():
        await end_sessions(session, officer, "its identity was ended")
        await record(session, person.agency[:2], "end-identities", person=str(officer), number=len(ended), by=by)
