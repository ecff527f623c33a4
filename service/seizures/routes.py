"""/v1/seizures and /v1/batches over HTTP."""

from http import HTTPStatus
from itertools import chain
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from service.identity.callers import LateReader, Reader, Submitter
from service.readings.account import account, account_items
from service.records.registry import REPORTS
from service.records.sdjwt import MEDIA_TYPE
from service.seizures import answers, present, read
from service.seizures.answers import JSON, json_of
from service.seizures.batch import MAX_LINE_BYTES, Summary, Verdicts, file_batch
from service.seizures.filing import filing_for
from service.seizures.query import Search
from service.web import ReadSession, WriteSession, gives, spooled_body, takes, up_to

router = APIRouter(prefix="/v1", tags=["seizures"])

NDJSON = "application/x-ndjson"
GEOJSON = "application/geo+json"
KINDS = frozenset(REPORTS)


@router.post("/seizures", status_code=HTTPStatus.CREATED, responses=answers.FILED, openapi_extra=takes(MEDIA_TYPE))
async def file_report(request: Request, caller: Submitter, session: WriteSession) -> Response:
    """File a signed record: a seizure, a zero-report, a correction or a retraction. 200 when the same again."""
    return await answers.filed(request, caller, session, KINDS)


@router.post(
    "/seizures/{record_id}/versions",
    status_code=HTTPStatus.CREATED,
    responses=answers.FILED,
    openapi_extra=takes(MEDIA_TYPE),
)
async def file_version(record_id: UUID, request: Request, caller: Submitter, session: WriteSession) -> Response:
    """File the next version of a record: the same as POST /v1/seizures, held to the record of the path."""
    return await answers.filed(request, caller, session, KINDS, record_id)


class BatchOptions(BaseModel):
    """How a batch is filed. A misspelt option is refused, for it would file what should not be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    atomic: Annotated[bool, Field(description="All lines or none.")] = False
    dry_run: Annotated[bool, Field(description="Judge every line, file none.")] = False


@router.post(
    "/batches",
    response_class=Response,
    responses=gives(NDJSON),
    openapi_extra=takes(NDJSON),
    dependencies=[up_to("batch_max_bytes")],
)
async def batch(
    request: Request,
    caller: Submitter,
    session: WriteSession,
    wanted: Annotated[BatchOptions, Query()],
) -> Response:
    """File up to 50,000 records, one `{"record": "<sd-jwt>"}` a line; answers with a verdict for each line.

    A line has a receipt when it was filed, so in a dry run, and where an atomic batch was refused, none has.
    """
    settings = request.app.state.settings
    summary = Summary()
    verdicts = Verdicts(settings.state_dir)
    with spooled_body(request, NDJSON) as body:
        filing = filing_for(request.app.state, caller)
        lines = body.lines(MAX_LINE_BYTES)
        savepoint = await session.begin_nested()
        async for verdict in file_batch(session, filing, lines, settings.batch_max_lines, summary):
            verdicts.add(verdict)
        summary.committed = not wanted.dry_run and not (wanted.atomic and summary.refused)
        if summary.committed:
            await filing.follow(session, summary.fresh)
            await savepoint.commit()
        else:
            await savepoint.rollback()
    lines = chain(verdicts.lines(receipts=summary.committed), [orjson.dumps(summary.document()) + b"\n"])
    return StreamingResponse(lines, media_type=NDJSON)


@router.get("/seizures", response_class=Response, responses=gives(JSON, GEOJSON))
async def search(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[Search, Query()]
) -> Response:
    """Records shared with the caller, newest first, as far as each is disclosed. JSON, or GeoJSON by Accept."""
    state = request.app.state
    found = await read.search(session, caller, question, state.reference.catalogue, state.cursors)
    account_items(request, found.items)
    if GEOJSON in request.headers.get("accept", ""):
        features = [present.feature(item) for item in found.items]
        document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
        document |= {"next": found.next, "policy": found.policy}
        return Response(orjson.dumps(document), media_type=GEOJSON)
    return json_of({"items": found.items, "next": found.next, "policy": found.policy})


@router.get("/seizures/{record_id}", response_class=Response, responses=gives(JSON, MEDIA_TYPE))
async def item(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """One record; as `application/sd-jwt` the owner's signed form with the permitted disclosures.

    The owner of a recalled record is told so: `recalled`, or with the signed form the header `sarhad-recalled: true`.
    """
    if answers.wants_signed(request):
        owner, signed = await answers.signed(session, record_id, REPORTS)
        account(request, {owner: 1}, records=[record_id])
        return signed
    document = await read.document(session, caller, record_id, request.app.state.catalogue)
    account_items(request, [document])
    return json_of(document)


@router.get("/seizures/{record_id}/versions", response_class=Response, responses=gives(JSON))
async def versions(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The history of an own record; of another's, the version that is shared."""
    found = await read.versions(session, caller, record_id)
    account(request, {found[0]["agency"][:2]: 1}, records=[record_id])
    return json_of({"items": found})


@router.get("/seizures/{record_id}/proof", response_class=Response, responses=gives(JSON))
async def proof(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The place of the record's latest version in the log, for readers who are given the time of reporting."""
    owner, place = await answers.proof(session, record_id, REPORTS)
    account(request, {owner: 1}, records=[record_id])
    return place
