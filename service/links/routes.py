"""/v1/links over HTTP."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity import acts
from service.identity.callers import Asker, Reader
from service.links import query
from service.links.act import Because, Word, act
from service.links.groups import Grouped, groups
from service.links.query import Asked, owners
from service.readings.account import account
from service.web import ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1/links", tags=["links"])

JSON, GEOJSON = "application/json", "application/geo+json"


@router.get("", response_class=Response, responses=gives(JSON))
async def list_links(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[Asked, Query()]
) -> Response:
    """Records that may belong together, of which both are shared with the caller: the best supported first."""
    found = await query.listed(session, caller, asked, request.app.state.cursors)
    counts, ids = owners(*found["items"])
    account(request, counts, records=ids)
    return Response(orjson.dumps(found), media_type=JSON)


@router.get("/groups", response_class=Response, responses=gives(GEOJSON))
async def link_groups(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[Grouped, Query()]
) -> Response:
    """Confirmed links as groups on a map (GeoJSON), each member where and as precisely as it is disclosed."""
    found = await groups(session, asked)
    ids: dict[str, list[UUID]] = {}
    for feature in found["features"]:
        said = feature["properties"]
        ids.setdefault(said["owner"], []).append(UUID(said["seizure"] or said["record"]))
    account(request, {owner: len(its) for owner, its in ids.items()}, records=ids)
    return Response(orjson.dumps(found), media_type=GEOJSON)


@router.get("/{link_id}", response_class=Response, responses=gives(JSON))
async def show_link(link_id: UUID, request: Request, caller: Reader, session: ReadSession) -> Response:
    """One link: its reasons in words, and what its parties have said."""
    found = await query.one(session, link_id)
    counts, ids = owners(found)
    account(request, counts, records=ids)
    return Response(orjson.dumps(found), media_type=JSON)


@router.post("/{link_id}/confirmation")
async def confirm_link(
    link_id: UUID, request: Request, caller: Asker, session: WriteSession, said: Annotated[Word, json_body(Word)]
) -> dict[str, str]:
    """The caller's agency holds that the records belong together. It is so when two keys of the parties say so."""
    # what takes a word back is never late: it needs one that was given, or a proposal
    await acts.step(session, caller.country, request.app.state.settings.acts_per_day)
    return {"id": str(link_id), "state": await act(session, caller, link_id, "confirm", said.reason)}


@router.post("/{link_id}/rejection")
async def reject_link(
    link_id: UUID, caller: Asker, session: WriteSession, said: Annotated[Because, json_body(Because)]
) -> dict[str, str]:
    """The caller's agency holds that they do not. One party's word is enough; confirming it begins anew."""
    return {"id": str(link_id), "state": await act(session, caller, link_id, "reject", said.reason)}


@router.post("/{link_id}/undoing")
async def undo_link(
    link_id: UUID, caller: Asker, session: WriteSession, said: Annotated[Because, json_body(Because)]
) -> dict[str, str]:
    """Take a confirmed link apart again. Both records, and what was said, stay."""
    return {"id": str(link_id), "state": await act(session, caller, link_id, "undo", said.reason)}
