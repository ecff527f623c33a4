"""/v1/structures and /v1/provisional over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from service.identity.callers import PolicyOfficer, RegisteredReader, Registrant
from service.problems import NotFound
from service.provisional import read
from service.provisional.examine import Question, examine
from service.provisional.register import Registration, register
from service.provisional.settle import Resolution, publish, resolve
from service.structures.ask import Structure, picture
from service.substances.provisional import known_to
from service.web import Empty, ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1", tags=["substances"])
SVG = "image/svg+xml"
Code = Annotated[str, Path(pattern=r"^UNK-[A-Z]{2}-[A-Z0-9]{2,12}-\d{4}-\d{1,6}$")]


@router.post("/structures")
async def examine_structure(
    request: Request,
    caller: RegisteredReader,
    session: ReadSession,
    question: Annotated[Question, json_body(Question)],
) -> dict[str, Any]:
    """What a structure is, whether it is known, what it resembles, and who controls it. Nothing is stored."""
    return await examine(session, caller, question, await known_to(session, request.app.state.catalogue))


@router.get("/substances/{code}/structure", response_class=Response, responses=gives(SVG))
async def draw_substance(request: Request, code: str, caller: RegisteredReader, session: ReadSession) -> Response:
    """The structure of an entry, drawn (SVG)."""
    entry = (await known_to(session, request.app.state.catalogue)).get(code)
    if entry is None or entry.substance.smiles is None:
        raise NotFound("the catalogue has no such entry, or no structure of it")
    await session.close()  # nobody waits for a connection while it is drawn
    drawn = await picture(Structure(smiles=entry.substance.smiles), sender=caller.country)
    return Response(drawn, media_type=SVG)


@router.post("/provisional", status_code=HTTPStatus.CREATED)
async def register_provisional(
    request: Request,
    caller: Registrant,
    session: WriteSession,
    wanted: Annotated[Registration, json_body(Registration)],
) -> dict[str, Any]:
    """A provisional code for what the catalogue does not have; known to your own country until it is published."""
    catalogue = await known_to(session, request.app.state.catalogue)
    code = await register(session, caller, wanted, catalogue)
    return read.view(await read.one(session, code))


@router.get("/provisional")
async def list_provisional(
    caller: RegisteredReader, session: ReadSession, asked: Annotated[read.Asked, Query()]
) -> dict[str, Any]:
    """Provisional entries of your country, and those that were published."""
    return await read.listed(session, asked)


@router.get("/provisional/{code}")
async def show_provisional(code: Code, caller: RegisteredReader, session: ReadSession) -> dict[str, Any]:
    """One provisional entry: what it is held to be, and what it turned out to be."""
    return read.view(await read.one(session, code))


@router.post("/provisional/{code}/publication")
async def publish_provisional(
    request: Request,
    code: Code,
    caller: PolicyOfficer,
    session: WriteSession,
    nothing: Empty,
) -> dict[str, Any]:
    """Let every member know a provisional entry of your country; what records say of it stays as shared as it was."""
    await publish(session, caller, code)
    await request.app.state.follow_unknown(session, code)
    return read.view(await read.one(session, code))


@router.post("/provisional/{code}/resolution")
async def resolve_provisional(
    request: Request,
    code: Code,
    caller: Registrant,
    session: WriteSession,
    resolution: Annotated[Resolution, json_body(Resolution)],
) -> dict[str, Any]:
    """What it turned out to be: from now on every question about that entry includes it. No record changes."""
    await resolve(session, caller, code, resolution, request.app.state.catalogue)
    await request.app.state.follow_unknown(session, code)
    return read.view(await read.one(session, code))
