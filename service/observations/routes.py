"""The observed kinds over HTTP, each with the routes that every kind has. Batches of them go to /v1/batches."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.base64url import encode
from service.identity.callers import Reader, Submitter
from service.ledger.models import Log
from service.observations import figures, read
from service.observations.figures import MOST, PriceQuestion
from service.observations.kind import ObservedKind
from service.observations.kinds import KINDS
from service.observations.query import Search
from service.policies.gate import reach
from service.problems import Problem
from service.readings.account import account, account_items
from service.records.sdjwt import MAX_RECORD_BYTES, MEDIA_TYPE
from service.seizures import read as reports
from service.seizures.decide import Verdict
from service.seizures.filing import filing_for
from service.seizures.read import UnknownSubstanceFilter
from service.seizures.submit import held_to, submit
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, gives, takes, verified_body

router = APIRouter(prefix="/v1", tags=["observations"])

JSON = "application/json"
_FILED = gives(JSON, status=201, text="Filed") | gives(JSON, text="The same again: the first receipt")


def _named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The handlers of each kind carry its name, which the contract shows."""

    def rename(handler: Callable[..., Any]) -> Callable[..., Any]:
        handler.__name__ = name
        return handler

    return rename


@router.get("/prices", response_class=Response, responses=gives(JSON))
async def prices(
    request: Request, caller: Reader, session: ReadSession, question: Annotated[PriceQuestion, Query()]
) -> Response:
    """Prices shared with the caller, by period: lowest, typical (a median) and highest; money is never converted."""
    catalogue = await known_to(session, request.app.state.catalogue)
    if question.substance is not None and catalogue.get(question.substance) is None:
        raise UnknownSubstanceFilter(f"no entry has the code {question.substance}", parameter="substance")
    limits = await reach(session)
    found = await figures.prices(session, question, catalogue.descendants(question.substance or ""))
    account(request, found.owners)
    return _json({"items": found.rows[:MOST], "more": len(found.rows) > MOST, "policy": limits.version})


def _add_filing(kind: ObservedKind[Any]) -> None:
    accepted = frozenset({kind.name, "retraction"})
    options: dict[str, Any] = {
        "status_code": HTTPStatus.CREATED, "responses": _FILED, "openapi_extra": takes(MEDIA_TYPE),
    }  # fmt: skip

    @router.post(f"/{kind.path}", description=f"File a signed {kind.title}, a correction or a retraction.", **options)
    @_named(f"file_{kind.name}")
    async def file(request: Request, caller: Submitter, session: WriteSession) -> Response:
        body = await verified_body(request, MEDIA_TYPE, limit=MAX_RECORD_BYTES)
        (verdict,) = await submit(session, filing_for(request.app.state, caller, accepted), [body])
        return _answer(verdict)

    @router.post(
        f"/{kind.path}/{{record_id}}/versions",
        description=f"File the next version of a {kind.title}, held to the record of the path.",
        **options,
    )
    @_named(f"file_{kind.name}_version")
    async def file_version(record_id: UUID, request: Request, caller: Submitter, session: WriteSession) -> Response:
        body = await verified_body(request, MEDIA_TYPE, limit=MAX_RECORD_BYTES)
        (verdict,) = await submit(session, filing_for(request.app.state, caller, accepted), [body])
        return _answer(held_to(verdict, record_id))


def _add_reading(kind: ObservedKind[Any]) -> None:
    @router.get(
        f"/{kind.path}",
        description=f"Records of this kind ({kind.title}) shared with the caller, newest first, as far as disclosed.",
        response_class=Response,
        responses=gives(JSON),
    )
    @_named(f"search_{kind.name}")
    async def search(
        request: Request, caller: Reader, session: ReadSession, question: Annotated[Search, Query()]
    ) -> Response:
        state = request.app.state
        found = await read.search(
            session, caller, question, kind=kind.name, catalogue=state.catalogue, cursors=state.cursors
        )
        account_items(request, found.items)
        return _json({"items": found.items, "next": found.next, "policy": found.policy})

    @router.get(
        f"/{kind.path}/{{record_id}}",
        description=f"One {kind.title}; as `application/sd-jwt` in the owner's signed form, as far as it is disclosed.",
        response_class=Response,
        responses=gives(JSON, MEDIA_TYPE),
    )
    @_named(kind.name)
    async def item(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
        if MEDIA_TYPE in request.headers.get("accept", ""):
            owner, signed = await reports.signed(session, record_id, [kind.name])
            account(request, {owner: 1}, records=[record_id])
            return Response(signed, media_type=MEDIA_TYPE)
        document = await read.document(session, caller, record_id, kind.name)
        account_items(request, [document])
        return _json(document)

    @router.get(
        f"/{kind.path}/{{record_id}}/versions",
        description="The history of an own record; of another's, the version that is shared.",
        response_class=Response,
        responses=gives(JSON),
    )
    @_named(f"{kind.name}_versions")
    async def versions(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
        found = await read.versions(session, caller, record_id, kind.name)
        account(request, {found[0]["agency"][:2]: 1}, records=[record_id])
        return _json({"items": found})

    @router.get(
        f"/{kind.path}/{{record_id}}/proof",
        description="The place of the record's latest version in the log, for readers given the time of reporting.",
        response_class=Response,
        responses=gives(JSON),
    )
    @_named(f"{kind.name}_proof")
    async def proof(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
        owner, salt, found = await reports.proof(session, record_id, [kind.name])
        account(request, {owner: 1}, records=[record_id])
        return _json(
            {
                "log": Log.RECORDS.value,
                "salt": encode(salt),
                "index": found.index,
                "size": found.size,
                "path": [encode(step) for step in found.path],
                "checkpoint": found.checkpoint,
            }
        )


for _kind in KINDS:
    _add_filing(_kind)
    _add_reading(_kind)


def _answer(verdict: Verdict) -> Response:
    if isinstance(verdict, Problem):
        raise verdict
    status = HTTPStatus.CREATED if verdict.fresh else HTTPStatus.OK
    return Response(orjson.dumps(verdict.document()), status_code=status, media_type=JSON)


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), media_type=JSON)
