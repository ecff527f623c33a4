"""/v1/statements and /v1/readings over HTTP: the access log, as far as it is the caller's country's.

Reading the access log is a reading too, and logged.
"""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from service.base64url import encode
from service.identity.callers import ReadingsAuditor, StatementReader
from service.ledger.models import Log
from service.readings import present, statement
from service.readings.account import account
from service.readings.balance import balance, quarter
from service.readings.statement import Readers, Readings
from service.web import ReadSession, gives

router = APIRouter(prefix="/v1", tags=["access log"])

CSV = "text/csv"
JSON = "application/json"
Country = Annotated[str, Path(pattern=r"^[A-Z]{2}$")]
Quarter = Annotated[
    str, Query(alias="quarter", pattern=r"^20[0-9]{2}-Q[1-4]$", description="A quarter, such as 2026-Q3.")
]


@router.get("/statements/{country}", response_class=Response, responses=gives(JSON, CSV))
async def list_readers(
    request: Request,
    country: Country,
    caller: StatementReader,
    session: ReadSession,
    asked: Annotated[Readers, Query()],
) -> Response:
    """Who read records of your country: when, why, under which policies, and which. JSON, or CSV by Accept; the
    next page of the CSV is in the header `link`.
    """
    statement.own(caller, country)
    page = await statement.readers(session, caller, asked, request.app.state.cursors)
    account(request, {})
    items = [present.reader(entry) for entry in page.entries]
    if CSV in request.headers.get("accept", ""):
        return Response(present.table(items), media_type=CSV, headers=_next(request, page.next))
    document = {"country": country, "items": items, "next": page.next}
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/statements/{country}/balance", response_class=Response, responses=gives(JSON))
async def give_and_get(
    request: Request, country: Country, caller: StatementReader, session: ReadSession, named: Quarter
) -> Response:
    """For each partner: how many of your records it sees now, how many it read in the quarter, and how many of its
    records your people read.
    """
    statement.own(caller, country)
    since, until = quarter(named)
    partners = await balance(session, country, since, until)
    account(request, {})
    document = {
        "country": country,
        "quarter": named,
        "from": since.isoformat(),
        "to": until.isoformat(),
        "partners": partners,
    }
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/statements/{country}/entries/{id}/proof", response_class=Response, responses=gives(JSON))
async def prove_entry(
    request: Request, country: Country, id: UUID, caller: StatementReader, session: ReadSession
) -> Response:
    """That an entry of your statement is in the access log: the document that was hashed, what opens its leaf, and
    the leaf's place under a signed checkpoint.
    """
    statement.own(caller, country)
    found = await statement.evidence(session, id)
    account(request, {})
    document = {
        "log": Log.ACCESS.value,
        "document": found.document,
        "salt": encode(found.salt),
        "leaf": encode(found.leaf),
        **found.inclusion.document(),
    }
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/readings", response_class=Response, responses=gives(JSON))
async def list_readings(
    request: Request, caller: ReadingsAuditor, session: ReadSession, asked: Annotated[Readings, Query()]
) -> Response:
    """What people of your country read: one entry for each owner of records in an answer, or one without an owner."""
    page = await statement.readings(session, caller, asked, request.app.state.cursors)
    account(request, {})
    document = {"items": [present.reading(entry) for entry in page.entries], "next": page.next}
    return Response(orjson.dumps(document), media_type=JSON)


def _next(request: Request, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    asked = {**request.query_params, "cursor": cursor}
    return {"link": f'<{request.url.path}?{urlencode(asked)}>; rel="next"'}
