"""Ask for a bulletin, and make it: of a released publication only, so of cleared figures only."""

import asyncio
import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.bulletins import atlas
from service.bulletins.figures import Source
from service.bulletins.models import Bulletin
from service.bulletins.render import pdf
from service.bulletins.words import Language, Words
from service.identity.groups import members
from service.jobs import Pointless, Tasks, Work
from service.places.atlas import Atlas
from service.problems import NotFound, Problem
from service.publications.models import Publication, Release
from service.substances.catalogue import Catalogue

TASKS = Tasks("bulletins")


class NotReleased(Problem):
    """A bulletin is of a released publication: each country clears its figures first."""

    status = HTTPStatus.CONFLICT


async def ask(session: AsyncSession, publication_id: UUID, language: Language) -> Bulletin:
    """The bulletin as it is, queued where it has not been made. Raises NotFound, NotReleased."""
    await released(session, publication_id)
    found = await session.get(Bulletin, (publication_id, language))
    if found is None:
        wanted = insert(Bulletin).values(publication_id=publication_id, language=language)
        if await session.scalar(wanted.on_conflict_do_nothing().returning(Bulletin.language)) is not None:
            await make.defer(session, publication=str(publication_id), language=language)
        found = await session.get_one(Bulletin, (publication_id, language))
    return found


async def released(session: AsyncSession, publication_id: UUID) -> Publication:
    """Raises NotFound, NotReleased: what was withdrawn is no longer shown either."""
    publication = await session.get(Publication, publication_id)
    if publication is None:
        raise NotFound("there is no such publication")
    if publication.state != "released":
        raise NotReleased(f"it is {publication.state}")
    return publication


@TASKS.task(heavy=True)
async def make(work: Work, publication: str, language: Language) -> None:
    """Print the release; the second printing of it is the same bytes."""
    async with work.database.reading() as session:
        source = await source_of(session, UUID(publication), language)
    printed = await asyncio.to_thread(pdf, source, language)
    async with work.database.writing() as session:
        if not await work.settle(session):
            return
        bulletin = await session.get(Bulletin, (UUID(publication), language))
        if bulletin is None:
            raise Pointless("it was never asked for")
        bulletin.pdf, bulletin.sha256 = printed, hashlib.sha256(printed).hexdigest()
        bulletin.made_at = datetime.now(UTC)


async def source_of(session: AsyncSession, publication_id: UUID, language: Language) -> Source:
    """What the bulletin is made of. Raises Pointless where the publication is no longer released."""
    query = select(Publication, Release).join(Release, Release.publication_id == Publication.id)
    row = (
        await session.execute(query.where(Publication.id == publication_id, Publication.state == "released"))
    ).first()
    if row is None or row.Publication.released_at is None:
        raise Pointless("it is not released")
    catalogue, places = await Catalogue.from_database(session), await Atlas.from_database(session)
    words = Words(language)
    return Source(
        id=str(publication_id),
        sha256=hashlib.sha256(row.Release.document).hexdigest(),
        released_at=row.Publication.released_at,
        document=orjson.loads(row.Release.document),
        members=await members(session),
        countries={
            code: words.named(country.name_en, country.name_ru, words.country(code))
            for code, country in places.countries.items()
        },
        groups={code: words.named(group.name_en, group.name_ru) for code, group in catalogue.groups.items()},
        substances={
            code: words.named(entry.substance.name_en, entry.substance.name_ru)
            for code, entry in catalogue.entries.items()
        },
        outlines=await asyncio.to_thread(atlas.outlines, places.outlines()),
    )
