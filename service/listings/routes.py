"""/v1/listings over HTTP, and who controls one substance."""

from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from service.identity.callers import PolicyOfficer, RegisteredReader
from service.listings import read
from service.listings.control import control_of, conventions, gaps, lists
from service.listings.enter import enter
from service.listings.table import CAVEAT, Compared, table, taken_in
from service.problems import NotFound
from service.substances.provisional import known_to
from service.web import ReadSession, WriteSession, takes, verified_body

router = APIRouter(prefix="/v1", tags=["listings"])
JOSE = "application/jose"
CountryPath = Annotated[str, Path(pattern=r"^[A-Z]{2}$")]
EntryPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]


@router.post("/listings", status_code=HTTPStatus.CREATED, openapi_extra=takes(JOSE))
async def enter_listing(request: Request, caller: PolicyOfficer, session: WriteSession) -> dict[str, Any]:
    """Enter the next version of an entry of your country's list: a JWS (`sarhad-listing+jwt`) over the document."""
    signed = await verified_body(request, JOSE)
    catalogue = await known_to(session, request.app.state.catalogue)
    return read.view(await enter(session, caller, signed, catalogue))


@router.get("/listings")
async def list_listings(
    caller: RegisteredReader, session: ReadSession, asked: Annotated[read.Listed, Query()]
) -> dict[str, Any]:
    """The entries of members' lists, every version."""
    return await read.listed(session, asked)


@router.get("/listings/table")
async def compare_listings(
    request: Request, caller: RegisteredReader, session: ReadSession, asked: Annotated[Compared, Query()]
) -> dict[str, Any]:
    """The harmonised listing: which member controls what, by list, class or definition, and the gaps."""
    catalogue = await known_to(session, request.app.state.catalogue)
    return await table(session, asked, catalogue, asker=caller.country)


@router.get("/listings/{country}/{entry}")
async def show_listing(
    country: CountryPath, entry: EntryPath, caller: RegisteredReader, session: ReadSession
) -> dict[str, Any]:
    """One entry with its versions as they were signed."""
    return await read.one(session, country, entry)


@router.get("/substances/{code}/control")
async def control_of_substance(
    request: Request,
    code: str,
    caller: RegisteredReader,
    session: ReadSession,
    on: Annotated[date | None, Query(description="The day; today where it is not given.")] = None,
) -> dict[str, Any]:
    """Which member controls a substance on a day, by which entry, and what the conventions say."""
    catalogue = await known_to(session, request.app.state.catalogue)
    entry = catalogue.get(code)
    if entry is None:
        raise NotFound(f"the catalogue has no entry {code[:40]!r}")
    held = await lists(session, on or datetime.now(UTC).date())
    also = (await taken_in(session, [entry], held, catalogue, asker=caller.country))[code]
    cells = control_of(entry.code, entry.lineage, held, also)
    scheduled = conventions(entry.code, entry.lineage, catalogue)
    return {
        "substance": entry.code,
        "on": held.on.isoformat(),
        "conventions": scheduled,
        "countries": cells,
        "gaps": gaps(cells, bool(scheduled)),
        **also.told(),
        "caveat": CAVEAT,
    }
