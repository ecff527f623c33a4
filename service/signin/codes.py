"""Enrolment codes: what two administrators hand to an officer, a half each, on another way than this service.

One administrator with a whole code could enrol itself and act as that officer, and as any two of them.
The operator, who enrols whole countries, issues whole codes.
"""

import base64
import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.governance import OPERATOR, record
from service.identity.models import Person
from service.identity.officers import same_hand
from service.identity.people import end_sessions, find_person
from service.problems import Problem
from service.signin.challenges import spend
from service.signin.models import EnrolmentCode

LIFE = timedelta(hours=24)
_WHOLE, _HALF = 15, 10  # bytes: 24 and 16 characters, which a person can read out in groups of four
_HALF_LENGTH = _HALF * 8 // 5


class PersonEnded(Problem):
    """This officer was ended and signs in no more."""

    status = HTTPStatus.CONFLICT


class CodeNotValid(Problem):
    """This enrolment code is unknown, was used, has run out, or is a half alone: ask your key administrators."""

    status = HTTPStatus.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Held:
    """A code that holds: whose it is, and what of it is kept."""

    person: Person
    parts: tuple[EnrolmentCode, ...]

    @property
    def bound(self) -> bytes:
        """What a ticket is bound to."""
        return b"".join(part.hash for part in self.parts)


async def issue(
    session: AsyncSession, person_id: uuid.UUID, *, by: str, country: str | None
) -> tuple[str, datetime, Person]:
    """(code, until when it holds, whose it is): half a code, which holds with a half that another administrator issues;
    from the operator a whole one. Raises NotFound, PersonEnded.
    """
    person = await find_person(session, person_id, country)
    if person.ended_at is not None:
        raise PersonEnded(f"ended at {person.ended_at.isoformat(timespec='seconds')}")
    size = _WHOLE if by == OPERATOR else _HALF
    plain = base64.b32encode(secrets.token_bytes(size)).decode().lower()
    until = datetime.now(UTC) + LIFE
    session.add(EnrolmentCode(hash=_hash(plain), person=person_id, expires_at=until, issued_by=by))
    await record(session, person.agency[:2], "issue-enrolment-code", person=str(person_id), by=by)
    return "-".join(plain[n : n + 4] for n in range(0, len(plain), 4)), until, person


async def pending(session: AsyncSession, person_id: uuid.UUID) -> bool:
    """Whether the officer has a code that still holds."""
    query = select(EnrolmentCode.hash).where(
        EnrolmentCode.person == person_id,
        EnrolmentCode.used_at.is_(None),
        EnrolmentCode.expires_at > datetime.now(UTC),
    )
    return await session.scalar(query.limit(1)) is not None


async def holder(session: AsyncSession, code: str, *, lock: bool = False) -> Held:
    """The officer a code was issued for; both halves, in any order. Raises CodeNotValid."""
    plain = "".join(code.split()).replace("-", "").lower()
    halved = len(plain) == 2 * _HALF_LENGTH
    halves = sorted((plain[:_HALF_LENGTH], plain[_HALF_LENGTH:])) if halved else [plain]
    parts = [await session.get(EnrolmentCode, _hash(half), with_for_update=lock) for half in halves]
    now = datetime.now(UTC)
    held = tuple(part for part in parts if part is not None and part.used_at is None and part.expires_at > now)
    person = await session.get(Person, held[0].person, with_for_update=lock or None) if held else None
    if person is None or person.ended_at is not None or not await _whole(session, held, halved):
        raise CodeNotValid("a code holds once, for 24 hours, with both its halves", pointer="/code")
    return Held(person, held)


async def use_up(session: AsyncSession, held: Held, ticket: bytes, until: int, reason: str) -> None:
    """A code that is locked enrols nobody else; what the officer is signed in with ends, for the code may have been
    stolen. `until` is when the ticket runs out. Raises ChallengeNotValid.
    """
    await spend(session, ticket, until)
    for part in held.parts:
        part.used_at = datetime.now(UTC)
    await end_sessions(session, held.person.id, reason)


async def _whole(session: AsyncSession, parts: tuple[EnrolmentCode, ...], halved: bool) -> bool:
    """Whether these are a code: one of the operator, or for one officer the halves of two hands."""
    if not halved:
        return len(parts) == 1 and parts[0].issued_by == OPERATOR
    if len(parts) != 2 or parts[0].person != parts[1].person:
        return False
    by = [part.issued_by for part in parts]
    return OPERATOR not in by and not await same_hand(session, by[0], by[1])


def _hash(plain: str) -> bytes:
    return hashlib.sha256(plain.encode()).digest()
