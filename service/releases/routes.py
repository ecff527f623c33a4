"""/v1/requests, /v1/records/{id}/sharing, /v1/recalls and /v1/standings over HTTP."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from service.identity.callers import Asker, Correspondent, Official, Reader
from service.readings.account import account
from service.releases import recalls, requests
from service.releases.answer import Answer, answer, withdraw
from service.releases.ask import Question, ask
from service.releases.recall import Withdrawal, recall
from service.releases.recalls import Acknowledgement
from service.releases.sharing import Sharing, share, sharing
from service.releases.standing import standings
from service.web import Empty, ReadSession, WriteSession, json_body

router = APIRouter(prefix="/v1", tags=["releases"])


@router.post("/requests", status_code=HTTPStatus.CREATED)
async def ask_originator(
    request: Request, caller: Asker, session: WriteSession, question: Annotated[Question, json_body(Question)]
) -> dict[str, Any]:
    """Ask the owner of a record for facets of it that its policy withholds, for the purpose that is signed."""
    most = request.app.state.settings.requests_per_owner_and_day
    return await requests.one(session, await ask(session, caller, question, most=most))


@router.get("/requests")
async def list_requests(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[requests.Asked, Query()]
) -> dict[str, Any]:
    """The requests to the caller's country, or those of its agency; with how many are in each state."""
    return await requests.listed(session, caller, asked, request.app.state.cursors)


@router.get("/requests/{request_id}")
async def show_request(request_id: UUID, caller: Correspondent, session: ReadSession) -> dict[str, Any]:
    """One request, to its two sides."""
    return await requests.one(session, request_id)


@router.post("/requests/{request_id}/answer")
async def answer_request(
    request: Request,
    request_id: UUID,
    caller: Official,
    session: WriteSession,
    said: Annotated[Answer, json_body(Answer)],
) -> dict[str, Any]:
    """Give what was asked, a part of it, or a refusal with its reason. To give takes a policy officer."""
    most = request.app.state.settings.records_granted_per_day
    await answer(session, caller, request_id, said, most_granted=most)
    return await requests.one(session, request_id)


@router.post("/requests/{request_id}/withdrawal")
async def withdraw_request(request_id: UUID, caller: Official, session: WriteSession, nothing: Empty) -> dict[str, Any]:
    """The agency that asked needs no answer any more."""
    await withdraw(session, caller, request_id)
    return await requests.one(session, request_id)


@router.get("/records/{record_id}/sharing")
async def show_sharing(record_id: UUID, caller: Correspondent, session: ReadSession) -> dict[str, Any]:
    """The grants, blocks and embargoes of an own record."""
    return await sharing(session, record_id)


@router.put("/records/{record_id}/sharing")
async def put_sharing(
    request: Request,
    record_id: UUID,
    caller: Official,
    session: WriteSession,
    wanted: Annotated[Sharing, json_body(Sharing)],
) -> dict[str, Any]:
    """What shall hold for an own record, from the next request of anyone. To widen takes a policy officer."""
    most = request.app.state.settings.records_granted_per_day
    return await share(session, caller, record_id, wanted, most_granted=most)


@router.post("/recalls", status_code=HTTPStatus.CREATED)
async def recall_records(
    caller: Official, session: WriteSession, wanted: Annotated[Withdrawal, json_body(Withdrawal)]
) -> dict[str, Any]:
    """Take own records back: nobody else reads them from now on, and whoever has read them is told."""
    return await recalls.one(session, caller, await recall(session, caller, wanted))


@router.get("/recalls")
async def list_recalls(
    request: Request, caller: Correspondent, session: ReadSession, asked: Annotated[recalls.Listed, Query()]
) -> dict[str, Any]:
    """The recalls addressed to the caller's agency, or those its country made."""
    return await recalls.listed(session, caller, asked, request.app.state.cursors)


@router.get("/recalls/{recall_id}")
async def show_recall(recall_id: UUID, caller: Correspondent, session: ReadSession) -> dict[str, Any]:
    """One recall: to a recipient its part, to the owner who has acknowledged and who is overdue."""
    return await recalls.one(session, caller, recall_id)


@router.post("/recalls/{recall_id}/acknowledgement")
async def acknowledge_recall(
    recall_id: UUID,
    caller: Official,
    session: WriteSession,
    said: Annotated[Acknowledgement, json_body(Acknowledgement)],
) -> dict[str, Any]:
    """What the caller's agency did with its copies: deleted, or kept under a legal duty."""
    return await recalls.acknowledge(session, caller, recall_id, said)


class Copy(BaseModel):
    """A copy of a record that the caller holds: which version it is of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1


class Copies(BaseModel):
    """Up to a thousand copies, each record once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    held: Annotated[list[Copy], Field(min_length=1, max_length=1000)]


@router.post("/standings")
async def ask_standings(
    request: Request, caller: Reader, session: ReadSession, asked: Annotated[Copies, json_body(Copies)]
) -> dict[str, Any]:
    """How records stand of which you hold copies: current, corrected, retracted, recalled, or not shared with you."""
    found = await standings(session, caller, {copy.id: copy.version for copy in asked.held})
    told: dict[str, list[UUID]] = {}
    for id_, standing in found.items():
        if standing.owner is not None:
            told.setdefault(standing.owner, []).append(id_)
    account(request, {owner: len(ids) for owner, ids in told.items()}, records=told)
    return {"items": [{"id": str(id_), **asdict(standing)} for id_, standing in found.items()]}
