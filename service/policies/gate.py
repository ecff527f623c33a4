"""What the features ask of the gate: the ids of scopes, the reach of the reader, the version of its policies.

Enforcement is not here: it is row security and the masking views, which no code can skip.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.records.registry import HANDLING

LEVELS = ("instant", "day", "month", "undated", "point", "cell")


class Scope(NamedTuple):
    """All that a rule may test about a record, besides its owner, which the caller's context gives."""

    kind: str
    groups: int
    handling: int

    @classmethod
    def of(cls, kind: str, groups: int, handling: str) -> "Scope":
        return cls(kind, groups, HANDLING.index(handling))


@dataclass(frozen=True, slots=True)
class Reach:
    """What the reader's scopes give at each precision level (facet bits, 0 for none), and the policy version."""

    levels: dict[str, int]
    version: str


_SCOPES = text("SELECT id, kind, groups, handling FROM gate.scopes_for(CAST(:wanted AS jsonb))")
_REACH = text("SELECT gate.reach(), gate.policy_version()")


async def scopes(session: AsyncSession, wanted: Iterable[Scope]) -> dict[Scope, int]:
    """The ids of scopes of the caller's own country; new ones are compiled for every context before they return."""
    document = orjson.dumps([scope._asdict() for scope in sorted(set(wanted))]).decode()
    rows = await session.execute(_SCOPES, {"wanted": document})
    return {Scope(row.kind, row.groups, row.handling): row.id for row in rows}


async def reach(session: AsyncSession) -> Reach:
    masks, version = (await session.execute(_REACH)).one()
    return Reach(dict(zip(LEVELS, masks or [0] * len(LEVELS), strict=True)), version or "")
