"""/v1/questions over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity.callers import Asker, Official, Reader
from service.questions import read
from service.questions.save import Saved, Terms, change, drop, save
from service.readings.account import account
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, json_body

router = APIRouter(prefix="/v1", tags=["questions"])


@router.post("/questions", status_code=HTTPStatus.CREATED)
async def save_question(
    request: Request, caller: Asker, session: WriteSession, wanted: Annotated[Saved, json_body(Saved)]
) -> dict[str, Any]:
    """Save a question of the trends, for the purpose that is signed; with a schedule, it is asked again for you."""
    catalogue = await known_to(session, request.app.state.catalogue)
    return await read.one(session, await save(session, caller, wanted, catalogue))


@router.get("/questions")
async def list_questions(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[read.Listed, Query()]
) -> dict[str, Any]:
    """One's own questions and those shared with one, newest first."""
    account(request, {})
    return await read.listed(session, caller, asked, request.app.state.cursors)


@router.get("/questions/{question_id}")
async def show_question(request: Request, question_id: UUID, caller: Reader, session: ReadSession) -> dict[str, Any]:
    """One question; to who saved it also when it was asked last, and when its answer last changed."""
    account(request, {})
    return await read.one(session, question_id)


@router.get("/questions/{question_id}/answer")
async def ask_question(request: Request, question_id: UUID, caller: Reader, session: ReadSession) -> dict[str, Any]:
    """What the question says to the caller now, for the caller's own purpose and under its own policies."""
    catalogue = await known_to(session, request.app.state.catalogue)
    told = await read.answered(session, question_id, catalogue)
    account(request, told.owners)
    return told.document


@router.put("/questions/{question_id}")
async def change_question(
    question_id: UUID, caller: Official, session: WriteSession, terms: Annotated[Terms, json_body(Terms)]
) -> dict[str, Any]:
    """Rename an own question, share it otherwise, schedule it anew. What it asks stays: save another."""
    await change(session, caller, question_id, terms)
    return await read.one(session, question_id)


@router.delete("/questions/{question_id}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def drop_question(question_id: UUID, caller: Official, session: WriteSession) -> Response:
    """Forget an own question."""
    await drop(session, question_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
