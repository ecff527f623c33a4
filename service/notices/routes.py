"""/v1/inbox over HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity.callers import Correspondent, Official
from service.notices.inbox import Look, look, take_note
from service.web import ReadSession, WriteSession, gives

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])


@router.get("", response_class=Response, responses=gives("application/json"))
async def read_inbox(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[Look, Query()]
) -> Response:
    """What concerns the caller's agency, newest first: requests, answers, recalls."""
    found = await look(session, caller, asked, request.app.state.cursors)
    document = {"items": found.items, "next": found.next, "since": found.since, "open": found.open}
    return Response(orjson.dumps(document), media_type="application/json")


@router.post("/{notice_id}/acknowledgement", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def acknowledge_notice(notice_id: UUID, caller: Official, session: WriteSession) -> Response:
    """Take note of one notice. Acting on what it is about (an answer, a recall's acknowledgement) does it too."""
    await take_note(session, caller, notice_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
