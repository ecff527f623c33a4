"""What the features ask of the gate: the ids of scopes, the reach of the reader, the version of its policies.

Enforcement is not here: it is row security and the masking views, which no code can skip.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, FromClause, func, literal_column, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.records.registry import HANDLING

FEW = 200  # scopes that are named in a statement
LEVELS = ("instant", "day", "month", "undated", "point", "cell")


class Scope(NamedTuple):
    """All that a rule may test about a record, besides its owner, which the caller's context gives."""

    kind: str
    groups: int
    handling: int
    agency: str

    @classmethod
    def of(cls, kind: str, groups: int, handling: str, agency: str) -> "Scope":
        return cls(kind, groups, HANDLING.index(handling), agency)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the reader's scopes give at each precision level (facet bits, 0 for none), the owners of these scopes, the
    policy version, and the scopes themselves, of owners that have few.
    """

    levels: dict[str, int]
    owners: frozenset[str]
    version: str
    scopes: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, masks: Sequence[int], version: str, giving: Mapping[str, Sequence[int] | None]) -> "Reach":
        """`giving`: by owner that gives anything its scopes that do, or nothing where they are many (`gate.giving`)."""
        few = {owner: scopes for owner, scopes in giving.items() if scopes is not None}
        return cls(dict(zip(LEVELS, masks, strict=True)), frozenset(giving), version, few)

    def given_by(self, owner: str | None, of: FromClause) -> ColumnElement[bool]:
        """Whose records an answer may hold: all owners that give anything, or the one that is asked for, if it does;
        said by their scopes, where these are few. It leaves out nothing that the views would show.

        To be made a condition of every page: it reads rows in an order until it is full, and would read all of an owner
        that gives nothing, or nearly nothing. The scopes stand in the statement itself: how many records they hold is
        what the planner decides by, also of a plan that is kept.
        """
        owners = sorted(self.owners & {owner} if owner is not None else self.owners)
        scopes = [scope for one in owners for scope in self.scopes.get(one, ())]
        if scopes and len(scopes) <= FEW and self.scopes.keys() >= set(owners):
            # not the owners besides: what scopes imply already, the planner would take to leave fewer records
            return of.c.scope_id == func.any(literal_column(f"'{{{','.join(map(str, scopes))}}}'::int[]"))
        return of.c.country.in_(owners)


_SCOPES = text("SELECT id, kind, groups, handling, agency FROM gate.scopes_for(CAST(:wanted AS jsonb))")
_HELD = text("SELECT gate.hold_records(CAST(:records AS uuid[]))")
_PRIVATE = text("SELECT gate.private_scopes_for(CAST(:wanted AS jsonb))")
_LACKING = text("SELECT gate.lacking_scopes(CAST(:records AS uuid[]))")
_SIBLINGS = text("SELECT gate.sibling_scopes(CAST(:wanted AS jsonb))")
_TERMS = text("""
SELECT t.number - 1 AS scope, t.mask, t.delay, t.duty, t.since, t.until
FROM unnest(gate.masks(), gate.delays(), gate.duties(), gate.windows_from(), gate.windows_until())
  WITH ORDINALITY AS t(mask, delay, duty, since, until, number)
WHERE t.mask <> 0 ORDER BY t.number
""")
_REACH = text("SELECT gate.reach(), gate.policy_version(), gate.giving(:most)")


async def scopes(session: AsyncSession, wanted: Iterable[Scope]) -> dict[Scope, int]:
    """The ids of scopes of the caller's own country; new ones are compiled for every context before they return."""
    document = orjson.dumps([scope._asdict() for scope in sorted(set(wanted))]).decode()
    rows = await session.execute(_SCOPES, {"wanted": document})
    return {Scope(row.kind, row.groups, row.handling, row.agency): row.id for row in rows}


async def hold(session: AsyncSession, records: Iterable[str]) -> set[str]:
    """Of records that the caller's agency filed, those that have scopes of their own. Nobody else gives one to any,
    or changes their rules, until the COMMIT.
    """
    return {str(record) for record in await session.scalar(_HELD, {"records": sorted(records)}) or ()}


async def private_scopes(session: AsyncSession, wanted: Iterable[tuple[str, int, str]]) -> None:
    """Scopes for versions to come of own records that have scopes of their own: each is a record, the scope that the
    version's labels have in general, and the end of its month. As `scopes`; beyond the country's ration none is made.
    """
    items = [{"record": record, "scope": scope, "month_end": month_end} for record, scope, month_end in wanted]
    await session.execute(_PRIVATE, {"wanted": orjson.dumps(items).decode()})


async def lacking(session: AsyncSession, records: Iterable[UUID]) -> list[dict[str, int]]:
    """What scopes are lacking for what laboratories found: each like another `scope`, with these `groups`. Reports that
    are to move there keep their rules, and their exhibits, until the COMMIT.
    """
    return await session.scalar(_LACKING, {"records": [str(record) for record in records]}) or []


async def siblings(session: AsyncSession, wanted: Iterable[dict[str, int]]) -> None:
    """The scopes that `lacking` names, of whichever country. As `private_scopes`."""
    await session.execute(_SIBLINGS, {"wanted": orjson.dumps(list(wanted)).decode()})


async def reach(session: AsyncSession) -> Reach:
    masks, version, giving = (await session.execute(_REACH, {"most": FEW})).one()
    return Reach.of(masks or [0] * len(LEVELS), version or "", giving)


async def terms(session: AsyncSession) -> dict[int, list[int | None]]:
    """How each scope that gives the reader anything does so: mask, delay, duties and window, equal as long as it gives
    the same.
    """
    return {row[0]: list(row[1:]) for row in await session.execute(_TERMS)}
