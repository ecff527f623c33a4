"""/v1/analyses over HTTP. Batches of analyses, alone or with reports, go to /v1/batches."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from service.analyses import read
from service.analyses import waiting as queue
from service.analyses.check import Unsigned, check
from service.analyses.query import KINDS, Search
from service.identity.caller import Caller
from service.identity.callers import Correspondent, LateReader, Reader, Submitter, reading
from service.readings.account import account, account_items
from service.records.sdjwt import MEDIA_TYPE
from service.seizures import answers
from service.seizures.answers import JSON, json_of
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, gives, json_body, takes

router = APIRouter(prefix="/v1", tags=["analyses"])

Examiner = Annotated[Caller, Depends(reading("laboratory", purpose=False))]
_ACCEPTED = frozenset({*KINDS, "retraction"})


@router.post("/analyses", status_code=HTTPStatus.CREATED, responses=answers.FILED, openapi_extra=takes(MEDIA_TYPE))
async def file_analysis(request: Request, caller: Submitter, session: WriteSession) -> Response:
    """File a signed and countersigned analysis, a correction or a retraction. 200 when the same again."""
    return await answers.filed(request, caller, session, _ACCEPTED)


@router.post(
    "/analyses/{record_id}/versions",
    status_code=HTTPStatus.CREATED,
    responses=answers.FILED,
    openapi_extra=takes(MEDIA_TYPE),
)
async def file_analysis_version(
    record_id: UUID, request: Request, caller: Submitter, session: WriteSession
) -> Response:
    """File the next version of an analysis: the same as POST /v1/analyses, held to the record of the path."""
    return await answers.filed(request, caller, session, _ACCEPTED, record_id)


@router.post("/analyses/check")
async def check_analyses(
    request: Request, caller: Examiner, session: ReadSession, asked: Annotated[Unsigned, json_body(Unsigned)]
) -> dict[str, list[dict[str, Any]]]:
    """What analyses would be answered with, before anyone has signed them: `derived` and `warnings`, or a `problem`.

    Every rule is asked but those of signatures and of what was filed before. Nothing is kept.
    """
    known = request.app.state.reference
    reference = replace(known, catalogue=await known_to(session, known.catalogue))
    return {"items": list(check(asked, reference))}


@router.get("/analyses", response_class=Response, responses=gives(JSON))
async def search_analyses(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[Search, Query()]
) -> Response:
    """Analyses shared with the caller, newest first, as far as each is disclosed."""
    state = request.app.state
    found = await read.search(session, caller, question, state.catalogue, state.cursors)
    account_items(request, found.items)
    return json_of({"items": found.items, "next": found.next, "policy": found.policy})


@router.get("/analyses/{record_id}", response_class=Response, responses=gives(JSON, MEDIA_TYPE))
async def analysis(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """One analysis; as `application/sd-jwt` the laboratory's signed form with the permitted disclosures.

    The owner of a recalled analysis is told so: `recalled`, or with the signed form the header `sarhad-recalled: true`.
    """
    if answers.wants_signed(request):
        owner, signed = await answers.signed(session, record_id, KINDS)
        account(request, {owner: 1}, records=[record_id])
        return signed
    document = await read.document(session, caller, record_id, request.app.state.catalogue)
    account_items(request, [document])
    return json_of(document)


@router.get("/analyses/{record_id}/versions", response_class=Response, responses=gives(JSON))
async def analysis_versions(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The history of an own analysis; of another's, the version that is shared."""
    found = await read.versions(session, caller, record_id, request.app.state.catalogue)
    account(request, {found[0]["agency"][:2]: 1}, records=[record_id])
    return json_of({"items": found})


@router.get("/analyses/{record_id}/proof", response_class=Response, responses=gives(JSON))
async def analysis_proof(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The place of the analysis' latest version in the log, for readers who are given the time of reporting."""
    owner, place = await answers.proof(session, record_id, KINDS)
    account(request, {owner: 1}, records=[record_id])
    return place


@router.get("/exhibits", response_class=Response, responses=gives(JSON))
async def exhibits_waiting(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[queue.Asked, Query()]
) -> Response:
    """The pending queue of the caller's country: analyses without a report of their exhibits, or reports without a
    result.
    """
    return json_of(await queue.waiting(session, caller, asked, request.app.state.cursors))
