"""Read observed records through the gate: a page, one record, its versions."""

from collections.abc import Collection, Mapping
from decimal import Context
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.observations.query import ITEMS, Search, page
from service.paging import Cursors
from service.policies.gate import reach
from service.seizures import present
from service.seizures import read as reports
from service.seizures.paged import turn_to
from service.seizures.read import Page, descendants
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

PER = Context(prec=6)
_NUMBERS = ("quantity", "kg", "kg_low", "kg_high", "price", "price_low", "price_high")


async def search(
    session: AsyncSession, caller: Caller, question: Search, *, kind: str, catalogue: Catalogue, cursors: Cursors
) -> Page:
    """Raises InvalidCursor, UnknownSubstanceFilter."""
    catalogue = await known_to(session, catalogue)
    substances = descendants(question.substance, catalogue)
    limits = await reach(session)
    bound_to = question.bound_to(*caller.standing, limits.version, kind)
    rows, following = await turn_to(
        session, question, bound_to, cursors, lambda after: page(kind, question, limits, substances, after)
    )
    return Page(await _documents(session, caller, [dict(row) for row in rows]), following, limits.version)


async def document(session: AsyncSession, caller: Caller, record_id: UUID, kind: str) -> dict[str, Any]:
    """Raises NotFound, the same for hidden, for absent, and for what is of another kind."""
    (found,) = await _documents(session, caller, [await reports.record(session, record_id, kinds=[kind])])
    return found


async def versions(session: AsyncSession, caller: Caller, record_id: UUID, kind: str) -> list[dict[str, Any]]:
    """The owner sees the history; another reader the one version that is shared with it. Raises NotFound."""
    own = await reports.own_versions(session, record_id, [kind])
    return own or [await document(session, caller, record_id, kind)]


async def _documents(session: AsyncSession, caller: Caller, rows: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["record_id"] for row in rows]
    items: dict[UUID, list[dict[str, Any]]] = {}
    for item in (await session.execute(ITEMS, {"record_ids": ids})).mappings():
        items.setdefault(item["record_id"], []).append(_item(dict(item)))
    documents = []
    for row in rows:
        shown = present.whole(row, row["country"] == caller.country)
        if found := items.get(row["record_id"]):
            shown["derived"] = {"items": found}
        documents.append(shown)
    return documents


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    """An item as harmonised; a price also for a kilogram, or for one unit where nothing converts the amount."""
    numbers = {name: None if row[name] is None else format(row[name], "f") for name in _NUMBERS}
    document = {name: row[name] for name in ("line", "aspect", "substance", "unit", "rule")}
    amount = {name: numbers[name] for name in ("quantity", "kg", "kg_low", "kg_high")}
    if row["price"] is None:
        return {**document, **amount}
    return {**document, **amount, "currency": row["currency"], "per": _per(row)}


def _per(row: Mapping[str, Any]) -> dict[str, str]:
    """The typical price of one kilogram, or of one unit; six significant digits."""
    base, amount = ("kg", row["kg"]) if row["kg"] else (row["unit"], row["quantity"])
    return {base: format(PER.divide(row["price"], amount).normalize(PER), "f")}
