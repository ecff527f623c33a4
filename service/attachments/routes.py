"""/v1/uploads, /v1/attachments and /v1/records/{id}/attachments over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from starlette.background import BackgroundTask

from service.attachments import read, upload
from service.attachments.finish import Sending
from service.attachments.present import file_name
from service.attachments.upload import Announced
from service.identity.callers import Correspondent, Reader, Submitter
from service.readings.account import account
from service.web import (
    ReadSession,
    WriteSession,
    gives,
    json_body,
    problem_response,
    signed_range,
    takes,
    up_to,
    verified_body,
)

router = APIRouter(prefix="/v1", tags=["attachments"])

JSON, BYTES = "application/json", "application/octet-stream"
FILES = ("image/jpeg", "image/png", "application/pdf", BYTES)
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file.")]
_PART = gives(*FILES) | gives(*FILES, status=206, text="The range that was asked for, where `range` is signed")


@router.post(
    "/uploads", status_code=HTTPStatus.CREATED, response_class=Response, responses=gives(JSON, status=201, text="Begun")
)
async def begin_upload(
    request: Request, caller: Submitter, session: WriteSession, announced: Annotated[Announced, json_body(Announced)]
) -> Response:
    """Announce a file. It is sent in pieces to the upload that this makes, within a day."""
    document = await upload.begin(session, caller, announced, request.app.state.settings)
    return _json(document, HTTPStatus.CREATED, {"location": f"/v1/uploads/{document['id']}"})


@router.get("/uploads/{upload_id}", response_class=Response, responses=gives(JSON))
async def show_upload(request: Request, upload_id: UUID, caller: Correspondent, session: ReadSession) -> Response:
    """How far an upload of the caller's agency is: `received` is where the next piece begins."""
    return _json(await upload.one(session, caller, upload_id, request.app.state.settings))


@router.patch(
    "/uploads/{upload_id}",
    response_class=Response,
    responses=gives(JSON),
    openapi_extra=takes(BYTES),
    dependencies=[up_to("attachment_piece_bytes")],
)
async def extend_upload(
    request: Request,
    upload_id: UUID,
    caller: Submitter,
    session: WriteSession,
    offset: Annotated[int, Query(ge=0, lt=2**53, description="Where in the file the piece begins.")],
) -> Response:
    """Send the next piece. The answer to the last one names the attachment that was kept, or is the refusal.

    Of a spectrum file it also says, as `spectra`, how many were `read`, how many scans are `empty`, whether there are
    `more` than are read, how many are `comparable` (fragments, electron ionisation), and how many can be `searched`.
    """
    state = request.app.state
    piece = await verified_body(request, BYTES)
    sending = Sending(session, caller, state.files, state.settings, state.catalogue)
    done = await upload.extend(sending, upload_id, offset, piece)
    answer = _json(done.document) if done.refusal is None else problem_response(done.refusal)
    answer.background = BackgroundTask(state.files.remove, done.spent)  # after the commit
    return answer


@router.delete("/uploads/{upload_id}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def give_upload_up(request: Request, upload_id: UUID, caller: Submitter, session: WriteSession) -> Response:
    """Forget an upload, and what was received of it."""
    spent = await upload.give_up(session, caller, upload_id)
    return Response(status_code=HTTPStatus.NO_CONTENT, background=BackgroundTask(request.app.state.files.remove, spent))


@router.get("/attachments", response_class=Response, responses=gives(JSON))
async def list_own_attachments(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[read.Asked, Query()]
) -> Response:
    """The files that the caller's agency has sent, newest first; `named` says whether a record names them."""
    return _json(await read.own_page(session, caller, asked, request.app.state.cursors))


@router.get("/attachments/{sha256}", response_class=Response, responses=_PART)
async def own_attachment(request: Request, sha256: Digest, caller: Correspondent, session: ReadSession) -> Response:
    """A file that the caller's country holds, to be looked at before a record names it."""
    return _file(request, await read.own(session, request.app.state.files, sha256))


@router.get("/records/{record_id}/attachments", response_class=Response, responses=gives(JSON))
async def list_attachments(
    request: Request,
    record_id: UUID,
    caller: Reader,
    session: ReadSession,
    version: Annotated[
        int | None, Query(ge=1, lt=2**31, description="Another than the latest: for the record's own country.")
    ] = None,
) -> Response:
    """The attachments of a record in the facets that the caller is given of it now."""
    owner, items = await read.listed(session, record_id, version)
    account(request, {owner: 1}, records=[record_id])
    return _json({"items": items})


@router.get("/records/{record_id}/attachments/{sha256}", response_class=Response, responses=_PART)
async def attachment(
    request: Request, record_id: UUID, sha256: Digest, caller: Reader, session: ReadSession
) -> Response:
    """One attachment of a record, or a range of it. Its own country also gets what superseded versions name."""
    content = await read.of_record(session, request.app.state.files, record_id, sha256)
    account(request, {content.owner: 1}, records=[record_id])
    return _file(request, content)


def _file(request: Request, content: read.Content) -> Response:
    """The whole, or the signed range; never to be shown in the service's own name."""
    part = signed_range(request, len(content.data))
    headers = {
        "accept-ranges": "bytes",
        "etag": f'"{content.row["sha256"].hex()}"',
        "content-disposition": f'attachment; filename="{file_name(content.row)}"',
    }
    if part is None:
        return Response(content.data, media_type=content.row["media_type"], headers=headers)
    headers["content-range"] = f"bytes {part[0]}-{part[1] - 1}/{len(content.data)}"
    return Response(
        content.data[slice(*part)],
        status_code=HTTPStatus.PARTIAL_CONTENT,
        media_type=content.row["media_type"],
        headers=headers,
    )


def _json(
    document: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(document), status_code=status, media_type=JSON, headers=headers)
