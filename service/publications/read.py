"""What members see of publications, and what the public sees of releases."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.paging import Cursors, before
from service.problems import NotFound, Problem
from service.publications.documents import (
    ApprovalView,
    Definition,
    Page,
    Publications,
    PublicationView,
    Releases,
    ReleaseView,
)
from service.publications.models import Approval, Publication, Release
from service.records.registry import HANDLING


class ReleaseWithdrawn(Problem):
    """This release was withdrawn: its figures are no longer served and should no longer be used."""

    status = HTTPStatus.GONE


async def publication(session: AsyncSession, id_: UUID) -> PublicationView:
    """Raises NotFound."""
    found = (await session.scalars(select(Publication).where(Publication.id == id_))).all()
    if not found:
        raise NotFound("there is no such publication")
    return (await _viewed(session, found))[0]


async def publications(session: AsyncSession, caller: Caller, asked: Page, cursors: Cursors) -> Publications:
    """A page of every version of every publication, newest first. Raises InvalidCursor."""
    bound_to = ["publications", caller.key_id]
    query = select(Publication).order_by(Publication.proposed_at.desc(), Publication.id.desc())
    if asked.cursor is not None:
        key = cursors.open(asked.cursor, bound_to)
        query = query.where(before(Publication.proposed_at, Publication.id, key))
    found = (await session.scalars(query.limit(asked.limit + 1))).all()
    shown = found[: asked.limit]
    more = len(found) > asked.limit
    following = cursors.seal((shown[-1].proposed_at, shown[-1].id), bound_to) if more else None
    return Publications(items=await _viewed(session, shown), next=following)


async def _viewed(session: AsyncSession, found: Sequence[Publication]) -> list[PublicationView]:
    wanted = select(Approval).where(Approval.publication_id.in_([row.id for row in found])).order_by(Approval.country)
    approvals = (await session.scalars(wanted)).all()
    return [view(row, [approval for approval in approvals if approval.publication_id == row.id]) for row in found]


def view(row: Publication, approvals: Sequence[Approval]) -> PublicationView:
    return PublicationView(
        id=row.id,
        name=row.name,
        version=row.version,
        state=row.state,
        definition=Definition.model_validate(row.definition),
        digest=row.digest.hex(),
        proposed_by=row.agency,
        proposed_at=row.proposed_at,
        approvals=[
            ApprovalView(
                country=approval.country,
                handling_up_to=HANDLING[approval.handling],
                approved_at=approval.approved_at,
            )
            for approval in approvals
        ],
        released_at=row.released_at,
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
    )


async def releases(session: AsyncSession, asked: Page, cursors: Cursors) -> Releases:
    """A page of every release there ever was, newest first; of a withdrawn one only that, when and why.

    Raises InvalidCursor.
    """
    bound_to = ["public releases"]
    at, id_ = Publication.released_at, Publication.id
    query = (
        select(Publication, func.sha256(Release.document).label("sha256"), Release.statement)
        .join(Release, Release.publication_id == id_)
        .order_by(at.desc(), id_.desc())
    )
    if asked.cursor is not None:
        query = query.where(before(at, id_, cursors.open(asked.cursor, bound_to)))
    found = (await session.execute(query.limit(asked.limit + 1))).all()
    shown = found[: asked.limit]
    following = None
    if len(found) > asked.limit:
        following = cursors.seal((shown[-1].Publication.released_at, shown[-1].Publication.id), bound_to)
    return Releases(items=[_listed(*row) for row in shown], next=following)


def _listed(row: Publication, sha256: bytes, statement: str) -> ReleaseView:
    url = f"/public/releases/{row.name}/{row.version}"
    served = row.state == "released"
    return ReleaseView(
        name=row.name,
        version=row.version,
        title=row.definition["title"],
        first_month=row.definition["first_month"],
        last_month=row.definition["last_month"],
        state="released" if served else "withdrawn",
        released_at=row.released_at,
        json_url=url if served else None,
        csv_url=f"{url}/figures.csv" if served else None,
        sha256=sha256.hex() if served else None,
        statement=statement if served else None,
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
    )


async def released(session: AsyncSession, name: str, version: int) -> Release:
    """The bytes of one release. Raises NotFound, ReleaseWithdrawn."""
    query = (
        select(Publication, Release)
        .join(Release, Release.publication_id == Publication.id)
        .where(Publication.name == name, Publication.version == version)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotFound("there is no such release")
    publication, release = found
    if publication.state != "released":
        raise ReleaseWithdrawn(
            "use a later version, if the list of releases has one",
            withdrawn_at=publication.withdrawn_at.isoformat() if publication.withdrawn_at else None,
            reason=publication.reason,
        )
    return release
