"""The life of an alert: reviewed → issued → acknowledged by each country → feedback → closed or retracted.

A candidate is the service's; from the review on it is a country's word, signed for by keys. Two of them: the one that
reviewed does not issue. An alert rests on records, and reaches only who may see every one of them, so that its author
tells nobody of a record that its owner does not tell of. Its handling is no wider than the strictest of them.
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.models import ALERT, ANSWER, CANDIDATE, OWN_ALERT, Alert, AlertAnswer, AlertBasis
from service.alerts.rules import NEEDS, Rule
from service.alerts.turn import alert_turn
from service.identity import acts, quota
from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.models import Country
from service.identity.officers import same_hand
from service.notices.notify import notify, settle
from service.problems import NotFound, Problem
from service.records.registry import HANDLING, Handling
from service.seizures.models import SHARED

_ISSUE = text("SELECT gate.issue_alert(:id, :level, :handling, CAST(:countries AS text[]))")
_END = text("SELECT gate.end_alert(:id, :state, :reason)")
_FEEDBACK = text("SELECT gate.alert_feedback(:id, :action, :useful)")
_SETTLE = text("SELECT gate.settle_candidate(:id, :state)")
Words = Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"^[^\x00]*$")]
Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
ITEMS = NEEDS["FIRST_IN_REGION"]


class CandidateSettled(Problem):
    """This candidate was raised or dismissed before."""

    status = HTTPStatus.CONFLICT


class NotInThisState(Problem):
    """The alert is in another state than this step starts from."""

    status = HTTPStatus.CONFLICT


class SecondKeyIssues(Problem):
    """Four eyes: the key that reviewed an alert does not issue it."""

    status = HTTPStatus.FORBIDDEN


class HandlingTooWide(Problem):
    """An alert is handled at least as strictly as the strictest record that it rests on."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AudienceUnknown(Problem):
    """The countries that an alert is addressed to are enrolled; TLP:RED names them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AcknowledgedBefore(Problem):
    """Your country has acknowledged this alert."""

    status = HTTPStatus.CONFLICT


class TooManyAlerts(Problem):
    """Your country has issued as many alerts as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Review(_Document):
    """What people make of a candidate: an alert with words of theirs, or nothing."""

    decision: Literal["raise", "dismiss"]
    title: Title | None = None
    text: Words | None = None


class Draft(_Document):
    """An alert that no rule found: what it rests on is said by who writes it."""

    rule: Rule | Literal["OTHER"] = "OTHER"
    substance: Annotated[str | None, Field(max_length=40, pattern=r"^(SAR|UNK)-[A-Z0-9-]+$")] = None
    title: Title
    text: Words
    records: Annotated[list[str], Field(max_length=50, description="Ids of records that are shared with you.")] = []


class Issue(_Document):
    """To whom, how urgent, how to be handled. Without countries: to every member."""

    level: Literal["INFO", "ADVISORY", "URGENT"]
    handling: Handling
    countries: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] | None, Field(min_length=1, max_length=60)
    ] = None


class Ending(_Document):
    """Why it is over, or was wrong."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]


class Feedback(_Document):
    """What the country did, and whether the alert was of use."""

    action: Words
    useful: bool


async def review(session: AsyncSession, caller: Caller, id_: UUID, said: Review) -> UUID | None:
    """The id of the alert that a candidate was raised to. Raises NotFound, CandidateSettled."""
    found = (await session.execute(select(CANDIDATE).where(CANDIDATE.c.id == id_))).mappings().first()
    if found is None:
        raise NotFound("your agency has no such candidate, or what it rests on is not shared with you any more")
    state = "raised" if said.decision == "raise" else "dismissed"
    if not await session.scalar(_SETTLE, {"id": id_, "state": state}):
        raise CandidateSettled(f"it was {found['state']}")
    await record(
        session, caller.country, "review-candidate", candidate=str(id_), decision=state, agency=caller.agency,
        by=caller.key_id,
    )  # fmt: skip
    if state == "dismissed":
        return None
    basis = {found["record_id"]: NEEDS.get(found["rule"], ITEMS)} if found["record_id"] else {}
    return await _write(
        session, caller, basis, rule=found["rule"], substance=found["substance"], candidate_id=id_,
        title=said.title or found["rule"].replace("_", " ").capitalize(), text=said.text or "-",
    )  # fmt: skip


async def draft(session: AsyncSession, caller: Caller, said: Draft) -> UUID:
    """An alert by hand, reviewed by who writes it. Raises NotFound where a record is not shared with the caller."""
    basis = {}
    for place, name in enumerate(said.records):
        try:
            id_ = UUID(name)
        except ValueError:
            raise NotFound("no such record, or it is not shared with you", pointer=f"/records/{place}") from None
        basis[id_] = NEEDS.get(said.rule, ITEMS)
    await _check_shared(session, basis)
    return await _write(
        session, caller, basis, rule=said.rule, substance=said.substance, title=said.title, text=said.text
    )


async def _check_shared(session: AsyncSession, basis: dict[UUID, int]) -> None:
    query = select(SHARED.c.record_id, SHARED.c.mask).where(SHARED.c.record_id.in_(list(basis)))
    masks = {row.record_id: row.mask for row in await session.execute(query)} if basis else {}
    for place, (id_, needs) in enumerate(basis.items()):
        if masks.get(id_, 0) & needs != needs:
            raise NotFound("no such record, or it is not shared with you", pointer=f"/records/{place}")


async def _write(session: AsyncSession, caller: Caller, basis: dict[UUID, int], **members: Any) -> UUID:
    id_ = uuid.uuid4()
    session.add(
        Alert(
            id=id_,
            country=caller.country,
            agency=caller.agency,
            reviewed_by=caller.key_id,
            reviewed_at=datetime.now(UTC),
            **members,
        )
    )
    await session.flush()
    rows = [{"alert_id": id_, "record_id": record_id, "needs": needs} for record_id, needs in basis.items()]
    if rows:
        await session.execute(insert(AlertBasis), rows)
    await record(session, caller.country, "review-alert", alert=str(id_), agency=caller.agency, by=caller.key_id)
    return id_


async def issue(session: AsyncSession, caller: Caller, id_: UUID, said: Issue, *, most: int) -> None:
    """`most` is how many alerts a country may issue in a day. Raises NotFound, NotInThisState, SecondKeyIssues,
    HandlingTooWide, AudienceUnknown, TooManyAlerts.
    """
    own = await _own(session, id_)
    if own["state"] != "reviewed":
        raise NotInThisState(f"it is {own['state']}", expected="reviewed")
    if await same_hand(session, own["reviewed_by"], caller.key_id):
        raise SecondKeyIssues("another policy officer or coordinator of your country issues it")
    alert = await one(session, id_)
    await _check_handling(session, alert["records"], said.handling)
    members = set(await session.scalars(select(Country.code)))
    if unknown := sorted(set(said.countries or ()) - members):
        raise AudienceUnknown(f"not enrolled: {', '.join(unknown)}", pointer="/countries")
    if said.handling == "TLP:RED" and said.countries is None:
        raise AudienceUnknown("TLP:RED names who may read it", pointer="/countries")
    await _check_issued(session, most)
    given = {"id": id_, **said.model_dump()}
    if not await session.scalar(_ISSUE, given):
        raise NotInThisState("another officer decided upon it a moment ago")
    await record(session, caller.country, "issue-alert", alert=str(id_), **_told(said), by=caller.key_id)


async def _check_issued(session: AsyncSession, most: int) -> None:
    """Every alert comes into everyone's inbox. Counted in the turn in which it is issued. Raises TooManyAlerts."""
    await alert_turn(session)
    await quota.check(session, OWN_ALERT.c.issued_at, most, quota.DAY, TooManyAlerts)


async def _check_handling(session: AsyncSession, records: Iterable[UUID], handling: str) -> None:
    strictest = [
        HANDLING.index(label)
        for label in await session.scalars(select(SHARED.c.handling).where(SHARED.c.record_id.in_(list(records))))
    ]
    if strictest and HANDLING.index(handling) < max(strictest):
        expected = HANDLING[max(strictest)]
        raise HandlingTooWide(f"it rests on a record marked {expected}", pointer="/handling", expected=expected)


def _told(said: Issue) -> dict[str, Any]:
    return {name: value for name, value in said.model_dump().items() if value is not None}


async def end(
    session: AsyncSession, caller: Caller, id_: UUID, state: Literal["closed", "retracted"], why: str
) -> None:
    """Raises NotFound, NotInThisState."""
    own = await _own(session, id_)
    if not await session.scalar(_END, {"id": id_, "state": state, "reason": why}):
        raise NotInThisState(f"it is {own['state']}", expected="issued")
    await record(session, caller.country, f"{state}-alert", alert=str(id_), reason=why, by=caller.key_id)
    if state == "retracted":  # who has read it is told, also where it may not read it any more
        answered = await session.scalars(select(ANSWER.c.country).where(ANSWER.c.alert_id == id_))
        for country in sorted(set(answered) - {caller.country}):
            await notify(session, country, "alert-retracted", f"/v1/alerts/{id_}", reason=why)


async def acknowledge(session: AsyncSession, caller: Caller, id_: UUID) -> None:
    """The caller's country has read it. Raises NotFound, NotInThisState, AcknowledgedBefore."""
    alert = await one(session, id_)
    if alert["state"] == "reviewed":
        raise NotInThisState("it is not issued", expected="issued")
    answer = {
        "alert_id": id_,
        "country": caller.country,
        "issuer": alert["country"],
        "acknowledged_by": caller.key_id,
        "acknowledged_agency": caller.agency,
    }
    try:
        async with session.begin_nested():
            await session.execute(insert(AlertAnswer), answer)
    except IntegrityError:
        raise AcknowledgedBefore("once for each country is enough") from None
    await record(session, caller.country, "acknowledge-alert", alert=str(id_), agency=caller.agency, by=caller.key_id)
    await settle(session, caller.key_id, f"/v1/alerts/{id_}")
    if alert["country"] != caller.country:
        await notify(session, alert["country"], "alert-acknowledged", f"/v1/alerts/{id_}", agency=caller.agency)


async def feedback(session: AsyncSession, caller: Caller, id_: UUID, said: Feedback, *, most: int) -> None:
    """Once the country has acknowledged; the issuer is told of the first. `most` acts a day.

    Raises TooManyActs, NotFound, NotInThisState.
    """
    await acts.step(session, caller.country, most)
    alert = await one(session, id_)
    answers = select(ANSWER.c.feedback_at).where(ANSWER.c.alert_id == id_, ANSWER.c.country == caller.country)
    before = await session.scalar(answers)
    if not await session.scalar(_FEEDBACK, {"id": id_, **said.model_dump()}):
        raise NotInThisState("acknowledge it first")
    await record(
        session, caller.country, "alert-feedback", alert=str(id_), useful=said.useful, agency=caller.agency,
        by=caller.key_id,
    )  # fmt: skip
    if alert["country"] != caller.country and before is None:
        await notify(session, alert["country"], "alert-feedback", f"/v1/alerts/{id_}", useful=said.useful)


async def _own(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    row = (await session.execute(select(OWN_ALERT).where(OWN_ALERT.c.id == id_))).mappings().first()
    if row is None:
        raise NotFound("your country has no such alert")
    return dict(row)


async def one(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """The row of an alert that the caller may see now. Raises NotFound, the same for hidden and for absent."""
    row = (await session.execute(select(ALERT).where(ALERT.c.id == id_))).mappings().first()
    if row is None:
        raise NotFound("no such alert, or it does not reach you")
    return dict(row)
