"""Publications over HTTP: /v1/publications for members, signed; /public/releases for everybody, if turned on."""

import hashlib
import uuid
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from service.identity.callers import Member, PolicyOfficer, Publisher, Withdrawer
from service.problems import NotFound
from service.publications import read
from service.publications.approve import approve
from service.publications.documents import ApprovalRequest, Definition, Page, Publications, PublicationView, Withdrawal
from service.publications.propose import PublicTierOff, propose
from service.publications.release import release, withdraw
from service.web import ReadSession, WriteSession, json_body

router = APIRouter(tags=["publications"])
_CACHED = "public, max-age=300"  # a withdrawal reaches every cache in five minutes


def _on(request: Request) -> None:
    if not request.app.state.settings.public_releases:
        raise PublicTierOff("the operator turns it on with SARHAD_PUBLIC_RELEASES=true")


def _public(request: Request) -> None:
    if not request.app.state.settings.public_releases:
        raise NotFound("no resource has this path")


_Public = Depends(_public)


@router.post("/v1/publications", status_code=201)
async def propose_publication(
    caller: Publisher,
    session: WriteSession,
    request: Request,
    definition: Annotated[Definition, json_body(Definition)],
) -> PublicationView:
    """Propose a release: a period of whole quarters and tables at fixed levels. A known name gets its next version."""
    _on(request)
    publication = await propose(session, caller, definition)
    return await read.publication(session, publication.id)


@router.get("/v1/publications")
async def list_publications(
    request: Request, caller: Member, session: ReadSession, asked: Annotated[Page, Query()]
) -> Publications:
    """Publications with their approvals, newest first."""
    return await read.publications(session, caller, asked, request.app.state.cursors)


@router.get("/v1/publications/{id}")
async def get_publication(caller: Member, session: ReadSession, id: uuid.UUID) -> PublicationView:
    """One publication with its approvals."""
    return await read.publication(session, id)


@router.post("/v1/publications/{id}/approval")
async def approve_publication(
    caller: PolicyOfficer,
    session: WriteSession,
    request: Request,
    id: uuid.UUID,
    approval: Annotated[ApprovalRequest, json_body(ApprovalRequest)],
) -> PublicationView:
    """Let your country's records, up to a handling code, be counted in this publication, as it is defined."""
    _on(request)
    await approve(session, caller, id, approval)
    return await read.publication(session, id)


@router.post("/v1/publications/{id}/release")
async def release_publication(
    caller: Publisher, session: WriteSession, request: Request, id: uuid.UUID
) -> PublicationView:
    """Compute the figures of the countries that approved, and publish them for ever."""
    _on(request)
    state = request.app.state
    await release(session, caller, id, state.service_key(), state.settings.origin)
    await session.flush()
    return await read.publication(session, id)


@router.post("/v1/publications/{id}/withdrawal")
async def withdraw_publication(
    caller: Withdrawer,
    session: WriteSession,
    id: uuid.UUID,
    withdrawal: Annotated[Withdrawal, json_body(Withdrawal)],
) -> PublicationView:
    """Take a publication back; a release is then answered with the reason, and no longer with its figures."""
    await withdraw(session, caller, id, withdrawal.reason)
    await session.flush()
    return await read.publication(session, id)


Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Version = Annotated[int, Path(ge=1, le=1_000_000)]
IfNoneMatch = Annotated[str | None, Header()]


@router.get("/public/releases", dependencies=[_Public], response_class=Response)
async def list_releases(
    request: Request, session: ReadSession, asked: Annotated[Page, Query()], if_none_match: IfNoneMatch = None
) -> Response:
    """Releases, newest first, with hashes and signed statements; withdrawn ones with the reason."""
    found = await read.releases(session, asked, request.app.state.cursors)
    body = orjson.dumps(found.model_dump(mode="json"))
    return _static(body, "application/json", if_none_match)


@router.get("/public/releases/{name}/{version}", dependencies=[_Public], response_class=Response)
async def get_release(
    name: Name, version: Version, session: ReadSession, if_none_match: IfNoneMatch = None
) -> Response:
    """The figures of one release as JSON: the bytes that were hashed, signed and logged."""
    found = await read.released(session, name, version)
    return _static(found.document, "application/json", if_none_match)


@router.get("/public/releases/{name}/{version}/figures.csv", dependencies=[_Public], response_class=Response)
async def get_release_as_csv(
    name: Name, version: Version, session: ReadSession, if_none_match: IfNoneMatch = None
) -> Response:
    """The figures of one release as CSV."""
    found = await read.released(session, name, version)
    return _static(found.figures, "text/csv; charset=utf-8", if_none_match)


def _static(body: bytes, media_type: str, if_none_match: str | None) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    headers = {"etag": etag, "cache-control": _CACHED}
    asked = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in asked or "*" in asked:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
