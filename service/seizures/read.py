"""Read reports through the gate: a page, one record, its versions, its place in the log."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.ledger.models import Log
from service.ledger.proofs import InclusionProof, inclusion
from service.paging import Cursors
from service.policies.gate import reach
from service.problems import NotFound, Problem
from service.records.base64url import encode
from service.seizures import present
from service.seizures.models import OWN
from service.seizures.query import LINES, LOGGED, ONE, SIGNED, Search, details, page
from service.substances.catalogue import Catalogue


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
    substances = _descendants(question, catalogue)
    limits = await reach(session)
    bound_to = question.bound_to(
        caller.country, caller.agency, *sorted(caller.roles), caller.purpose or "", limits.version
    )
    after = cursors.open(question.cursor, bound_to) if question.cursor else None
    rows = (await session.execute(details(page(question, limits, substances, after), limits))).mappings().all()
    shown = rows[: question.limit]
    items = await _items(session, caller, [dict(row) for row in shown])
    last = shown[-1] if len(rows) > question.limit else None
    following = cursors.seal((last["sort_key"], last["record_id"]), bound_to) if last else None
    return Page(items, following, limits.version)


async def record(session: AsyncSession, record_id: UUID, what: Select[Any] = ONE) -> dict[str, Any]:
    """The disclosed columns of the latest version. Raises NotFound, the same for hidden and for absent."""
    row = (await session.execute(what, {"record_id": record_id})).mappings().first()
    if row is None:
        raise NotFound("no such record, or it is not shared with you")
    return dict(row)


async def signed(session: AsyncSession, record_id: UUID) -> str:
    """The owner's SD-JWT with the permitted disclosures. Raises NotFound."""
    return present.sd_jwt(await record(session, record_id, SIGNED))


async def document(session: AsyncSession, caller: Caller, record_id: UUID) -> dict[str, Any]:
    (item,) = await _items(session, caller, [await record(session, record_id)])
    return item


async def versions(session: AsyncSession, caller: Caller, record_id: UUID) -> list[dict[str, Any]]:
    """The owner sees the history; another reader the one version that is shared with it. Raises NotFound."""
    query = select(OWN).where(OWN.c.record_id == record_id).order_by(OWN.c.version)
    own = (await session.execute(query)).mappings().all()
    if not own:
        return [await document(session, caller, record_id)]
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
            "facets": present.facets(row["disclosures"]),
        }
        for row in own
    ]


async def proof(session: AsyncSession, record_id: UUID) -> tuple[bytes, InclusionProof]:
    """(salt, proof of inclusion): for readers who are given the time of reporting, which a proof tells.

    Raises NotFound, also where the proof is withheld, and LeafNotYetMerged.
    """
    row = await record(session, record_id, LOGGED)
    if row["leaf_hash"] is None:
        raise NotFound("no proof of this record is shared with you")
    return row["log_salt"], await inclusion(session, Log.RECORDS, row["leaf_hash"])


async def _items(session: AsyncSession, caller: Caller, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines: dict[Any, list[dict[str, Any]]] = {}
    if rows:
        ids = [row["record_id"] for row in rows]
        for line in (await session.execute(LINES, {"record_ids": ids})).mappings():
            lines.setdefault(line["record_id"], []).append(dict(line))
    return [
        present.item(row, lines.get(row["record_id"], ()), owners_view=row["country"] == caller.country) for row in rows
    ]


def _descendants(question: Search, catalogue: Catalogue) -> frozenset[str]:
    if question.substance is None:
        return frozenset()
    if catalogue.get(question.substance) is None:
        raise UnknownSubstanceFilter(f"no entry has the code {question.substance}", pointer="/substance")
    return frozenset({question.substance, *catalogue.descendants(question.substance)})
