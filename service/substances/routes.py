"""The catalogue over HTTP: search, one entry, and resolving names and units in bulk."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.identity.callers import CatalogueReader, Member
from service.problems import NotFound
from service.substances import shapes
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.substances.search import find
from service.web import ReadSession, json_body

router = APIRouter(prefix="/v1", tags=["substances"])


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


@router.get("/substances")
async def find_substances(
    request: Request,
    caller: CatalogueReader,
    session: ReadSession,
    asked: Annotated[shapes.Wanted, Query()],
) -> shapes.FoundPage:
    """Entries by name, best first; without `q` the whole catalogue, by code.

    Provisional entries are among them as far as the caller may know of them: its own country's, and what is published.
    """
    catalogue = await known_to(session, _catalogue(request))
    if asked.q is not None and asked.q.strip():
        hits = find(catalogue, asked.q, asked.limit)
        return shapes.FoundPage(items=[shapes.found(hit.entry, hit.name, hit.score) for hit in hits], next=None)
    codes = sorted(code for code in catalogue.entries if asked.after is None or code > asked.after)
    page = codes[: asked.limit]
    return shapes.FoundPage(
        items=[shapes.found(catalogue.entries[code]) for code in page],
        next=page[-1] if len(codes) > asked.limit else None,
    )


@router.get("/substances/{code}")
async def read_substance(request: Request, caller: CatalogueReader, session: ReadSession, code: str) -> shapes.Detail:
    """One entry: names, tree, identifiers, schedules and sources."""
    catalogue = await known_to(session, _catalogue(request))
    entry = catalogue.get(code)
    if entry is None:
        raise NotFound(f"the catalogue has no entry {code[:40]!r}")
    return shapes.detail(catalogue, entry)


@router.post("/substances/resolve")
async def resolve_substances(
    request: Request,
    caller: Member,
    asked: Annotated[shapes.NamesToResolve, json_body(shapes.NamesToResolve)],
) -> shapes.Resolutions:
    """The entry of each name, or null: exact names only, in any case, script and punctuation."""
    catalogue = _catalogue(request)
    results = []
    for name in asked.names:
        match = catalogue.resolve(name)
        results.append(
            shapes.Resolution(
                name=name,
                code=match.code if match else None,
                match=match.match if match else None,
                confidence=match.confidence if match else None,
            )
        )
    return shapes.Resolutions(results=results)


@router.get("/units")
async def list_units(request: Request, caller: Member) -> shapes.Units:
    """Every unit, its dimension and the rule by which it leads to kilograms."""
    units = _catalogue(request).units.by_code
    return shapes.Units(items=[shapes.unit_shape(units[code]) for code in sorted(units)])


@router.post("/units/resolve")
async def resolve_units(
    request: Request,
    caller: Member,
    asked: Annotated[shapes.UnitsToResolve, json_body(shapes.UnitsToResolve)],
) -> shapes.UnitResolutions:
    """The unit of each spelling, or null."""
    units = _catalogue(request).units
    return shapes.UnitResolutions(results=[shapes.unit_resolution(text, units.resolve(text)) for text in asked.names])
