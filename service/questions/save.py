"""Save, change and drop a question of one's own."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.locks import Turn
from service.problems import NotFound, Problem
from service.questions.models import QUESTION, Question
from service.substances.catalogue import Catalogue
from service.trends.ask import check_labels
from service.trends.question import Trend
from service.trends.tell import check

MOST = 200  # of one key
MOST_SCHEDULED = 200  # of one country
_PLAIN = r"^[^\x00-\x1f\x7f]+$"  # no control character
Shared = Literal["key", "agency", "country", "members"]
_CHANGE = text("SELECT gate.change_question(:id, :name, :shared, :schedule, :threshold, :again)")
_DROP = text("SELECT gate.drop_question(:id)")
_SCHEDULED = text("SELECT gate.scheduled_questions(:but)")


class NoSuchQuestion(Problem):
    """The saved question is none that the trends answer."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyQuestions(Problem):
    """This key has saved as many questions as one key may."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class TooManyScheduled(Problem):
    """Your country has as many scheduled questions as one country may."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Terms(BaseModel):
    """How a question is kept: its name, who may ask it too, when the service asks it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=_PLAIN)]
    shared: Annotated[Shared, Field(description="Who may read and ask it too.")] = "key"
    schedule: Annotated[
        Literal["daily", "weekly", "monthly"] | None, Field(description="When the service asks it again.")
    ] = None
    threshold: Annotated[
        Decimal | None, Field(ge=0, le=1000, description="Percent of a total by which it must differ to be told.")
    ] = None


class Saved(Terms):
    """The body of POST /v1/questions."""

    asks: Annotated[dict[str, Any], Field(description="The parameters of GET /v1/trends.")]
    view: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z_]{1,20}$")], Annotated[str, Field(max_length=100, pattern=_PLAIN)]]
        | None,
        Field(max_length=20, description="How who saved it looked at the answer: kept as it is said, and never read."),
    ] = None


async def save(session: AsyncSession, caller: Caller, wanted: Saved, catalogue: Catalogue) -> uuid.UUID:
    """Raises NoSuchQuestion, UnknownDimension and the like, TooManyQuestions, TooManyScheduled."""
    trend(wanted.asks, catalogue)
    await quota.turn(session, Turn.QUESTIONS, caller.key_id)
    if (await session.scalar(select(func.count()).select_from(QUESTION).where(QUESTION.c.mine)) or 0) >= MOST:
        raise TooManyQuestions(f"{MOST} are saved: delete one", limit=MOST)
    await _check_scheduled(session, caller, wanted)
    id_ = uuid.uuid4()
    row = {
        "id": id_,
        "key_id": caller.key_id,
        "country": caller.country,
        "agency": caller.agency,
        "purpose": caller.purpose,
        "asks": wanted.asks,
        "view": wanted.view,
        "next_at": _first(wanted.schedule),
        **wanted.model_dump(include={"name", "shared", "schedule", "threshold"}),
    }
    await session.execute(insert(Question.__table__).values(row))  # type: ignore[arg-type]
    return id_


async def change(session: AsyncSession, caller: Caller, id_: uuid.UUID, terms: Terms) -> None:
    """A question that was asked within its period is not asked before that is over. Raises NotFound, also for another's
    question, TooManyScheduled.
    """
    await _check_scheduled(session, caller, terms, but=id_)
    values = terms.model_dump() | {"id": id_, "again": _first(terms.schedule)}
    if not await session.scalar(_CHANGE, values):
        raise NotFound("this key has saved no such question")


async def drop(session: AsyncSession, id_: uuid.UUID) -> None:
    """Raises NotFound, also for another's question."""
    if not await session.scalar(_DROP, {"id": id_}):
        raise NotFound("this key has saved no such question")


def trend(asks: dict[str, Any], catalogue: Catalogue) -> Trend:
    """The question of GET /v1/trends that these parameters ask. Raises NoSuchQuestion and what `check` does."""
    try:
        question = Trend.model_validate(asks)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = "".join(f"/{part}" for part in first["loc"])
        raise NoSuchQuestion(first["msg"], pointer=f"/asks{path}") from None
    check(question)
    question.box()
    check_labels(question, catalogue)
    return question


async def _check_scheduled(
    session: AsyncSession, caller: Caller, terms: Terms, *, but: uuid.UUID | None = None
) -> None:
    """Raises TooManyScheduled."""
    if terms.schedule is None:
        return
    await quota.turn(session, Turn.SCHEDULES, caller.country)
    if (await session.scalar(_SCHEDULED, {"but": but}) or 0) >= MOST_SCHEDULED:
        raise TooManyScheduled(f"{MOST_SCHEDULED} are scheduled: end a schedule", limit=MOST_SCHEDULED)


def _first(schedule: str | None) -> datetime | None:
    return None if schedule is None else datetime.now(UTC)
