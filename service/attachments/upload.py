"""A file is sent in pieces, each in a signed request; an interrupted sender asks how far it came, and goes on there.

In the manner of resumable uploads (tus 1.0, draft-ietf-httpbis-resumable-upload), with what those say in headers in the
signed target and the answer's body. When the last piece has come the whole is inspected; until then, and unless it is
kept, nobody sees anything.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.attachments.finish import AttachmentTooLarge, End, Sending, finish
from service.attachments.models import OWN_ATTACHMENT, OWN_UPLOAD, Upload
from service.attachments.present import attachment_document
from service.identity import quota
from service.identity.caller import Caller
from service.locks import Turn
from service.problems import NotFound, Problem
from service.settings import Settings

OPEN_FOR = timedelta(days=1)
SMALLEST = 65_536  # bytes of a piece that is not the last
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_EXTEND = text("SELECT gate.extend_upload(:upload, :offset, :bytes, :piece)")
_END = text("SELECT gate.end_upload(:upload, :kept, CAST(:refusal AS jsonb))")


class AttachmentQuotaReached(Problem):
    """Your country's attachments and uploads hold as much as they may."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


class TooManyUploads(Problem):
    """Your agency has as many uploads open as it may."""

    status = HTTPStatus.CONFLICT


class OffsetMismatch(Problem):
    """The piece does not begin where the upload stands."""

    status = HTTPStatus.CONFLICT


class PieceTooSmall(Problem):
    """A piece that is not the last has at least 65,536 bytes."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Announced(BaseModel):
    """A file about to be sent: its size in bytes and the SHA-256 of what is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Field(ge=1)]
    sha256: Sha256Hex


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an upload stands after a piece: its document, why it was refused, and objects nobody needs any more."""

    document: dict[str, Any]
    refusal: Problem | None
    spent: list[str]


async def begin(session: AsyncSession, caller: Caller, announced: Announced, settings: Settings) -> dict[str, Any]:
    """Raises AttachmentTooLarge, AttachmentQuotaReached, TooManyUploads."""
    if announced.size > settings.attachment_max_bytes:
        raise AttachmentTooLarge(f"at most {settings.attachment_max_bytes} bytes", limit=settings.attachment_max_bytes)
    await quota.turn(session, Turn.ATTACHMENTS, caller.country)
    receiving = OWN_UPLOAD.c.state == "receiving"
    mine = select(func.count()).where(receiving, OWN_UPLOAD.c.agency == caller.agency)
    if (await session.scalar(mine) or 0) >= settings.attachment_uploads:
        raise TooManyUploads(
            f"at most {settings.attachment_uploads}: finish or delete some", limit=settings.attachment_uploads
        )
    if await _held(session) + announced.size > settings.attachment_quota_bytes:
        limit = settings.attachment_quota_bytes
        raise AttachmentQuotaReached(f"at most {limit} bytes together", limit=limit)
    upload = uuid4()
    values = {
        "id": upload,
        "country": caller.country,
        "agency": caller.agency,
        "key_id": caller.key_id,
        "size": announced.size,
        "sha256": bytes.fromhex(announced.sha256),
        "expires_at": datetime.now(UTC) + OPEN_FOR,
    }
    await session.execute(insert(Upload.__table__).values(values))  # type: ignore[arg-type]
    return await one(session, caller, upload, settings)


async def _held(session: AsyncSession) -> int:
    """Bytes that the caller's country holds, and those it has announced."""
    kept = await session.scalar(select(func.coalesce(func.sum(OWN_ATTACHMENT.c.size), 0)))
    coming = await session.scalar(
        select(func.coalesce(func.sum(OWN_UPLOAD.c.size), 0)).where(OWN_UPLOAD.c.state == "receiving")
    )
    return int(kept or 0) + int(coming or 0)


async def one(session: AsyncSession, caller: Caller, upload: UUID, settings: Settings) -> dict[str, Any]:
    """An upload of the caller's agency. Raises NotFound."""
    row = await _row(session, caller, upload)
    document: dict[str, Any] = {
        "id": str(row.id),
        "state": row.state,
        "size": row.size,
        "sha256": row.sha256.hex(),
        "received": row.received,
        "piece_bytes": settings.attachment_piece_bytes,
        "expires": row.expires_at.isoformat(),
    }
    if row.refusal is not None:
        document["problem"] = row.refusal
    if row.kept_id is not None:
        kept = (
            (await session.execute(select(OWN_ATTACHMENT).where(OWN_ATTACHMENT.c.id == row.kept_id))).mappings().first()
        )
        document["attachment"] = attachment_document(kept) if kept else None
    return document


async def _row(session: AsyncSession, caller: Caller, upload: UUID) -> Row[Any]:
    mine = (OWN_UPLOAD.c.id == upload) & (OWN_UPLOAD.c.agency == caller.agency) & (OWN_UPLOAD.c.expires_at > func.now())
    row = (await session.execute(select(OWN_UPLOAD).where(mine))).first()
    if row is None:
        raise NotFound("your agency has no such upload")
    return row


async def extend(sending: Sending, upload: UUID, offset: int, piece: bytes) -> Progress:
    """Take one piece in; with the last one, inspect the whole and keep it, or say why not.

    Raises NotFound, OffsetMismatch, PieceTooSmall, AttachmentTooLarge, FilesUnavailable, ParsersBusy; the upload then
    stands as before.
    """
    session = sending.session
    row = await _row(session, sending.caller, upload)
    if row.state != "receiving" or offset != row.received:
        raise OffsetMismatch(f"go on at {row.received}; state {row.state}", received=row.received, state=row.state)
    if offset + len(piece) > row.size:
        raise AttachmentTooLarge(f"{row.size} bytes were announced", limit=row.size)
    if len(piece) < min(SMALLEST, row.size - offset):
        raise PieceTooSmall(f"this one has {len(piece)}", expected=SMALLEST)
    name = f"pieces/{upload}/{offset:012}-{uuid4().hex}"
    await sending.files.put(name, piece)
    try:
        values = {"upload": upload, "offset": offset, "bytes": len(piece), "piece": name}
        if not await session.scalar(_EXTEND, values):
            raise OffsetMismatch("another piece came first: ask how far the upload is", state=row.state)
        end = End(None, None, [])
        if offset + len(piece) == row.size:
            end = await finish(sending, row.sha256, [*row.pieces, name])
            refusal = None if end.refusal is None else orjson.dumps(end.refusal.as_document()).decode()
            await session.execute(_END, {"upload": upload, "kept": end.kept, "refusal": refusal})
        document = await one(session, sending.caller, upload, sending.settings)
        if end.run is not None:
            document["spectra"] = end.run
        return Progress(document, end.refusal, end.spent)
    except BaseException:
        await sending.files.remove([name])
        raise


async def give_up(session: AsyncSession, caller: Caller, upload: UUID) -> list[str]:
    """Forget an upload of the caller's agency; returns the objects it leaves. Raises NotFound."""
    row = await _row(session, caller, upload)
    await session.execute(_END, {"upload": upload, "kept": None, "refusal": None})
    return list(row.pieces)
