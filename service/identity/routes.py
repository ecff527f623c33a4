"""The registry over HTTP: countries, agencies, keys, changes, revocations, and the public key directory."""

import uuid
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from service.identity import directory
from service.identity.callers import KeyAdministrator, Member, RegistryReader
from service.identity.change import approve, propose, reject
from service.identity.documents import (
    Agencies,
    AgencyView,
    Changes,
    ChangeView,
    Countries,
    Keys,
    Proposal,
    Rejection,
    Revocation,
)
from service.identity.models import AgencyKey, Change
from service.identity.revoke import revoke
from service.ledger.checkpoints import origin_of
from service.ledger.models import Log
from service.web import ReadSession, WriteSession, gives, json_body

router = APIRouter(tags=["registry"])

_Limit = Annotated[int, Query(ge=1, le=200)]
_Kid = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]


@router.get("/v1/countries")
async def list_countries(caller: Member, session: ReadSession) -> Countries:
    """The countries of the exchange: members, observers and third countries, and which groups each is in; who is no
    member is told its own groups.
    """
    return Countries(items=await directory.countries(session, caller.country))


@router.get("/v1/agencies")
async def list_agencies(
    caller: Member, session: ReadSession, country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None
) -> Agencies:
    """The agencies, of one country or of all."""
    rows = await session.scalars(directory.agencies(country))
    return Agencies(
        items=[AgencyView(code=row.code, country=row.country, type=row.type, name=row.name) for row in rows]
    )


@router.get("/v1/keys")
async def list_keys(
    caller: Member,
    session: ReadSession,
    *,
    agency: Annotated[str | None, Query(pattern="^[A-Z]{2}-[A-Z0-9]{2,12}$")] = None,
    use: Literal["request-signing", "record-signing", "witness"] | None = None,
    kid: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{43}$")] = None,
    cursor: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{43}$")] = None,
    limit: _Limit = 100,
) -> Keys:
    """The keys with their use, roles, validity and revocation; revoked ones too, for old evidence.

    Keys of officers who signed in are listed to their own country. The key that signed a record, a listing or a review
    is given to whoever names it (`kid`), its validity to other countries in whole days.
    """
    wanted = directory.Wanted(agency, use, kid)
    page, following = await directory.keys(session, caller.country, wanted, after=cursor, limit=limit)
    return Keys(items=[directory.view(row, caller.country) for row in page], next=following)


@router.get(
    "/.well-known/http-message-signatures-directory",
    response_class=Response,
    responses=gives(directory.MEDIA_TYPE),
)
async def key_directory(request: Request, session: ReadSession) -> Response:
    """The service's keys and the agencies' keys in force, as a JWK set; no key of an officer who signed in."""
    keys = [directory.jwk(key) for key in await session.scalars(directory.current())]
    service = request.app.state.service_keys
    document = {"keys": [*service.published(), *service.former(), *keys]}
    return Response(orjson.dumps(document), media_type=directory.MEDIA_TYPE)


@router.get("/v1/service")
async def describe_service(request: Request) -> dict[str, Any]:
    """What a client needs before its first signed request: the service's keys, logs and limits.

    The first of `keys` signs now, any other is announced; `former_keys` signed before, and each of `successions` is a
    key's word for the next.
    """
    settings, service = request.app.state.settings, request.app.state.service_keys
    return {
        "origin": settings.origin,
        "keys": service.published(),
        "former_keys": service.former(),
        "successions": service.successions(),
        "logs": {log.value: origin_of(settings.origin, log) for log in Log},
        "limits": {
            "request_bytes": settings.request_max_bytes,
            "batch_bytes": settings.batch_max_bytes,
            "batch_lines": settings.batch_max_lines,
            "requests_per_minute": settings.requests_per_minute,
            "merge_delay_seconds": settings.merge_delay_seconds,
        },
    }


@router.post("/v1/changes", status_code=201)
async def propose_change(
    caller: KeyAdministrator, session: WriteSession, proposal: Annotated[Proposal, json_body(Proposal)]
) -> ChangeView:
    """Propose a change of your country's registry; a second key administrator approves it."""
    return _view(await propose(session, caller, proposal.change))


@router.get("/v1/changes")
async def list_changes(
    caller: RegistryReader,
    session: ReadSession,
    *,
    state: Literal["proposed", "applied", "rejected"] | None = None,
    cursor: uuid.UUID | None = None,
    limit: _Limit = 100,
) -> Changes:
    """The changes of your country's registry, newest first."""
    page, following = await directory.changes(session, caller.country, state, after=cursor, limit=limit)
    return Changes(items=[_view(row) for row in page], next=following)


@router.post("/v1/changes/{id}/approval")
async def approve_change(caller: KeyAdministrator, session: WriteSession, id: uuid.UUID) -> ChangeView:
    """Approve a change that another officer of your country proposed; it applies at once."""
    return _view(await approve(session, caller, id))


@router.post("/v1/changes/{id}/rejection")
async def reject_change(
    caller: KeyAdministrator,
    session: WriteSession,
    id: uuid.UUID,
    rejection: Annotated[Rejection, json_body(Rejection)],
) -> ChangeView:
    """End a pending change of your country, also one of your own; the reason stays with it."""
    return _view(await reject(session, caller, id, rejection.reason))


@router.post("/v1/keys/{kid}/revocation")
async def revoke_key(
    caller: KeyAdministrator,
    session: WriteSession,
    kid: _Kid,
    revocation: Annotated[Revocation, json_body(Revocation)],
) -> dict[str, Any]:
    """End a key of your country; it is refused from the next request on."""
    return _ended(await revoke(session, caller, kid, revocation.reason))


def _ended(key: AgencyKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "agency": key.agency,
        "revoked_at": key.revoked_at,
        "reason": key.revocation_reason,
    }


def _view(change: Change) -> ChangeView:
    return ChangeView(
        id=change.id,
        country=change.country,
        state=change.state,
        change=change.document,
        proposed_by=change.proposed_by,
        proposed_at=change.proposed_at,
        approved_by=change.approved_by,
        approved_at=change.approved_at,
        rejected_by=change.rejected_by,
        rejected_at=change.rejected_at,
        rejection_reason=change.rejection_reason,
    )
