"""An owner's policy officer approves its own country's part of a proposed publication."""

from http import HTTPStatus
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.problems import NotFound, Problem
from service.publications.documents import ApprovalRequest
from service.publications.models import Publication
from service.records.registry import HANDLING

_APPROVE = text(
    "SELECT gate.approve_publication(:publication, :digest, CAST(:ceiling AS smallint), CAST(:officer AS text))"
)


class NotAsProposed(Problem):
    """The publication is no longer proposed, or the digest is not that of its definition."""

    status = HTTPStatus.CONFLICT


async def approve(session: AsyncSession, officer: Caller, id_: UUID, approval: ApprovalRequest) -> Publication:
    """Records of the officer's country up to a handling code enter the release; again, with another code, replaces.

    Raises NotFound, NotAsProposed.
    """
    publication = await session.get(Publication, id_)
    if publication is None:
        raise NotFound("there is no such publication")
    approved = await session.scalar(
        _APPROVE,
        {
            "publication": id_,
            "digest": bytes.fromhex(approval.digest),
            "ceiling": HANDLING.index(approval.handling_up_to),
            "officer": officer.key_id,
        },
    )
    if not approved:
        raise NotAsProposed(f"it is {publication.state}", expected=publication.digest.hex())
    await record(
        session,
        officer.country,
        "approve-publication",
        publication=str(id_),
        digest=approval.digest,
        handling=approval.handling_up_to,
        by=officer.key_id,
    )
    return publication
