"""/v1/packs over HTTP: of the caller's own country, and no other's."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from service.identity.callers import Member, Owner, PackDrafter, PolicyOfficer
from service.packs import life
from service.packs.forms import forms
from service.packs.listed import Listed, listed
from service.packs.say import Registers
from service.packs.workbook import MEDIA_TYPE
from service.readings.account import account
from service.records.scalars import MonthName
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, gives, json_body

router = APIRouter(prefix="/v1", tags=["packs"])

JSON = "application/json"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DraftRequest(_Document):
    """Which form, of which months (both inclusive)."""

    form: Annotated[str, Field(max_length=30)]
    first_month: MonthName
    last_month: MonthName


class Decision(_Document):
    """Of exactly the content that the digest names."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FormView(BaseModel):
    form: str
    title: str
    status: str
    sources: list[str]
    sheets: list[str]
    mapping_sha256: str


class Forms(BaseModel):
    items: list[FormView]


class PackView(BaseModel):
    id: UUID
    form: str
    country: str
    first_month: str
    last_month: str
    version: int
    state: Literal["drafted", "approved", "discarded"]
    digest: str
    drafted_by: str
    drafted_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class Packs(BaseModel):
    items: list[PackView]
    next: str | None


@router.get("/packs/forms")
async def list_forms(caller: Member) -> Forms:
    """The forms that packs are made for, each with what is known of its columns and from where."""
    return Forms(
        items=[
            FormView(
                form=form.form, title=form.title, status=form.status, sources=form.sources,
                sheets=[sheet.name for sheet in form.sheets], mapping_sha256=form.sha256,
            )
            for form in forms().values()
        ]
    )  # fmt: skip


@router.post("/packs", status_code=201)
async def draft_pack(
    request: Request,
    caller: PackDrafter,
    session: WriteSession,
    wanted: Annotated[DraftRequest, json_body(DraftRequest)],
) -> PackView:
    """Draft a pack from the own records of a period. It is read before it is approved: see its workbook."""
    state = request.app.state
    registers = Registers(await known_to(session, state.catalogue), state.atlas)
    months = (wanted.first_month, wanted.last_month)
    id_, records = await life.draft(
        session, caller, life.form_named(wanted.form), months, registers, most=state.settings.packs_per_day
    )
    account(request, {caller.country: records})
    return _view(await life.held(session, id_))


@router.get("/packs")
async def list_packs(request: Request, caller: Owner, session: ReadSession, asked: Annotated[Listed, Query()]) -> Packs:
    """The packs of the caller's country, newest first, page by page."""
    rows, following = await listed(session, caller, asked, request.app.state.cursors)
    account(request, {})
    return Packs(items=[_view(row) for row in rows], next=following)


@router.get("/packs/{pack_id}", response_class=Response, responses=gives(JSON))
async def get_pack(request: Request, pack_id: UUID, caller: Owner, session: ReadSession) -> Response:
    """One pack of the own country with all its rows, coverage and provenance."""
    pack = await life.held(session, pack_id)
    content = orjson.loads(pack["content"])
    account(request, {caller.country: content["provenance"]["records"]})
    view = _view(pack).model_dump(mode="json")
    return Response(orjson.dumps({**view, "content": content}), media_type=JSON)


@router.get("/packs/{pack_id}/workbook", response_class=Response, responses=gives(MEDIA_TYPE))
async def get_workbook(request: Request, pack_id: UUID, caller: Owner, session: ReadSession) -> Response:
    """The pack as XLSX: frozen bytes once approved, always the same; of a draft, marked as such."""
    pack = await life.held(session, pack_id)
    account(request, {caller.country: orjson.loads(pack["content"])["provenance"]["records"]})
    await session.close()  # nobody waits for a connection while the workbook is made
    return Response(await life.workbook_of(pack), media_type=MEDIA_TYPE)


@router.post("/packs/{pack_id}/approval")
async def approve_pack(
    pack_id: UUID, caller: PolicyOfficer, session: WriteSession, decision: Annotated[Decision, json_body(Decision)]
) -> PackView:
    """The focal point approves a draft, with another key than the drafter's; it is frozen with its hash."""
    return _view(await life.approve(session, caller, pack_id, decision.digest))


@router.post("/packs/{pack_id}/discard")
async def discard_pack(
    pack_id: UUID, caller: PolicyOfficer, session: WriteSession, decision: Annotated[Decision, json_body(Decision)]
) -> PackView:
    """The focal point ends a draft; nobody approves it any more."""
    return _view(await life.discard(session, caller, pack_id, decision.digest))


def _view(pack: dict[str, Any]) -> PackView:
    return PackView(**{name: pack[name] for name in PackView.model_fields})
