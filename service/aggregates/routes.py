"""GET /v1/aggregates over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.aggregates.ask import Aggregates, Question, ask, owners
from service.identity.callers import Reader
from service.readings.account import account_unseen
from service.web import ReadSession

router = APIRouter(tags=["aggregates"])


@router.get("/v1/aggregates")
async def count_hidden_records(
    caller: Reader, session: ReadSession, request: Request, question: Annotated[Question, Query()]
) -> Aggregates:
    """Disturbed figures of records that you may count and not see (schemas/disclosure), by fixed levels."""
    answer = await ask(session, caller, question, request.app.state.cursors)
    account_unseen(request, await owners(session, question))
    return answer
