"""Read analyses through the gate: a page, one record, its versions. What is derived comes from what is disclosed."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.analyses.derive import derived
from service.analyses.query import KINDS, Search, page
from service.identity.caller import Caller
from service.paging import Cursors
from service.policies.gate import reach
from service.records.analysis_shapes import AnalysisFacets
from service.seizures import present
from service.seizures import read as reports
from service.seizures.paged import turn_to
from service.seizures.read import Page, descendants
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to, mark_resolved


async def search(
    session: AsyncSession, caller: Caller, question: Search, catalogue: Catalogue, cursors: Cursors
) -> Page:
    """Raises InvalidCursor, UnknownSubstanceFilter."""
    catalogue = await known_to(session, catalogue)
    substances = descendants(question.substance, catalogue)
    limits = await reach(session)
    bound_to = question.bound_to(*caller.standing, limits.version)
    rows, following = await turn_to(
        session, question, bound_to, cursors, lambda after: page(question, limits, substances, after)
    )
    return Page([document_of(dict(row), caller, catalogue) for row in rows], following, limits.version)


async def document(session: AsyncSession, caller: Caller, record_id: UUID, catalogue: Catalogue) -> dict[str, Any]:
    """Raises NotFound, the same for hidden, for absent, and for what is no analysis."""
    row = await reports.record(session, record_id, kinds=KINDS)
    catalogue = await known_to(session, catalogue)
    return document_of(row, caller, catalogue)


async def versions(
    session: AsyncSession, caller: Caller, record_id: UUID, catalogue: Catalogue
) -> list[dict[str, Any]]:
    """The owner sees the history; another reader the one version that is shared with it. Raises NotFound."""
    own = await reports.own_versions(session, record_id, KINDS)
    return own or [await document(session, caller, record_id, catalogue)]


def document_of(row: dict[str, Any], caller: Caller, catalogue: Catalogue) -> dict[str, Any]:
    shown = present.whole(row, owners_view=row["country"] == caller.country)
    if row["status"] != "retracted" and (found := derived(AnalysisFacets.model_validate(shown["facets"]), catalogue)):
        mark_resolved(found.get("findings", ()), catalogue)
        shown["derived"] = found
    return shown
