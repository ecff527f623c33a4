"""/v1/trends, /v1/flows and /v1/hotspots over HTTP."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity.callers import LateReader
from service.policies.gate import reach
from service.readings.account import account
from service.sandbox import parse
from service.trends.ask import ask
from service.trends.coverage import coverage
from service.trends.places import Flows, HotSpots, flows, located
from service.trends.places import told as telling
from service.trends.question import Trend
from service.trends.scan import scanned
from service.trends.tell import check, tell
from service.web import ReadSession
from service.web.sessions import sharing_country

router = APIRouter(prefix="/v1", tags=["trends"])
JSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}}}}


@router.get("/trends", response_class=Response, responses=JSON)
async def trends(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[Trend, Query()]
) -> Response:
    """Counts and sums of what is shared with the caller, by one or two dimensions."""
    check(question)
    told = await tell(session, question, request.app.state.catalogue, await reach(session))
    account(request, told.owners)
    return Response(orjson.dumps(told.document), media_type="application/json")


@router.get("/flows", response_class=Response, responses=JSON)
async def routes(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[Flows, Query()]
) -> Response:
    """Origin, transit and destination as reported, with the certainty of the weakest leg."""
    asked = question.trend()
    limits = await reach(session)
    answer = await ask(session, asked, request.app.state.catalogue, limits)
    account(request, answer.owners)
    document = telling(question, limits.version, flows=flows(answer))
    document["coverage"] = await coverage(session, asked, limits)
    return Response(orjson.dumps(document), media_type="application/json")


@router.get("/hotspots", response_class=Response, responses=JSON)
async def hotspots(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[HotSpots, Query()]
) -> Response:
    """Places with more seizures lately than their own past and the season would give, with significance."""
    asked = question.trend()
    limits = await reach(session)
    answer = await ask(session, asked, request.app.state.catalogue, limits)
    account(request, answer.owners)
    among, covered = located(question, asked, answer), await coverage(session, asked, limits)
    await session.close()  # nobody waits for a connection while the sandbox is asked
    clusters = await parse(scanned, among.asked(), sender=sharing_country(request))
    document = telling(question, limits.version, **among.told(clusters)) | {"coverage": covered}
    return Response(orjson.dumps(document), media_type="application/json")
