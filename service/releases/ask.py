"""Ask the originator of a record for more of it than its policy gives."""

import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import DateTime, column, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import violated
from service.identity import quota
from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.locks import Turn
from service.notices.notify import notify
from service.problems import NotFound, Problem
from service.records.registry import ALL, mask, named
from service.releases.models import ReleaseRequest
from service.releases.words import ANSWER_WITHIN
from service.seizures.models import SHARED

Facet = Literal[
    "reference", "reported", "when.instant", "when.day", "when.month", "where.point", "where.cell", "where.admin1",
    "where.country", "items", "transport", "route", "persons", "marks", "case", "laboratory", "purity", "spectra",
    "narrative",
]  # fmt: skip
Facets = Annotated[list[Facet], Field(min_length=1, max_length=19)]
Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


class Question(BaseModel):
    """What is asked of which record; for what purpose is in the signed header `sarhad-purpose`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: uuid.UUID
    facets: Facets
    reason: Annotated[Words, Field(description="Why, for the owner to judge.")]
    days: Annotated[int, Field(ge=1, le=60, description="Days within which an answer is asked for.")] = (
        ANSWER_WITHIN.days
    )

    @field_validator("facets")
    @classmethod
    def _once_each(cls, facets: list[Facet]) -> list[Facet]:
        if len(set(facets)) != len(facets):
            raise ValueError("a facet is named once")
        return facets


class FacetAlreadyGiven(Problem):
    """This facet of the record is given to you: there is nothing to ask."""

    status = HTTPStatus.CONFLICT


class RequestAlreadyOpen(Problem):
    """Your agency has an open request about this record for this purpose."""

    status = HTTPStatus.CONFLICT


class TooManyAsked(Problem):
    """Your country has asked this owner for more of its records as often as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


async def ask(session: AsyncSession, asker: Caller, question: Question, *, most: int) -> uuid.UUID:
    """The id of the new request, of which the owner is told. `most` is how many requests a country may make to one
    owner in a day, also where it withdraws them.

    Raises NotFound, the same for a record that is not shared and for one that does not exist, FacetAlreadyGiven,
    RequestAlreadyOpen, TooManyAsked.
    """
    seen = select(SHARED.c.country, SHARED.c.mask).where(SHARED.c.record_id == question.record)
    row = (await session.execute(seen)).first()
    if row is None:
        raise NotFound("no such record, or it is not shared with you", pointer="/record")
    already = named(row.mask & ALL & mask(question.facets))
    if already:
        place = next(n for n, facet in enumerate(question.facets) if facet in already)
        raise FacetAlreadyGiven(
            f"you are given {', '.join(already)}; ask for others", pointer=f"/facets/{place}", given=already
        )
    await quota.turn(session, Turn.REQUESTS, asker.country)
    asked = func.gate.asked_of(row.country).table_valued(column("at", DateTime(timezone=True)))
    await quota.check(session, asked.c.at, most, quota.DAY, TooManyAsked)
    id_, now = uuid.uuid4(), datetime.now(UTC)
    request = ReleaseRequest(
        id=id_,
        record_id=question.record,
        owner=row.country,
        asker_country=asker.country,
        asker_agency=asker.agency,
        asked_by=asker.key_id,
        purpose=asker.purpose,
        case_reference=asker.case,
        reason=question.reason,
        wanted=mask(question.facets),
        asked_at=now,
        deadline=now + timedelta(days=question.days),
    )
    try:
        async with session.begin_nested():
            session.add(request)
    except IntegrityError as refused:
        if not violated(refused, "release_request_open_idx"):
            raise
        raise RequestAlreadyOpen("wait for its answer, or withdraw it") from None
    await log_act(
        session, asker.country, "ask-originator", request=str(id_), record=str(question.record), owner=row.country,
        facets=question.facets, purpose=asker.purpose, agency=asker.agency, by=asker.key_id,
    )  # fmt: skip
    await notify(
        session, row.country, "request-received", f"/v1/requests/{id_}", record=str(question.record),
        facets=question.facets, agency=asker.agency, purpose=asker.purpose,
    )  # fmt: skip
    return id_
