"""Witnesses over HTTP: what to cosign, the cosignature, the cosigned checkpoint; the same for every member."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from service.identity.callers import Governor, Member
from service.ledger.models import Log
from service.web import ReadSession, WriteSession, json_body
from service.witnesses import checkpoints, cosign

router = APIRouter(prefix="/v1/log", tags=["log"])


class CosignatureDocument(BaseModel):
    """A witness's line (C2SP tlog-cosignature, Ed25519) over the log's checkpoint of this size."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=0, le=2**53 - 1)]
    cosignature: Annotated[str, Field(max_length=400, description="`— NAME BASE64`, the newline included.")]


class CosignedDocument(BaseModel):
    """The cosignature is kept."""

    log: Log
    size: int
    kid: Annotated[str, Field(description="RFC 7638 thumbprint of the key whose line is kept.")]


@router.get("/{log}/due", response_class=PlainTextResponse)
async def checkpoint_due(caller: Member, log: Log, session: ReadSession) -> PlainTextResponse:
    """The checkpoint that witnesses are to cosign now, a C2SP signed note; the same for all within a minute."""
    return PlainTextResponse(await checkpoints.due(session, log))


@router.get("/{log}/cosigned", response_class=PlainTextResponse)
async def cosigned_checkpoint(
    caller: Member, log: Log, session: ReadSession, countries: Annotated[int, Query(ge=1, le=250)] = 1
) -> PlainTextResponse:
    """The newest checkpoint that witnesses of so many countries cosigned, a C2SP signed note with all cosignatures."""
    return PlainTextResponse(await checkpoints.cosigned(session, log, countries))


@router.post("/{log}/cosignatures", status_code=HTTPStatus.CREATED)
async def cosign_checkpoint(
    caller: Governor,
    request: Request,
    session: WriteSession,
    log: Log,
    document: Annotated[CosignatureDocument, json_body(CosignatureDocument)],
) -> CosignedDocument:
    """Hand in the cosignature of a witness of your country, of a checkpoint that was the newest within ten minutes.

    The first line of each agency is kept; another changes nothing.
    """
    origin = request.app.state.settings.origin
    line = document.cosignature
    kid = await cosign.keep(session, caller, log, document.size, line, service_origin=origin)
    return CosignedDocument(log=log, size=document.size, kid=kid)
