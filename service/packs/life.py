"""The life of a pack: drafted by one key, approved by a policy officer with another, frozen; or discarded."""

import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.officers import same_hand
from service.locks import Turn
from service.notices.notify import notify, settle
from service.packs.content import content_of, frozen, month_ends
from service.packs.forms import Form, forms
from service.packs.models import PACK, Pack
from service.packs.own import own_records
from service.packs.say import Registers
from service.packs.workbook import Seal, rendered
from service.problems import NotFound, Problem


class UnknownForm(Problem):
    """There is no such form."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotDrafted(Problem):
    """The pack is approved or discarded, or the digest is not that of its content."""

    status = HTTPStatus.CONFLICT


class DrafterApproves(Problem):
    """Four eyes: a pack is approved with another key than the one that drafted it."""

    status = HTTPStatus.FORBIDDEN


class TooManyPacks(Problem):
    """Your country has drafted as many packs as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class DraftedAtOnce(Problem):
    """Another draft of this form and period was made a moment ago: draft again."""

    status = HTTPStatus.CONFLICT


_SETTLE = text("SELECT gate.settle_pack(:pack, :digest, :state, CAST(:officer AS text), :at, :workbook)")


def form_named(name: str) -> Form:
    """Raises UnknownForm."""
    form = forms().get(name)
    if form is None:
        raise UnknownForm(name, pointer="/form", expected=sorted(forms()))
    return form


async def draft(
    session: AsyncSession, caller: Caller, form: Form, months: tuple[str, str], registers: Registers, *, most: int
) -> tuple[UUID, int]:
    """The id of the next version, and of how many own records it is. `most` is how many packs a country may draft in a
    day: each is kept with all its rows.

    Raises ImpossibleMonths, PackTooLarge, TooManyPacks, DraftedAtOnce.
    """
    first, last = month_ends(*months, datetime.now(UTC).date())
    await quota.check(session, PACK.c.drafted_at, most, quota.DAY, TooManyPacks)
    content = await content_of(form, caller.country, months, own_records(session, first, last), registers)
    body, digest = frozen(content)
    await quota.turn(session, Turn.PACKS, caller.country)  # after the content: others would wait for it
    await quota.check(session, PACK.c.drafted_at, most, quota.DAY, TooManyPacks)
    earlier = select(func.max(PACK.c.version)).where(
        PACK.c.form == form.form, PACK.c.first_month == months[0], PACK.c.last_month == months[1]
    )
    id_ = uuid.uuid4()
    row = {
        "id": id_,
        "country": caller.country,
        "form": form.form,
        "first_month": months[0],
        "last_month": months[1],
        "version": (await session.scalar(earlier) or 0) + 1,
        "content": body,
        "digest": digest,
        "drafted_by": caller.key_id,
    }
    try:
        await session.execute(insert(Pack).values(row))
    except IntegrityError:
        raise DraftedAtOnce("nothing was stored") from None
    await _note(session, caller, "draft-pack", id_, digest)
    told = {"form": form.form, "first_month": months[0], "last_month": months[1], "version": row["version"]}
    await notify(session, caller.country, "pack-drafted", _path(id_), **told)
    return id_, content["provenance"]["records"]


async def held(session: AsyncSession, id_: UUID) -> dict[str, Any]:
    """A pack of the caller's own country. Raises NotFound, the same for another's and for none."""
    row = (await session.execute(select(PACK).where(PACK.c.id == id_))).mappings().first()
    if row is None:
        raise NotFound("there is no such pack of your country")
    return dict(row)


def _path(id_: UUID) -> str:
    return f"/v1/packs/{id_}"


async def workbook_of(pack: dict[str, Any]) -> bytes:
    """As it was frozen, or of a draft as it would be, and marked so. Raises FileTooDemanding, ParsersBusy."""
    if pack["workbook"] is not None:
        return bytes(pack["workbook"])
    return await rendered(bytes(pack["content"]), seal_of(pack), pack["country"])


def seal_of(pack: dict[str, Any]) -> Seal:
    return Seal(
        id=str(pack["id"]),
        version=pack["version"],
        digest=pack["digest"],
        drafted_at=pack["drafted_at"],
        drafted_by=pack["drafted_by"],
        approved_at=pack["approved_at"],
        approved_by=pack["approved_by"],
    )


async def approve(session: AsyncSession, officer: Caller, id_: UUID, digest: str) -> dict[str, Any]:
    """Freezes exactly the content that the digest names.

    Raises NotFound, NotDrafted, DrafterApproves, FileTooDemanding, ParsersBusy.
    """
    pack = await held(session, id_)
    if await same_hand(session, pack["drafted_by"], officer.key_id):
        raise DrafterApproves("another officer of your country approves it")
    approved = {**pack, "approved_at": datetime.now(UTC).replace(microsecond=0), "approved_by": officer.key_id}
    sealed = await workbook_of(approved) if pack["state"] == "drafted" else b""
    await _settle(
        session, pack, digest=digest, state="approved", officer=officer, at=approved["approved_at"], sealed=sealed
    )
    await _note(session, officer, "approve-pack", id_, digest)
    await settle(session, officer.key_id, _path(id_))
    return await held(session, id_)


async def discard(session: AsyncSession, officer: Caller, id_: UUID, digest: str) -> dict[str, Any]:
    """Ends a draft; it is kept, and never approved. Raises NotFound, NotDrafted."""
    pack = await held(session, id_)
    await _settle(session, pack, digest=digest, state="discarded", officer=officer)
    await _note(session, officer, "discard-pack", id_, digest)
    await settle(session, officer.key_id, _path(id_))
    return await held(session, id_)


async def _settle(
    session: AsyncSession,
    pack: dict[str, Any],
    *,
    digest: str,
    state: str,
    officer: Caller,
    at: datetime | None = None,
    sealed: bytes | None = None,
) -> None:
    done = await session.scalar(
        _SETTLE,
        {"pack": pack["id"], "digest": digest, "state": state, "officer": officer.key_id, "at": at, "workbook": sealed},
    )
    if not done:
        raise NotDrafted(f"it is {pack['state']}", pointer="/digest", expected=pack["digest"])


async def _note(session: AsyncSession, caller: Caller, act: str, id_: UUID, digest: str) -> None:
    await record(session, caller.country, act, pack=str(id_), digest=digest, by=caller.key_id)
