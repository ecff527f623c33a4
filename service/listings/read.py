"""The lists as they were entered: entries page by page, and one entry with its signed versions."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service.listings.models import Listing
from service.problems import NotFound


class Listed(BaseModel):
    """Which entries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$")] = None
    substance: Annotated[str | None, Field(max_length=40)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Annotated[
        str | None, Field(pattern=r"^[A-Z]{2}/[A-Za-z0-9._-]{1,60}/\d{1,5}$", description="`next` of the last page.")
    ] = None


async def listed(session: AsyncSession, asked: Listed) -> dict[str, Any]:
    """Every version of every entry, by country, entry and version."""
    query = select(Listing).order_by(Listing.country, Listing.entry, Listing.version).limit(asked.limit + 1)
    if asked.country is not None:
        query = query.where(Listing.country == asked.country)
    if asked.substance is not None:
        query = query.where(Listing.substance == asked.substance)
    if asked.after is not None:
        country, entry, version = asked.after.split("/")
        place = tuple_(Listing.country, Listing.entry, Listing.version)
        query = query.where(place > tuple_(country, entry, int(version)))
    found = list(await session.scalars(query))
    shown = found[: asked.limit]
    last = shown[-1] if len(found) > asked.limit else None
    return {
        "items": [view(listing) for listing in shown],
        "next": f"{last.country}/{last.entry}/{last.version}" if last else None,
    }


async def one(session: AsyncSession, country: str, entry: str) -> dict[str, Any]:
    """An entry with all versions, each with its signature. Raises NotFound."""
    query = select(Listing).where(Listing.country == country, Listing.entry == entry).order_by(Listing.version)
    versions = list(await session.scalars(query))
    if not versions:
        raise NotFound("no member has entered this")
    return {"country": country, "entry": entry, "versions": [{**view(v), "signed": v.signed} for v in versions]}


def view(listing: Listing) -> dict[str, Any]:
    return {
        "country": listing.country,
        "entry": listing.entry,
        "version": listing.version,
        "substance": listing.substance,
        "generic": listing.generic,
        "schedule": listing.schedule,
        "legal_basis": listing.legal_basis,
        "valid_from": listing.valid_from,
        "valid_until": listing.valid_until,
        "source": listing.source,
        "withdrawn": listing.withdrawn,
    }
