"""The catalogue as one reader knows it: the committed entries, and the provisional ones that it may know.

Row security says which those are (`shared.provisional_substance`): its own country's, and what was published. They are
read in the reader's own transaction, so that every worker knows an entry from the moment it exists.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.substances.catalogue import Catalogue
from service.substances.models import PROVISIONAL
from service.substances.tables import Substance

PREFIX = "UNK-"
_P = PROVISIONAL.c
_KNOWN = select(
    *(_P.code, _P.name, _P.parent, _P.policy_group, _P.nps_group, _P.parent_inchikey, _P.smiles, _P.formula, _P.note),
    _P.resolved,
).order_by(_P.code)


class Known(NamedTuple):
    """A provisional entry as the catalogue takes it in."""

    code: str
    name: str
    parent: str
    policy_group: str
    nps_group: str | None
    parent_inchikey: str | None
    smiles: str | None
    formula: str | None
    note: str | None
    resolved: str | None


async def known_to(session: AsyncSession, catalogue: Catalogue) -> Catalogue:
    """`catalogue` with what the reader of this transaction may know of provisional entries."""
    committed = catalogue.committed or catalogue
    rows = tuple(Known._make(row) for row in (await session.execute(_KNOWN)).all())
    return _widened(committed, rows) if rows else committed


@lru_cache(maxsize=64)
def _widened(catalogue: Catalogue, rows: tuple[Known, ...]) -> Catalogue:
    return catalogue.with_entries(
        [_substance(row, catalogue) for row in rows if row.parent in catalogue.entries],
        {row.code: row.resolved for row in rows if row.resolved in catalogue.entries},
    )


def _substance(row: Known, catalogue: Catalogue) -> Substance:
    """Below what it turned out to be, in the group of that; until then below its class."""
    above = row.resolved if row.resolved in catalogue.entries else row.parent
    return Substance(
        code=row.code,
        kind="provisional",
        parent=above,
        name_en=row.name,
        name_ru=None,
        group=row.policy_group if above == row.parent else catalogue.group(above),
        nps_group=row.nps_group,
        cas=None,
        inchikey=row.parent_inchikey,
        smiles=row.smiles,
        formula=row.formula,
        hs=None,
        note=row.note,
    )


def mark_resolved(lines: Iterable[dict[str, Any]], catalogue: Catalogue) -> None:
    """Beside a provisional code of a derived line or finding: what it turned out to be. The code itself stays."""
    for line in lines:
        if (found := _resolution(line, catalogue)) is not None:
            line["resolved"] = found


def _resolution(line: Mapping[str, Any], catalogue: Catalogue) -> str | None:
    code = line.get("substance")
    return catalogue.resolution(code) if isinstance(code, str) and code.startswith(PREFIX) else None
