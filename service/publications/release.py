"""Freeze a publication: figures of the approved countries, hashed, signed, committed to in the governance log."""

import hashlib
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.identity.caller import Caller
from service.identity.governance import record
from service.ledger.append import append
from service.ledger.models import Log
from service.problems import NotFound, Problem
from service.publications.documents import Definition
from service.publications.figures import as_csv, as_json, tables_of
from service.publications.models import Approval, Publication, Release
from service.signing.service_key import ServiceKey

TYPE = "sarhad-release+jwt"


class NotYours(Problem):
    """This publication was proposed by another country."""

    status = HTTPStatus.FORBIDDEN


class NotProposed(Problem):
    """Only a proposed publication is released, and only one that has not been withdrawn is withdrawn."""

    status = HTTPStatus.CONFLICT


class NoApproval(Problem):
    """No owner has approved this publication, so there is nothing to release."""

    status = HTTPStatus.CONFLICT


async def release(session: AsyncSession, caller: Caller, id_: UUID, key: ServiceKey, origin: str) -> Publication:
    """Raises NotFound, NotYours, NotProposed, NoApproval. What is released is never computed again."""
    publication = await held(session, id_)
    if publication.country != caller.country and "coordinator" not in caller.roles:
        raise NotYours("the country that proposed it, or the coordinator, releases it")
    if publication.state != "proposed":
        raise NotProposed(f"it is {publication.state}")
    query = select(Approval.country).where(Approval.publication_id == id_, Approval.digest == publication.digest)
    countries = sorted(await session.scalars(query))
    if not countries:
        raise NoApproval("the policy officer of at least one country must approve first")
    definition = Definition.model_validate(publication.definition)
    tables = await tables_of(session, id_, definition)
    document = as_json(definition, publication.version, countries, tables)
    figures = as_csv(tables)
    leaf = await append(session, Log.GOVERNANCE, hashlib.sha256(document).digest(), subject=f"release {id_}")
    publication.state, publication.released_by = "released", caller.key_id
    publication.released_at = datetime.now(UTC)
    statement = {
        "iss": origin,
        "sub": f"{publication.name}/{publication.version}",
        "iat": int(publication.released_at.timestamp()),
        "sha256": hashlib.sha256(document).hexdigest(),
        "csv_sha256": hashlib.sha256(figures).hexdigest(),
        "log": leaf.log.value,
        "salt": encode(leaf.salt),
        "leaf": encode(leaf.leaf_hash),
    }
    session.add(
        Release(publication_id=id_, document=document, figures=figures, statement=key.sign_jws(statement, TYPE))
    )
    digest = hashlib.sha256(document).hexdigest()
    await record(session, None, "release", publication=str(id_), digest=digest, countries=countries, by=caller.key_id)
    return publication


async def withdraw(session: AsyncSession, caller: Caller, id_: UUID, reason: str) -> Publication:
    """By who proposed it, the coordinator, or a policy officer of a country whose records are in it.

    Raises NotFound, NotYours, NotProposed. The bytes are kept, and no longer served.
    """
    publication = await held(session, id_)
    approved = await session.get(Approval, (id_, caller.country))
    officer = "policy_officer" in caller.roles and approved is not None
    proposer = publication.country == caller.country and "analyst" in caller.roles
    if not (officer or proposer or "coordinator" in caller.roles):
        raise NotYours("its proposer, the coordinator, or an officer of a country that approved it withdraws it")
    if publication.state == "withdrawn":
        raise NotProposed("it is withdrawn already")
    publication.state, publication.withdrawn_by = "withdrawn", caller.key_id
    publication.withdrawn_at, publication.reason = datetime.now(UTC), reason
    await record(session, caller.country, "withdraw-publication", publication=str(id_), reason=reason, by=caller.key_id)
    return publication


async def held(session: AsyncSession, id_: UUID) -> Publication:
    """The publication, locked until the end of the transaction."""
    query = select(Publication).where(Publication.id == id_).with_for_update()
    publication = (await session.scalars(query)).one_or_none()
    if publication is None:
        raise NotFound("there is no such publication")
    return publication
