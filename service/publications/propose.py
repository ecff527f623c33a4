"""Propose a publication: its name, period and tables, fixed before anybody approves."""

import hashlib
import uuid
from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import violated
from service.identity.caller import Caller
from service.identity.governance import canonical, record
from service.problems import Problem
from service.publications.documents import Definition
from service.publications.models import Publication


class PublicTierOff(Problem):
    """This service publishes nothing: its operator has not turned public releases on."""

    status = HTTPStatus.CONFLICT


class NameTaken(Problem):
    """A publication of this name belongs to another country, or another version of it was proposed a moment ago."""

    status = HTTPStatus.CONFLICT


async def propose(session: AsyncSession, caller: Caller, definition: Definition) -> Publication:
    """The next version of the publication of this name. Raises NameTaken."""
    earlier = await session.execute(
        select(Publication.version, Publication.country)
        .where(Publication.name == definition.name)
        .order_by(Publication.version.desc())
    )
    versions = earlier.all()
    if versions and versions[0].country != caller.country and "coordinator" not in caller.roles:
        raise NameTaken("choose another name: only its own country, or the coordinator, proposes new versions")
    version = versions[0].version + 1 if versions else 1
    document = definition.model_dump(mode="json")
    publication = Publication(
        id=uuid.uuid4(),
        name=definition.name,
        version=version,
        definition=document,
        digest=hashlib.sha256(canonical({**document, "version": version}).encode()).digest(),
        country=caller.country,
        agency=caller.agency,
        proposed_by=caller.key_id,
    )
    session.add(publication)
    try:
        await session.flush()
    except IntegrityError as refused:
        if not violated(refused, "publication_name_version_key"):
            raise
        raise NameTaken("another version of this name was proposed a moment ago: propose again") from None
    await record(
        session,
        caller.country,
        "propose-publication",
        publication=str(publication.id),
        digest=publication.digest.hex(),
        by=caller.key_id,
    )
    return publication
