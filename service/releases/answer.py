"""Settle a request: the owner gives what was asked, a part of it, or nothing with a reason; the asker withdraws."""

import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.notices.notify import notify, settle
from service.policies.obligations import Obligation, bits
from service.problems import NotFound, Problem
from service.records.registry import mask, named
from service.releases.ask import Facets, Words
from service.releases.enforce import enforce
from service.releases.grants import check_granted, tell_officers
from service.releases.models import REQUEST, RecordRule
from service.releases.owned import held, may_narrow, may_widen
from service.releases.words import GRANT_FOR, LONGEST_GRANT, Refusal, whole_hour, with_coarser

_SETTLE = text(
    "SELECT gate.settle_request(:id, :state, :given, CAST(:until AS timestamptz), :duties, :refusal, :said, :by)"
)


class Answer(BaseModel):
    """The owner's answer. What is given, the asking agency is given for the purpose it stated, until a date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Literal["full", "part", "refused"]
    facets: Annotated[Facets | None, Field(description="In part: which.")] = None
    days: Annotated[int, Field(ge=1, le=LONGEST_GRANT.days, description="How long, to the full hour.")] = GRANT_FOR.days
    obligations: Annotated[list[Obligation], Field(max_length=7)] = []
    refusal: Annotated[Refusal | None, Field(description="Refused: why.")] = None
    text: Words | None = None

    @model_validator(mode="after")
    def _decision_has_its_members(self) -> "Answer":
        if (self.facets is not None) != (self.decision == "part"):
            raise ValueError("facets are named where a part is given, and only there")
        refused = self.decision == "refused"
        if refused != (self.refusal is not None) or (refused and self.text is None):
            raise ValueError("a refusal has its code and a text, and nothing else has a code")
        if refused and self.obligations:
            raise ValueError("where nothing is given, nothing obliges")
        return self


class NotTheOwner(Problem):
    """A request is answered by the owner of the record, and withdrawn by the agency that asked."""

    status = HTTPStatus.FORBIDDEN


class RequestSettled(Problem):
    """The request is not open: it was answered, refused or withdrawn."""

    status = HTTPStatus.CONFLICT


class PartNotAsked(Problem):
    """A part is some of the facets that were asked for, not all and no others."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def find(session: AsyncSession, id_: uuid.UUID) -> Any:
    """The request as its parties see it. Raises NotFound, also for a request of others."""
    row = (await session.execute(select(REQUEST).where(REQUEST.c.id == id_))).first()
    if row is None:
        raise NotFound("no such request, or it does not concern you")
    return row


async def answer(session: AsyncSession, caller: Caller, id_: uuid.UUID, said: Answer, *, most_granted: int) -> None:
    """`most_granted` as for `share`. Raises NotFound, NotTheOwner, OfficerRequired, NotTheFilingAgency, PartNotAsked,
    RequestSettled, TooManyGranted, TooManyOfTheirOwn, TooManyRules.
    """
    request = await find(session, id_)
    if request.owner != caller.country:
        raise NotTheOwner("the record is of another country, which answers")
    records = await held(session, [request.record_id])
    given = _given(request.wanted, said)
    if given:
        may_widen(caller)
        await check_granted(session, caller, request.record_id, most_granted)
    else:
        may_narrow(caller, records)
    now = datetime.now(UTC)
    until = whole_hour(now + timedelta(days=said.days)) if given else None
    obliging = bits(said.obligations)
    state = "answered" if given else "refused"
    await _settle(
        session, id_, caller, state, given=given, until=until, duties=obliging, refusal=said.refusal, said=said.text
    )
    if given:
        session.add(
            RecordRule(
                id=uuid.uuid4(),
                record_id=request.record_id,
                owner=caller.country,
                kind="grant",
                agencies=[request.asker_agency],
                purposes=[request.purpose],
                facets=with_coarser(given),
                duties=obliging,
                until=until,
                reason=f"request of {request.asker_agency}",
                origin="request",
                origin_id=id_,
                made_at=now,
                made_by=caller.key_id,
            )
        )
        await session.flush()
    await log_act(
        session, caller.country, "answer-request", request=str(id_), record=str(request.record_id),
        decision=said.decision, facets=list(named(given)) or None, refusal=said.refusal,
        until=until.isoformat() if until else None,
        obligations=sorted(said.obligations) or None, agency=request.asker_agency, by=caller.key_id,
    )  # fmt: skip
    if given:
        await enforce(session, [request.record_id])
    path = f"/v1/requests/{id_}"
    await settle(session, caller.key_id, path)
    await notify(
        session, request.asker_agency, f"request-{state}", path, record=str(request.record_id),
        facets=named(given), refusal=said.refusal,
    )  # fmt: skip
    if given:
        await tell_officers(session, caller, request.record_id)


async def withdraw(session: AsyncSession, caller: Caller, id_: uuid.UUID) -> None:
    """Raises NotFound, NotTheOwner, RequestSettled."""
    request = await find(session, id_)
    if request.owner == caller.country:
        raise NotTheOwner("your country answers this request; the agency that asked may withdraw it")
    await _settle(session, id_, caller, "withdrawn")
    await log_act(session, caller.country, "withdraw-request", request=str(id_), agency=caller.agency, by=caller.key_id)
    await notify(session, request.owner, "request-withdrawn", f"/v1/requests/{id_}", record=str(request.record_id))


def _given(wanted: int, said: Answer) -> int:
    if said.decision != "part":
        return wanted if said.decision == "full" else 0
    part = mask(said.facets or ())
    if part & ~wanted or part == wanted:
        raise PartNotAsked(f"asked for: {', '.join(named(wanted))}", pointer="/facets", expected=named(wanted))
    return part


async def _settle(session: AsyncSession, id_: uuid.UUID, caller: Caller, state: str, **terms: Any) -> None:
    """Of two that settle a request at once, one does. Raises RequestSettled for the other."""
    nothing = {"given": 0, "until": None, "duties": 0, "refusal": None, "said": None}
    values = {**nothing, **terms, "id": id_, "state": state, "by": caller.key_id}
    if not await session.scalar(_SETTLE, values):
        raise RequestSettled("ask for the request to see what became of it")
