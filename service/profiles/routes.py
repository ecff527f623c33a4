"""/v1/profile-methods and /v1/profiles over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from service.identity.caller import Caller
from service.identity.callers import Member, Reader, writing
from service.profiles import methods
from service.profiles.methods import Declaration
from service.profiles.neighbours import Probe, of_probe, of_record
from service.profiles.study import Study, calibrated
from service.readings.account import account
from service.web import ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1", tags=["profiles"])

JSON = "application/json"
Laboratory = Annotated[Caller, Depends(writing("laboratory"))]
Code = Annotated[str, Path(max_length=42)]


@router.post("/profile-methods", status_code=HTTPStatus.CREATED)
async def declare_profile_method(
    request: Request, caller: Laboratory, session: WriteSession, said: Annotated[Declaration, json_body(Declaration)]
) -> dict[str, Any]:
    """Declare a method of impurity profiling. Its markers and their order never change; a change is a new version."""
    state = request.app.state
    await methods.declare(session, caller, said, state.catalogue, most=state.settings.methods_per_day)
    return methods.document(await methods.method(session, said.code), None)


@router.get("/profile-methods")
async def list_profile_methods(
    caller: Member,
    session: ReadSession,
    after: Annotated[str | None, Query(max_length=42, description="Code after which the page begins.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """The declared methods and what their calibrations say of them: a register, the same for every member."""
    found = await methods.listed(session, after, limit)
    return {"items": found, "next": found[-1]["code"] if len(found) == limit else None}


@router.get("/profile-methods/{code}")
async def show_profile_method(code: Code, caller: Member, session: ReadSession) -> dict[str, Any]:
    """One declared method."""
    return methods.document(await methods.method(session, code), await methods.calibration(session, code))


@router.post("/profile-methods/{code}/calibrations", status_code=HTTPStatus.CREATED)
async def calibrate_profile_method(
    request: Request, code: Code, caller: Laboratory, session: WriteSession, study: Annotated[Study, json_body(Study)]
) -> dict[str, Any]:
    """What a score is worth, learned from specimens of known batches. The specimens themselves are not kept."""
    most = request.app.state.settings.calibrations_per_day
    return methods.of_calibration(await calibrated(session, caller, code, study, most=most))


@router.get("/profiles/{record_id}/{n}/neighbours", response_class=Response, responses=gives(JSON))
async def profile_neighbours(
    request: Request,
    record_id: UUID,
    n: Annotated[int, Path(ge=1, le=200, description="Place in the facet spectra, from 1.")],
    *,
    caller: Reader,
    session: ReadSession,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    """The most alike profiles of the same method, of those shared with the caller; and where to ask for more."""
    most = request.app.state.settings.comparisons_per_day
    found = await of_record(session, caller, record_id, n, limit, most=most)
    counts, ids = found.owners()
    account(request, counts, records=ids)
    return Response(orjson.dumps(found.document()), media_type=JSON)


@router.post("/profiles/search", response_class=Response, responses=gives(JSON))
async def search_profiles(
    request: Request, caller: Reader, session: ReadSession, probe: Annotated[Probe, json_body(Probe)]
) -> Response:
    """The same for a profile that is not filed."""
    found = await of_probe(session, caller, probe, most=request.app.state.settings.comparisons_per_day)
    counts, ids = found.owners()
    account(request, counts, records=ids)
    return Response(orjson.dumps(found.document()), media_type=JSON)
