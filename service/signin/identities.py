"""Sign in by what the country's provider says: enrol an identity with a code, recognise it, certify a browser's keys.

The provider is asked before a transaction begins: it may take its time, and nobody waits for a connection meanwhile.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.governance import record
from service.identity.people import end_sessions
from service.signin.challenges import Challenges, challenge, spend
from service.signin.codes import CodeNotValid, Held, holder
from service.signin.documents import IdentityDone, IdentitySignIn
from service.signin.models import NationalIdentity
from service.signin.providers import IdentityRefused, Providers
from service.signin.sessions import BrowserKeys, admit, prove


@dataclass(frozen=True, slots=True)
class Desk:
    """What a sign-in by a country's provider needs."""

    country: str
    providers: Providers
    challenges: Challenges
    writing: Callable[[], AbstractAsyncContextManager[AsyncSession]]

    async def begin(self, keys: BrowserKeys) -> dict[str, Any]:
        """The ticket, and where the browser goes. Raises BadKey, NotFound, ProviderUnavailable."""
        return await self._depart(self._bound(keys.bound()))

    async def begin_enrolment(self, code: str) -> dict[str, Any]:
        """For whom, the ticket, and where the browser goes. Raises CodeNotValid, NotFound, ProviderUnavailable."""
        async with self.writing() as session:
            held = await self._holder(session, code)
        person = held.person
        return {"agency": person.agency, "handle": person.handle, **await self._depart(self._bound(held.bound))}

    async def enrol(self, done: IdentityDone) -> dict[str, Any]:
        """Keep whom the provider identifies as that officer, and use the code up; its sessions end.

        Raises CodeNotValid, ChallengeNotValid, ProviderUnavailable, IdentityRefused.
        """
        ticket = bytes.fromhex(done.ticket)
        async with self.writing() as session:
            bound = self._bound((await self._holder(session, done.code)).bound)
        until = self.challenges.check(ticket, bound)
        found = await self._identified(done.authorization, ticket, bound)
        async with self.writing() as session:
            held = await self._holder(session, done.code, lock=True)
            person = held.person
            await spend(session, ticket, until)
            for part in held.parts:
                part.used_at = datetime.now(UTC)
            await end_sessions(session, person.id, "an identity was enrolled")
            kept = insert(NationalIdentity).values(issuer=found.issuer, subject=found.subject, person=person.id)
            added = await session.execute(kept.on_conflict_do_nothing().returning(NationalIdentity.subject))
            if added.one_or_none() is None:
                raise IdentityRefused("this identity is an officer's already", pointer="/authorization")
            # What a provider calls somebody may be a number that follows a person through life: it goes into no log.
            await record(session, self.country, "enrol-identity", person=str(person.id), issuer=found.issuer)
            return {"agency": person.agency, "handle": person.handle}

    async def certify(self, keys: BrowserKeys, done: IdentitySignIn) -> dict[str, Any]:
        """As `sessions.certify` does for a passkey.

        Raises BadKey, ChallengeNotValid, PossessionNotProven, ProviderUnavailable, IdentityRefused, PasskeyRefused.
        """
        ticket, bound = bytes.fromhex(done.ticket), self._bound(keys.bound())
        until = self.challenges.check(ticket, bound)
        prove(keys, ticket, (done.proofs[0], done.proofs[1]))
        found = await self._identified(done.authorization, ticket, bound)
        refused = IdentityRefused("the provider identified nobody who may sign in here", pointer="/authorization")
        async with self.writing() as session:
            known = await session.get(NationalIdentity, (found.issuer, found.subject))
            if known is None:
                raise refused
            return await admit(session, known.person, keys, spent=(ticket, until), refused=refused)

    def _bound(self, what: bytes) -> bytes:
        """No ticket of a passkey, or of another country, is one for this provider."""
        return f"{self.country} ".encode() + what

    async def _depart(self, bound: bytes) -> dict[str, Any]:
        ticket = self.challenges.ticket(bound)
        nonce, verifier = challenge(ticket, bound), self.challenges.verifier(ticket)
        return {"ticket": ticket.hex(), "url": await self.providers.address(self.country, ticket, nonce, verifier)}

    async def _identified(self, authorization: str, ticket: bytes, bound: bytes) -> Any:
        verifier = self.challenges.verifier(ticket)
        return await self.providers.identify(self.country, authorization, challenge(ticket, bound), verifier)

    async def _holder(self, session: AsyncSession, code: str, *, lock: bool = False) -> Held:
        held = await holder(session, code, lock=lock)
        if held.person.agency[:2] != self.country:
            raise CodeNotValid("this code is of another country's officer", pointer="/code")
        return held
