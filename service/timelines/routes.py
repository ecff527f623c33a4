"""/v1/timeline over HTTP."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity.callers import LateReader
from service.policies.gate import reach
from service.readings.account import account
from service.substances.provisional import known_to
from service.timelines.join import Timeline, joined
from service.web import ReadSession, gives

router = APIRouter(prefix="/v1", tags=["trends"])
JSON = "application/json"


@router.get("/timeline", response_class=Response, responses=gives(JSON))
async def timeline(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[Timeline, Query()]
) -> Response:
    """What happened to a product's precursors, laboratories that made it, and seizures of it, by month."""
    catalogue = await known_to(session, request.app.state.catalogue)
    found = await joined(session, question, catalogue, await reach(session))
    account(request, found.owners)
    return Response(orjson.dumps(found.document), media_type=JSON)
