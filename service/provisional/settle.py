"""Publish a provisional entry to all members, and resolve it: what the unknown turned out to be.

Records keep the code that was signed. The entry moves below what it turned out to be, so that searches, trends, totals
and derived values that ask for that entry include it, and each shows which code stood there.
"""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.officers import same_hand
from service.problems import NotFound, Problem
from service.provisional.read import one
from service.substances.catalogue import Catalogue

_PUBLISH = text("SELECT gate.publish_provisional(:code)")
_RESOLVE = text("SELECT gate.resolve_provisional(:code, :becoming, :reason)")
_CARRYING = text("SELECT unnest(gate.carrying(:code))")


class PublishedBefore(Problem):
    """This provisional entry is published."""

    status = HTTPStatus.CONFLICT


class ResolutionUnknown(Problem):
    """A provisional entry turns out to be a committed entry of the catalogue that is a substance, and no class."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class StructureDiffers(Problem):
    """The structure that was registered is another one than that of the entry named."""

    status = HTTPStatus.CONFLICT


class RegistrantDecides(Problem):
    """The key that registered an unknown does not resolve it: another key of a laboratory of the country does."""

    status = HTTPStatus.FORBIDDEN


class Resolution(BaseModel):
    """What it is, and how that is known. `structure_differs`: the structure that was registered was wrong."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    substance: Annotated[str, Field(pattern=r"^SAR-\d{6}$")]
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
    structure_differs: bool = False


async def publish(session: AsyncSession, officer: Caller, code: str) -> None:
    """Raises NotFound, PublishedBefore."""
    entry = await one(session, code)
    if entry["owner"] != officer.country:
        raise NotFound("your country has no such provisional entry")
    if not await session.scalar(_PUBLISH, {"code": code}):
        raise PublishedBefore("every member knows it")
    await record(session, officer.country, "publish-provisional", code=code, by=officer.key_id)


async def resolve(
    session: AsyncSession, caller: Caller, code: str, resolution: Resolution, catalogue: Catalogue
) -> None:
    """Raises NotFound, RegistrantDecides, ResolutionUnknown, StructureDiffers."""
    entry = await one(session, code)
    if entry["owner"] != caller.country:
        raise NotFound("your country has no such provisional entry")
    if await same_hand(session, entry["registered_by"], caller.key_id):
        raise RegistrantDecides("four eyes: sign with another laboratory key of your country")
    target = (catalogue.committed or catalogue).get(resolution.substance)
    if target is None or target.substance.kind == "class":
        raise ResolutionUnknown(f"{resolution.substance} is no substance of the catalogue", pointer="/substance")
    theirs, ours = target.substance.inchikey, entry["parent_inchikey"]
    if theirs and ours and theirs[:14] != ours[:14] and not resolution.structure_differs:
        raise StructureDiffers(f"registered {ours}, {target.code} is {theirs}", pointer="/substance", expected=ours)
    given = {"code": code, "becoming": target.code, "reason": resolution.reason}
    if not await session.scalar(_RESOLVE, given):
        raise NotFound("your country has no such provisional entry")
    await record(
        session, caller.country, "resolve-provisional", code=code, substance=target.code, reason=resolution.reason,
        agency=caller.agency, by=caller.key_id,
    )  # fmt: skip


async def carrying(session: AsyncSession, code: str) -> list[UUID]:
    """The records, of whichever country, in which a line or a finding says this code of the caller's own country.

    For a job that judges them in the eyes of who may see them, and for nobody else.
    """
    return list(await session.scalars(_CARRYING, {"code": code}))
