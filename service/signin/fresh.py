"""A fresh assertion: whoever is signed in uses the passkey again, over the one thing that is decided.

A browser left open decides nothing: what certifies its keys for a working day is asked anew, and the challenge that is
answered is bound to what is decided, so that the assertion covers that and nothing else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import SessionKey
from service.problems import Problem
from service.signin import ceremonies
from service.signin.ceremonies import PasskeyRefused
from service.signin.challenges import Challenges, challenge, spend
from service.signin.passkeys import presented


class FreshPasskeyRequired(Problem):
    """Keys of a sign-in decide only with a fresh assertion of the officer's passkey: ask for a challenge, answer it."""

    status = HTTPStatus.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks for assertions and checks them: the relying party at the console's origin."""

    challenges: Challenges
    origin: str

    def ask(self, bound_to: bytes) -> dict[str, Any]:
        """{ticket, options}: what the browser asks its authenticator, and the ticket to hand back."""
        ticket = self.challenges.ticket(bound_to)
        return {"ticket": ticket.hex(), "options": ceremonies.request(self.origin, challenge(ticket, bound_to))}

    async def confirm(self, session: AsyncSession, keys: Collection[str], bound_to: bytes, answer: object) -> None:
        """Hold `answer` ({ticket, credential}) to be of the one person whose sign-in brought `keys`, over `bound_to`.

        Where no sign-in brought any of them nothing is asked. Raises FreshPasskeyRequired, ChallengeNotValid,
        PasskeyRefused.
        """
        people = set(await session.scalars(select(SessionKey.person).where(SessionKey.kid.in_(keys))))
        if not people:
            return
        if answer is None:
            raise FreshPasskeyRequired("the approval carries none", pointer="/passkey")
        ticket, credential = _read(answer)
        until = self.challenges.check(ticket, bound_to)
        passkey = await presented(session, credential)
        passkey.sign_count = ceremonies.asserted(
            self.origin, credential, challenge(ticket, bound_to), passkey.public_key, passkey.sign_count
        )
        if people != {passkey.person}:  # nor of two, of whom one lends a key to the other
            raise PasskeyRefused("it is the passkey of another officer", pointer="/passkey/credential")
        await spend(session, ticket, until)


def _read(answer: object) -> tuple[bytes, dict[str, Any]]:
    match answer:
        case {"ticket": str(ticket), "credential": dict(credential), **others} if not others:
            try:
                return bytes.fromhex(ticket), credential
            except ValueError:
                detail = "the ticket is as it came with the challenge"
                raise FreshPasskeyRequired(detail, pointer="/passkey/ticket") from None
    raise FreshPasskeyRequired("expected ticket and credential", pointer="/passkey")
