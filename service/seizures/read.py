"""Read reports through the gate: a page, one record, its versions, its place in the log."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.identity.caller import Caller
from service.ledger.models import Log
from service.ledger.proofs import InclusionProof, inclusion
from service.paging import Cursors
from service.policies.gate import reach
from service.problems import NotFound, Problem
from service.records import sealing
from service.records.registry import REPORTS
from service.seizures import present
from service.seizures.models import OWN, RECORD
from service.seizures.paged import plan_for_what_is_asked, turn_to
from service.seizures.query import LINES, LOGGED, ONE, RECALLINGS, SIGNED, Search, page
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to, mark_resolved


class UnknownSubstanceFilter(Problem):
    """The catalogue has no entry of this code."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the records as JSON, the cursor of the next one, and the version of the policies that applied."""

    items: list[dict[str, Any]]
    next: str | None
    policy: str


async def search(
    session: AsyncSession, caller: Caller, question: Search, catalogue: Catalogue, cursors: Cursors
) -> Page:
    """Raises InvalidCursor, InvalidBox, UnknownSubstanceFilter."""
    catalogue = await known_to(session, catalogue)
    substances = descendants(question.substance, catalogue)
    limits = await reach(session)
    bound_to = question.bound_to(*caller.standing, limits.version)
    if question.bbox is not None:
        await plan_for_what_is_asked(session)
    rows, following = await turn_to(
        session, question, bound_to, cursors, lambda after: page(question, limits, substances, after)
    )
    items = await _items(session, caller, [dict(row) for row in rows])
    for item in items:
        mark_resolved(item.get("derived", {}).get("items", ()), catalogue)
    return Page(items, following, limits.version)


async def record(
    session: AsyncSession, record_id: UUID, what: Select[Any] = ONE, kinds: Collection[str] = REPORTS
) -> dict[str, Any]:
    """The disclosed columns of the latest version. Raises NotFound, the same for hidden, for absent, and for a record
    of another kind.
    """
    query = what.where(RECORD.c.kind.in_(kinds))
    row = (await session.execute(query, {"record_id": record_id})).mappings().first()
    if row is None:
        raise NotFound("no such record, or it is not shared with you")
    return dict(row)


async def signed(session: AsyncSession, record_id: UUID, kinds: Collection[str]) -> tuple[str, str, bool]:
    """(owner, its SD-JWT with the permitted disclosures, whether the reader owns it and has recalled it).

    Raises NotFound.
    """
    row = await record(session, record_id, SIGNED, kinds)
    return row["country"], present.sd_jwt(row), row["recalled"]


async def document(
    session: AsyncSession, caller: Caller, record_id: UUID, catalogue: Catalogue | None = None
) -> dict[str, Any]:
    """Raises NotFound. With a catalogue, provisional codes are shown with what they turned out to be."""
    (item,) = await _items(session, caller, [await record(session, record_id)])
    if catalogue is not None:
        mark_resolved(item.get("derived", {}).get("items", ()), await known_to(session, catalogue))
    return item


async def versions(session: AsyncSession, caller: Caller, record_id: UUID) -> list[dict[str, Any]]:
    """The owner sees the history; another reader the one version that is shared with it. Raises NotFound."""
    return await own_versions(session, record_id, REPORTS) or [await document(session, caller, record_id)]


async def own_versions(session: AsyncSession, record_id: UUID, kinds: Collection[str]) -> list[dict[str, Any]]:
    """The history of a record of the caller's own country; nothing for another's, and for records of another kind."""
    query = select(OWN).where(OWN.c.record_id == record_id, OWN.c.kind.in_(kinds)).order_by(OWN.c.version)
    own = (await session.execute(query)).mappings().all()
    flag = {"recalled": True} if own and await recalled_among(session, [record_id]) else {}
    said = [sealing.opened(dict(row)) for row in own]
    return [
        {
            "id": str(row["record_id"]),
            "version": row["version"],
            "kind": row["kind"],
            "agency": row["agency"],
            "handling": row["handling"],
            "status": row["status"],
            "latest": row["latest"],
            "digest": encode(row["digest"]),
            "received": row["received_at"].isoformat(),
            "receipt": row["receipt"],
            "warnings": row["warnings"],
            "facets": present.facets(opened.disclosures),
            **({"unreadable": opened.unreadable} if opened.unreadable else {}),
            **flag,
        }
        for row, opened in zip(own, said, strict=True)
    ]


async def proof(session: AsyncSession, record_id: UUID, kinds: Collection[str]) -> tuple[str, bytes, InclusionProof]:
    """(owner, salt, proof of inclusion): for readers who are given the time of reporting, which a proof tells.

    Raises NotFound, also where the proof is withheld, and LeafNotYetMerged.
    """
    row = await record(session, record_id, LOGGED, kinds)
    if row["leaf_hash"] is None:
        raise NotFound("no proof of this record is shared with you")
    return row["country"], row["log_salt"], await inclusion(session, Log.RECORDS, row["leaf_hash"])


async def _items(session: AsyncSession, caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines: dict[Any, list[dict[str, Any]]] = {}
    if rows:
        ids = [row["record_id"] for row in rows]
        for line in (await session.execute(LINES, {"record_ids": ids})).mappings():
            lines.setdefault(line["record_id"], []).append(dict(line))
    return [
        present.item(row, lines.get(row["record_id"], ()), owners_view=row["country"] == caller.country) for row in rows
    ]


async def recalled_among(session: AsyncSession, own: list[UUID]) -> set[UUID]:
    """Which of the caller's own records are recalled: shown to their owner alone, and flagged."""
    if not own:
        return set()
    return set(await session.scalars(RECALLINGS, {"record_ids": own}))


def descendants(code: str | None, catalogue: Catalogue) -> frozenset[str]:
    """The substances that a question for this one asks for, itself among them. Raises UnknownSubstanceFilter."""
    if code is None:
        return frozenset()
    if catalogue.get(code) is None:
        raise UnknownSubstanceFilter(f"no entry has the code {code}", parameter="substance")
    return catalogue.descendants(code)
