"""Ask for an export: what may be asked, how much at once, and the job that builds it, in one transaction."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.exports.build import build
from service.exports.formats import FORMATS
from service.exports.limits import check
from service.exports.models import EXPORT, Export
from service.exports.subjects import SUBJECTS
from service.identity import quota
from service.identity.caller import Caller
from service.locks import Turn
from service.problems import Problem
from service.seizures.query import Conditions
from service.seizures.read import descendants
from service.settings import Settings
from service.substances.catalogue import Catalogue

UNDER_WAY, KEPT = 3, 30  # of one key


class UnknownSubject(Problem):
    """Exports are of what this list names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownFormat(Problem):
    """Exports come in the formats of this list."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyExports(Problem):
    """This key has as many exports as it may have at once."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Wanted(BaseModel):
    """The body of POST /v1/exports: what of, the filters of a search, on disclosed values, and a format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: Annotated[str, Field(max_length=40, description="One of: " + ", ".join(SUBJECTS) + ".")] = "records"
    format: Annotated[str, Field(max_length=20, description="One of: " + ", ".join(FORMATS) + ".")]
    filter: Conditions = Conditions()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported: `subject` names one of SUBJECTS, `asked` the digest of the request."""

    subject: str
    format: str
    question: dict[str, Any]
    asked: bytes


async def ask(session: AsyncSession, caller: Caller, order: Order, settings: Settings) -> uuid.UUID:
    """Store an export and queue its job, in the caller's transaction.

    Raises TooManyExports, TooManyExportsInAnHour, TooManyExportsOfCountry, ExportQuotaReached.
    """
    await _room(session, caller, settings)
    id_ = uuid.uuid4()
    row = {
        "id": id_,
        "key_id": caller.key_id,
        "country": caller.country,
        "agency": caller.agency,
        "purpose": caller.purpose,
        "case_reference": caller.case,
        "subject": order.subject,
        "format": order.format,
        "question": order.question,
        "asked": order.asked,
        "expires_at": datetime.now(UTC) + timedelta(hours=settings.exports_hours),
    }
    await session.execute(insert(Export.__table__).values(row))  # type: ignore[arg-type]
    await build.defer(
        session, serial=f"exports:{caller.country}", export=str(id_), key=caller.key_id, purpose=caller.purpose,
        case=caller.case,
    )  # fmt: skip
    return id_


def order(wanted: Wanted, catalogue: Catalogue, asked: bytes) -> Order:
    """Refused before any work.

    Raises UnknownSubject, UnknownFormat, NotOfSubject, InvalidBox, UnknownSubstanceFilter.
    """
    if wanted.subject not in SUBJECTS:
        raise UnknownSubject(f"{wanted.subject} is none", pointer="/subject", expected=list(SUBJECTS))
    if wanted.format not in FORMATS:
        raise UnknownFormat(f"{wanted.format} is none", pointer="/format", expected=list(FORMATS))
    SUBJECTS[wanted.subject].check(wanted.format, wanted.filter)
    wanted.filter.box()
    descendants(wanted.filter.substance, catalogue)
    question = wanted.filter.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Order(wanted.subject, wanted.format, question, asked)


async def _room(session: AsyncSession, caller: Caller, settings: Settings) -> None:
    await quota.turn(session, Turn.EXPORTS, caller.country)
    alive = EXPORT.c.expires_at > func.now()
    counted = select(
        func.count().filter(EXPORT.c.state.in_(("queued", "running")), alive),
        func.count().filter(EXPORT.c.state == "ready", alive),
    )
    under_way, kept = (await session.execute(counted)).one()
    if under_way >= UNDER_WAY:
        raise TooManyExports(f"{under_way} are under way: wait for one, or delete it", limit=UNDER_WAY)
    if kept >= KEPT:
        raise TooManyExports(f"{kept} are kept: delete one, or wait until it expires", limit=KEPT)
    await check(session, settings)
