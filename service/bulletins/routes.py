"""Bulletins over HTTP: of released publications, for members; made by a job, then fetched."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from service.bulletins.make import ask, released
from service.bulletins.models import Bulletin
from service.bulletins.render import MEDIA_TYPE
from service.bulletins.words import Language
from service.identity.callers import Member, Official
from service.problems import NotFound
from service.web import ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1/publications", tags=["publications"])


class BulletinRequest(BaseModel):
    """In which language."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    language: Language = "en"


class BulletinView(BaseModel):
    """`sha256` is of the PDF; it is null until the job has made it."""

    publication: uuid.UUID
    language: Language
    asked_at: datetime
    made_at: datetime | None
    sha256: str | None


@router.post("/{id}/bulletins", status_code=202)
async def ask_for_bulletin(
    caller: Official,
    session: WriteSession,
    id: uuid.UUID,
    wanted: Annotated[BulletinRequest, json_body(BulletinRequest)],
) -> BulletinView:
    """Have a released publication printed as a quarterly bulletin; again: what there is."""
    return _view(await ask(session, id, wanted.language))


@router.get("/{id}/bulletins/{language}")
async def get_bulletin(caller: Member, session: ReadSession, id: uuid.UUID, language: Language) -> BulletinView:
    """Whether it has been made, and its hash."""
    return _view(await _held(session, id, language))


@router.get("/{id}/bulletins/{language}/pdf", response_class=Response, responses=gives(MEDIA_TYPE))
async def get_bulletin_pdf(caller: Member, session: ReadSession, id: uuid.UUID, language: Language) -> Response:
    """The bulletin as PDF: always the same bytes. Not once its publication was withdrawn."""
    await released(session, id)
    bulletin = await _held(session, id, language)
    if bulletin.pdf is None:
        raise NotFound("it has not been made yet")
    return Response(bulletin.pdf, media_type=MEDIA_TYPE, headers={"etag": f'"{bulletin.sha256}"'})


async def _held(session: ReadSession, id_: uuid.UUID, language: str) -> Bulletin:
    bulletin = await session.get(Bulletin, (id_, language))
    if bulletin is None:
        raise NotFound("nobody has asked for it")
    return bulletin


def _view(bulletin: Bulletin) -> BulletinView:
    return BulletinView(
        publication=bulletin.publication_id,
        language=bulletin.language,
        asked_at=bulletin.asked_at,
        made_at=bulletin.made_at,
        sha256=bulletin.sha256,
    )
