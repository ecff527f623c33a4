"""A change takes two officers of the country it concerns: one proposes, another approves, and then it
applies.
"""

import uuid
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.documents import (
    CHANGE,
    AddAgency,
    AddPerson,
    AnyChange,
    EnrolKey,
    GrantRole,
    SetPersonRoles,
    WithdrawRole,
)
from service.identity.enrol import NotEnrolled, enrol_agency, enrol_key, grant_role, readable, withdraw_role
from service.identity.governance import record
from service.identity.models import Agency, AgencyKey, Change, Person
from service.identity.officers import same_hand, still_holds
from service.identity.people import add_person, set_roles
from service.identity.possession import prove
from service.problems import NotFound, Problem
from service.signing import jwk_of, public_key


class NotYourCountry(Problem):
    """An officer changes the registry of its own country only."""

    status = HTTPStatus.FORBIDDEN


class SecondOfficerRequired(Problem):
    """The officer who proposed a change may not approve it."""

    status = HTTPStatus.FORBIDDEN


class ChangeAlreadyApplied(Problem):
    """This change was approved before."""

    status = HTTPStatus.CONFLICT


class ChangeAlreadyRejected(Problem):
    """This change was rejected before: propose it anew."""

    status = HTTPStatus.CONFLICT


class ProposerNoLongerOfficer(Problem):
    """The key that proposed this change was revoked since, ran out, or lost the role: its proposals lapse."""

    status = HTTPStatus.CONFLICT


async def propose(session: AsyncSession, officer: Caller, document: AnyChange) -> Change:
    """Keep a change for a second officer. Raises NotYourCountry, NotEnrolled, UnreadableName, BadKey,
    PossessionNotProven.
    """
    if await _country(session, document) != officer.country:
        raise NotYourCountry(f"your country is {officer.country}")
    if isinstance(document, AddAgency):
        readable(document.name, pointer="/change/name")
    if isinstance(document, EnrolKey):
        _prove(document)  # what is kept is the key, not what else was written around it
        document = document.model_copy(update={"jwk": jwk_of(public_key(document.jwk)[0])})
    written = document.model_dump(mode="json", exclude_none=True)
    change = Change(
        id=uuid.uuid4(),
        country=officer.country,
        document=written,
        state="proposed",
        proposed_by=officer.key_id,
        proposed_at=datetime.now(UTC),
    )
    session.add(change)
    await record(session, officer.country, "propose", change=str(change.id), document=written, by=officer.key_id)
    return change


async def approve(session: AsyncSession, officer: Caller, id: uuid.UUID) -> Change:
    """Apply a change that another officer of the same country proposed.

    Raises NotFound (also for another country's change), SecondOfficerRequired, ChangeAlreadyApplied,
    ProposerNoLongerOfficer, and what the act itself raises.
    """
    change = await _pending(session, officer, id)
    if await same_hand(session, change.proposed_by, officer.key_id):
        raise SecondOfficerRequired("another key administrator of your country must approve")
    if not await still_holds(session, change.proposed_by, "key_administrator"):
        raise ProposerNoLongerOfficer("propose it anew with a key that is in force and may administer keys")
    change.state, change.approved_by, change.approved_at = "applied", officer.key_id, datetime.now(UTC)
    await record(session, officer.country, "approve", change=str(id), by=officer.key_id)
    await _apply(session, CHANGE.validate_python(change.document), change.proposed_by, officer.key_id)
    return change


async def reject(session: AsyncSession, officer: Caller, id: uuid.UUID, reason: str) -> Change:
    """End a pending change; its proposer may, too. Raises NotFound, ChangeAlreadyApplied, ChangeAlreadyRejected."""
    change = await _pending(session, officer, id)
    change.state, change.rejected_by, change.rejected_at = "rejected", officer.key_id, datetime.now(UTC)
    change.rejection_reason = reason
    await record(session, officer.country, "reject", change=str(id), by=officer.key_id, reason=reason)
    return change


async def _pending(session: AsyncSession, officer: Caller, id: uuid.UUID) -> Change:
    """A change of the officer's country that is not decided yet, locked."""
    query = select(Change).where(Change.id == id, Change.country == officer.country).with_for_update()
    change = (await session.scalars(query)).one_or_none()
    if change is None:
        raise NotFound("your country has no such change")
    if change.state == "applied":
        raise ChangeAlreadyApplied(f"approved at {change.approved_at}")
    if change.state == "rejected":
        raise ChangeAlreadyRejected(f"rejected at {change.rejected_at}: {change.rejection_reason}")
    return change


def _prove(document: EnrolKey) -> None:
    prove(document.agency, document.use, document.jwk, document.proof, pointer="/change/proof")


async def _apply(session: AsyncSession, document: AnyChange, by: str, approved_by: str) -> None:
    match document:
        case AddAgency():
            await enrol_agency(session, document.code, document.type, document.name, by=by, approved_by=approved_by)
        case EnrolKey():
            _prove(document)  # one proposed before proofs were asked for has none
            kid = await enrol_key(
                session,
                document.agency,
                document.use,
                document.jwk,
                not_before=document.not_before,
                not_after=document.not_after,
                by=by,
                approved_by=approved_by,
            )
            for role in document.roles:
                await grant_role(session, kid, role, by=by, approved_by=approved_by)
        case GrantRole():
            await grant_role(session, document.kid, document.role, by=by, approved_by=approved_by)
        case AddPerson():
            await add_person(session, document.agency, document.handle, document.roles, by=by, approved_by=approved_by)
        case SetPersonRoles():
            await set_roles(session, document.person, document.roles, by=by, approved_by=approved_by)
        case WithdrawRole():
            await withdraw_role(session, document.kid, document.role, by=by, approved_by=approved_by)


async def _country(session: AsyncSession, document: AnyChange) -> str:
    """The country whose registry `document` would change."""
    match document:
        case AddAgency():
            return document.code.partition("-")[0]
        case EnrolKey() | AddPerson():
            found = await session.scalar(select(Agency.country).where(Agency.code == document.agency))
            pointer = "/change/agency"
        case SetPersonRoles():
            found = await session.scalar(
                select(Agency.country).join(Person, Person.agency == Agency.code).where(Person.id == document.person)
            )
            pointer = "/change/person"
        case _:
            found = await session.scalar(
                select(Agency.country)
                .join(AgencyKey, AgencyKey.agency == Agency.code)
                .where(AgencyKey.kid == document.kid)
            )
            pointer = "/change/kid"
    if found is None:
        raise NotEnrolled("not enrolled", pointer=pointer)
    return found
