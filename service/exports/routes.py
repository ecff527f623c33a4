"""/v1/exports over HTTP."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from service.exports import show
from service.exports.ask import Wanted, ask, order
from service.exports.files import Place
from service.exports.formats import FORMATS
from service.exports.take import available, still_given
from service.identity.callers import Asker, Official, Reader
from service.readings.account import account
from service.readings.entry import question_digest
from service.signing import RequestMessage
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, gives, json_body, signed_range

router = APIRouter(prefix="/v1", tags=["exports"])
CHUNK = 1 << 18
_FILE = gives(*dict.fromkeys(made.media_type for made in FORMATS.values())) | {
    206: {"description": "The range that was asked for, where `range` is signed"}
}


@router.post("/exports", status_code=HTTPStatus.ACCEPTED)
async def ask_for_export(
    request: Request, caller: Asker, session: WriteSession, wanted: Annotated[Wanted, json_body(Wanted)]
) -> dict[str, Any]:
    """Have shared records put into a file, as far as each is disclosed for the purpose that is signed."""
    state = request.app.state
    asked = question_digest(RequestMessage.of(request.scope, state.settings.origin))
    catalogue = await known_to(session, state.catalogue)
    made = await ask(session, caller, order(wanted, catalogue, asked), state.settings)
    return show.document(await show.one(session, made), caller, "")


@router.get("/exports")
async def list_exports(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[show.Listed, Query()]
) -> dict[str, Any]:
    """The exports of the caller's key, newest first."""
    account(request, {})
    return await show.listed(session, caller, asked, request.app.state.cursors, request.state.policy)


@router.get("/exports/{export_id}")
async def show_export(request: Request, export_id: UUID, caller: Reader, session: ReadSession) -> dict[str, Any]:
    """How far an export is; when it is ready, its size, its SHA-256 and where it is from."""
    account(request, {})
    return show.document(await show.one(session, export_id), caller, request.state.policy)


@router.get("/exports/{export_id}/file", response_class=Response, responses=_FILE)
async def take_file(request: Request, export_id: UUID, caller: Reader, session: ReadSession) -> Response:
    """The file, or the signed range of its bytes (RFC 9110 §14), so that a transfer that broke off is taken up again.

    What the file holds is asked of the policies once more: it leaves as long as all of it is still given.
    """
    row = await show.one(session, export_id)
    place = available(row, caller.purpose, request.app.state.settings)
    part = signed_range(request, row["size"])
    account(request, await still_given(session, place, caller.country))
    headers = {
        "accept-ranges": "bytes",
        "etag": f'"{row["digest"].hex()}"',
        "content-disposition": f'attachment; filename="{show.name(row)}"',
    }
    if part is not None:
        headers["content-range"] = f"bytes {part[0]}-{part[1] - 1}/{row['size']}"
    return StreamingResponse(
        _bytes(place, *(part or (0, row["size"]))),
        status_code=HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT,
        media_type=FORMATS[row["format"]].media_type,
        headers=headers,
    )


@router.delete("/exports/{export_id}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def delete_export(request: Request, export_id: UUID, caller: Official, session: WriteSession) -> Response:
    """Give an export up before its time; its file goes."""
    await show.delete(session, export_id)
    Place(request.app.state.settings, export_id).remove()
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _bytes(place: Place, first: int, end: int) -> Iterator[bytes]:
    with place.file.open("rb") as file:
        file.seek(first)
        left = end - first
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
