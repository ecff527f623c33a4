"""Places over HTTP: the units by name, resolving reported texts in bulk, and the crossing points."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.identity.callers import Member
from service.places import shapes
from service.places.atlas import Atlas
from service.web import json_body

router = APIRouter(prefix="/v1", tags=["places"])

CountryCode = Annotated[str | None, Query(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]


def _atlas(request: Request) -> Atlas:
    atlas: Atlas = request.app.state.atlas
    return atlas


@router.get("/places")
async def find_places(
    request: Request,
    caller: Member,
    q: Annotated[str | None, Query(max_length=300, description="a name in any of the alphabets")] = None,
    country: CountryCode = None,
) -> shapes.Places:
    """Countries and first-level divisions by name; with `country` alone, that country and all its
    divisions."""
    atlas = _atlas(request)
    if q is None or not q.strip():
        rows = [r for r in atlas.countries.values() if country in (None, r.code)]
        units = [r for r in atlas.units.values() if r.country == country]
        return shapes.Places(items=[*map(shapes.country, rows), *map(shapes.unit, units)])
    countries, units = atlas.find(q, country)
    return shapes.Places(items=[*map(shapes.country, countries), *map(shapes.unit, units)])


@router.post("/places/resolve")
async def resolve_places(
    request: Request, caller: Member, asked: Annotated[shapes.Queries, json_body(shapes.Queries)]
) -> shapes.Resolutions:
    """Country and division of each text, in order; `admin1` is null rather than a guess."""
    atlas = _atlas(request)
    found = [atlas.resolve(query.country, query.division, query.place) for query in asked.queries]
    return shapes.Resolutions(results=[shapes.resolution(match) for match in found])


@router.get("/crossings")
async def list_crossings(request: Request, caller: Member, country: CountryCode = None) -> shapes.Crossings:
    """Border crossing points, all or those of one country; members maintain them."""
    rows = _atlas(request).crossings.values()
    kept = [r for r in rows if country in (None, r.country_a, r.country_b)]
    return shapes.Crossings(items=[shapes.crossing(row) for row in kept])
