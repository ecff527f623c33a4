"""/v1/spectra over HTTP: the reference library, and the search with a spectrum of one's own."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from service.identity.caller import Caller
from service.identity.callers import Member, Reader, writing
from service.library import catalogue, hits, reference, search
from service.readings.account import account
from service.sandbox import parse
from service.spectra.formats import read
from service.web import ReadSession, WriteSession, gives, takes, up_to, verified_body

router = APIRouter(prefix="/v1/spectra", tags=["spectra"])

JSON, BYTES = "application/json", "application/octet-stream"
Laboratory = Annotated[Caller, Depends(writing("laboratory"))]


@router.post(
    "/search",
    response_class=Response,
    responses=gives(JSON),
    openapi_extra=takes(BYTES),
    dependencies=[up_to("attachment_piece_bytes")],
)
async def search_spectra(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[search.Asked, Query()]
) -> Response:
    """Search with a spectrum: a MassBank record, MSP, JCAMP-DX or mzML. Nothing of it is stored.

    Candidates come from the reference library and from records that are shared with the caller; with `hits` it is also
    told where a policy says that there is a hit in what is not shared.
    """
    state = request.app.state
    data = await verified_body(request, BYTES)
    options: dict[str, Any] = {"only": asked.n, "full_scans": asked.full_scans or ""}
    query = search.Query.of(await parse(read, data, sender=caller.country, **options), asked)
    found = await search.search(session, state.shelf, query, asked, state.catalogue)
    document = found.document(query, len(state.shelf))
    account(request, {owner: len(ids) for owner, ids in found.records.items()}, records=found.records)
    if asked.hits:
        hidden = await hits.hits(session, caller, query, state.catalogue, state.settings)
        document["hits"] = hidden.items
        account(request, {owner: len(ids) for owner, ids in hidden.records.items()}, records=hidden.records)
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/library", response_class=Response, responses=gives(JSON))
async def list_library(
    request: Request, caller: Member, session: ReadSession, asked: Annotated[catalogue.Asked, Query()]
) -> Response:
    """The reference spectra, newest first, with licence and attribution."""
    return Response(orjson.dumps(await catalogue.page(session, asked, request.app.state.cursors)), media_type=JSON)


@router.get("/library/{spectrum_id}", response_class=Response, responses=gives(JSON))
async def library_spectrum(spectrum_id: UUID, caller: Member, session: ReadSession) -> Response:
    """One reference spectrum with its peaks."""
    return Response(orjson.dumps(await catalogue.one(session, spectrum_id)), media_type=JSON)


@router.post(
    "/library",
    status_code=HTTPStatus.CREATED,
    response_class=Response,
    responses=gives(JSON, status=201, text="Added"),
    openapi_extra=takes(BYTES),
    dependencies=[up_to("attachment_piece_bytes")],
)
async def submit_reference_spectra(
    request: Request, caller: Laboratory, session: WriteSession, terms: Annotated[reference.Terms, Query()]
) -> Response:
    """Submit reference spectra of known substances for every member; not of cases, which belong to an analysis."""
    state = request.app.state
    data = await verified_body(request, BYTES)
    file = await parse(read, data, sender=caller.country)
    added = await reference.submit(session, file["spectra"], terms, state.catalogue)
    return Response(orjson.dumps({**added, "empty": file["empty"]}), status_code=HTTPStatus.CREATED, media_type=JSON)


@router.delete("/library/{spectrum_id}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def remove_reference_spectrum(spectrum_id: UUID, caller: Laboratory, session: WriteSession) -> Response:
    """Take back a reference spectrum that the caller's agency submitted."""
    await reference.remove(session, spectrum_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)
