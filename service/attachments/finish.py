"""The end of an upload: its pieces become one file, which is inspected and kept, or refused with the reason."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.attachments.inspect import Inspected, inspect
from service.attachments.store import Files
from service.identity.caller import Caller
from service.problems import Problem
from service.sandbox import FileNotUnderstood, FileTooDemanding, parse
from service.settings import Settings
from service.spectra.agree import SpectrumDisagrees, check_agreement
from service.spectra.spectrum import Spectrum
from service.substances.catalogue import Catalogue

_KEEP = text(
    """SELECT gate.keep_attachment(:id, :sha256, :object, :media_type, :content, :size, :width, :height, :phash, :until,
         CAST(:spectra AS jsonb))"""
)


class AttachmentTooLarge(Problem):
    """The file is larger than an attachment may be."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ContentMismatch(Problem):
    """The bytes received are not those that were announced; nothing was stored."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends, in which transaction, where files go, and the catalogue that spectra are held against."""

    session: AsyncSession
    caller: Caller
    files: Files
    settings: Settings
    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class End:
    """The id of what was kept, or why nothing was; and the objects that nobody needs after the commit.

    `run`: what a spectrum file holds, and how much of it can be searched.
    """

    kept: UUID | None
    refusal: Problem | None
    spent: list[str]
    run: dict[str, Any] | None = None


async def finish(sending: Sending, announced: bytes, pieces: list[str]) -> End:
    """`announced` is the SHA-256 of what was to be sent. Raises FilesUnavailable, ParsersBusy."""
    sent = b"".join([await sending.files.get(piece) for piece in pieces])
    most = sending.settings.attachment_max_bytes
    try:
        if sha256(sent).digest() != announced:
            raise ContentMismatch("send the file again, from its beginning", expected=announced.hex())
        found = Inspected.of(await parse(inspect, sent, sender=sending.caller.country), sent)
        for spectrum in found.said:
            check_agreement(Spectrum.of(spectrum), sending.catalogue)
        if len(found.data) > most:
            raise AttachmentTooLarge(f"drawn anew it has {len(found.data)} bytes, at most {most}", limit=most)
    except (ContentMismatch, FileNotUnderstood, FileTooDemanding, AttachmentTooLarge, SpectrumDisagrees) as problem:
        return End(None, problem, pieces)
    kept, unneeded = await _keep(sending, found)
    return End(kept, None, pieces + unneeded, found.run)


async def _keep(sending: Sending, found: Inspected) -> tuple[UUID, list[str]]:
    """(the id of the attachment, objects that turned out to be held already)."""
    id_, digest, country = uuid4(), sha256(found.data), sending.caller.country
    name = f"files/{country}/{digest.hexdigest()[:2]}/{digest.hexdigest()}.{id_.hex}"
    await sending.files.put(name, found.data)
    values = {
        "id": id_,
        "sha256": digest.digest(),
        "object": name,
        "media_type": found.media_type,
        "content": found.content,
        "size": len(found.data),
        "width": found.width,
        "height": found.height,
        "phash": found.phash,
        "until": datetime.now(UTC) + timedelta(days=sending.settings.attachment_days),
        "spectra": orjson.dumps(found.spectra).decode(),
    }
    kept: UUID = (await sending.session.execute(_KEEP, values)).scalar_one()
    return kept, [] if kept == id_ else [name]
