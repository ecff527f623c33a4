"""The observed kinds over HTTP, each with the routes that every kind has. Batches of them go to /v1/batches."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.identity.callers import LateReader, Reader, Submitter
from service.observations import figures, read
from service.observations.figures import MOST, PriceQuestion
from service.observations.kind import ObservedKind
from service.observations.kinds import KINDS
from service.observations.query import Search
from service.policies.gate import reach
from service.readings.account import account, account_items
from service.records.sdjwt import MEDIA_TYPE
from service.seizures import answers
from service.seizures.answers import JSON, json_of
from service.seizures.read import descendants
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, gives, takes

router = APIRouter(prefix="/v1", tags=["observations"])


def _named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The handlers of each kind carry its name, which the contract shows."""

    def rename(handler: Callable[..., Any]) -> Callable[..., Any]:
        handler.__name__ = name
        return handler

    return rename


@router.get("/prices", response_class=Response, responses=gives(JSON))
async def prices(
    request: Request, caller: LateReader, session: ReadSession, question: Annotated[PriceQuestion, Query()]
) -> Response:
    """Prices shared with the caller, by period: lowest, typical (a median) and highest; money is never converted."""
    catalogue = await known_to(session, request.app.state.catalogue)
    substances = descendants(question.substance, catalogue)
    limits = await reach(session)
    found = await figures.prices(session, question, substances)
    account(request, found.owners)
    return json_of({"items": found.rows[:MOST], "more": len(found.rows) > MOST, "policy": limits.version})


def _add_filing(kind: ObservedKind[Any]) -> None:
    accepted = frozenset({kind.name, "retraction"})
    options: dict[str, Any] = {
        "status_code": HTTPStatus.CREATED, "responses": answers.FILED, "openapi_extra": takes(MEDIA_TYPE),
    }  # fmt: skip

    @router.post(f"/{kind.path}", description=f"File a signed {kind.title}, a correction or a retraction.", **options)
    @_named(f"file_{kind.name}")
    async def file(request: Request, caller: Submitter, session: WriteSession) -> Response:
        return await answers.filed(request, caller, session, accepted)

    @router.post(
        f"/{kind.path}/{{record_id}}/versions",
        description=f"File the next version of a {kind.title}, held to the record of the path.",
        **options,
    )
    @_named(f"file_{kind.name}_version")
    async def file_version(record_id: UUID, request: Request, caller: Submitter, session: WriteSession) -> Response:
        return await answers.filed(request, caller, session, accepted, record_id)


def _add_reading(kind: ObservedKind[Any]) -> None:
    @router.get(
        f"/{kind.path}",
        description=f"Records of this kind ({kind.title}) shared with the caller, newest first, as far as disclosed.",
        response_class=Response,
        responses=gives(JSON),
    )
    @_named(f"search_{kind.name}")
    async def search(
        request: Request, caller: LateReader, session: ReadSession, question: Annotated[Search, Query()]
    ) -> Response:
        state = request.app.state
        found = await read.search(
            session, caller, question, kind=kind.name, catalogue=state.catalogue, cursors=state.cursors
        )
        account_items(request, found.items)
        return json_of({"items": found.items, "next": found.next, "policy": found.policy})

    @router.get(
        f"/{kind.path}/{{record_id}}",
        description=f"One {kind.title}; as `application/sd-jwt` in the owner's signed form, as far as it is disclosed.",
        response_class=Response,
        responses=gives(JSON, MEDIA_TYPE),
    )
    @_named(kind.name)
    async def item(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
        if answers.wants_signed(request):
            owner, signed = await answers.signed(session, record_id, [kind.name])
            account(request, {owner: 1}, records=[record_id])
            return signed
        document = await read.document(session, caller, record_id, kind.name)
        account_items(request, [document])
        return json_of(document)

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
        return json_of({"items": found})

    @router.get(
        f"/{kind.path}/{{record_id}}/proof",
        description="The place of the record's latest version in the log, for readers given the time of reporting.",
        response_class=Response,
        responses=gives(JSON),
    )
    @_named(f"{kind.name}_proof")
    async def proof(request: Request, record_id: UUID, caller: Reader, session: ReadSession) -> Response:
        owner, place = await answers.proof(session, record_id, [kind.name])
        account(request, {owner: 1}, records=[record_id])
        return place


for _kind in KINDS:
    _add_filing(_kind)
    _add_reading(_kind)
