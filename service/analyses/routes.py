"""/v1/analyses over HTTP. Batches of analyses, alone or with reports, go to /v1/batches."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.analyses import read
from service.analyses import waiting as queue
from service.analyses.query import KINDS, Search
from service.base64url import encode
from service.identity.callers import Correspondent, Reader, Submitter
from service.ledger.models import Log
from service.problems import Problem
from service.readings.account import account, account_items
from service.records.sdjwt import MAX_RECORD_BYTES, MEDIA_TYPE
from service.seizures import read as reports
from service.seizures.decide import Verdict
from service.seizures.filing import filing_for
from service.seizures.submit import held_to, submit
from service.web import ReadSession, WriteSession, gives, takes, verified_body

router = APIRouter(prefix="/v1", tags=["analyses"])

JSON = "application/json"
_ACCEPTED = frozenset({*KINDS, "retraction"})
_FILED = gives(JSON, status=201, text="Filed") | gives(JSON, text="The same again: the first receipt")


@router.post("/analyses", status_code=HTTPStatus.CREATED, responses=_FILED, openapi_extra=takes(MEDIA_TYPE))
async def file_analysis(request: Request, caller: Submitter, session: WriteSession) -> Response:
    """File a signed and countersigned analysis, a correction or a retraction. 200 when the same again."""
    body = await verified_body(request, MEDIA_TYPE, limit=MAX_RECORD_BYTES)
    (verdict,) = await submit(session, filing_for(request.app.state, caller, _ACCEPTED), [body])
    return _answer(verdict)


@router.post(
    "/analyses/{record_id}/versions",
    status_code=HTTPStatus.CREATED,
    responses=_FILED,
    openapi_extra=takes(MEDIA_TYPE),
)
async def file_analysis_version(
    record_id: UUID, request: Request, caller: Submitter, session: WriteSession
) -> Response:
    """File the next version of an analysis: the same as POST /v1/analyses, held to the record of the path."""
    body = await verified_body(request, MEDIA_TYPE, limit=MAX_RECORD_BYTES)
    (verdict,) = await submit(session, filing_for(request.app.state, caller, _ACCEPTED), [body])
    return _answer(held_to(verdict, record_id))


@router.get("/analyses", response_class=Response, responses=gives(JSON))
async def search_analyses(
    request: Request, caller: Reader, session: ReadSession, question: Annotated[Search, Query()]
) -> Response:
    """Analyses shared with the caller, newest first, as far as each is disclosed."""
    state = request.app.state
    found = await read.search(session, caller, question, state.catalogue, state.cursors)
    account_items(request, found.items)
    return _json({"items": found.items, "next": found.next, "policy": found.policy})


@router.get("/analyses/{record_id}", response_class=Response, responses=gives(JSON, MEDIA_TYPE))
async def analysis(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """One analysis; as `application/sd-jwt` the laboratory's signed form with the permitted disclosures."""
    if MEDIA_TYPE in request.headers.get("accept", ""):
        owner, signed = await reports.signed(session, record_id, KINDS)
        account(request, {owner: 1}, records=[record_id])
        return Response(signed, media_type=MEDIA_TYPE)
    document = await read.document(session, caller, record_id, request.app.state.catalogue)
    account_items(request, [document])
    return _json(document)


@router.get("/analyses/{record_id}/versions", response_class=Response, responses=gives(JSON))
async def analysis_versions(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The history of an own analysis; of another's, the version that is shared."""
    found = await read.versions(session, caller, record_id, request.app.state.catalogue)
    account(request, {found[0]["agency"][:2]: 1}, records=[record_id])
    return _json({"items": found})


@router.get("/analyses/{record_id}/proof", response_class=Response, responses=gives(JSON))
async def analysis_proof(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The place of the analysis' latest version in the log, for readers who are given the time of reporting."""
    owner, salt, found = await reports.proof(session, record_id, KINDS)
    account(request, {owner: 1}, records=[record_id])
    return _json(
        {
            "log": Log.RECORDS.value,
            "salt": encode(salt),
            "index": found.index,
            "size": found.size,
            "path": [encode(step) for step in found.path],
            "checkpoint": found.checkpoint,
        }
    )


@router.get("/exhibits", response_class=Response, responses=gives(JSON))
async def exhibits_waiting(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[queue.Asked, Query()]
) -> Response:
    """The pending queue of the caller's country: analyses without a report of their exhibits, or reports without a
    result.
    """
    return _json(await queue.waiting(session, caller, asked, request.app.state.cursors))


def _answer(verdict: Verdict) -> Response:
    if isinstance(verdict, Problem):
        raise verdict
    status = HTTPStatus.CREATED if verdict.fresh else HTTPStatus.OK
    return Response(orjson.dumps(verdict.document()), status_code=status, media_type=JSON)


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type=JSON)
