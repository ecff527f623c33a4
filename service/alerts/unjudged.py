"""What was filed and linked, until the rules have looked at it: it waits in a table for each country that watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from service.database import Database

AT_ONCE = 500  # records of one country that files; then it is the next one's turn
_TAKE = text("SELECT id, records, links, looked FROM gate.take_unjudged(:reader, :most, :again)")
_JUDGED = text("SELECT gate.judged(CAST(:entries AS bigint[]))")
_LOOKED = text("SELECT gate.looked(CAST(:entries AS bigint[]), CAST(:orders AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries that are judged together. `looked`: the orders that need not look again."""

    entries: Sequence[int]
    records: Sequence[UUID]
    links: Sequence[UUID]
    looked: frozenset[UUID] = frozenset()


async def take(database: Database, reader: str, *, again: bool = True) -> Taken | None:
    """What is to be judged next in the eyes of one country; None where nothing is due.

    What is not settled stays. If `again`, it is taken again after 1, 4, 16 and 64 minutes, behind everything that was
    never taken, and one entry at a time, so that one that cannot be judged spoils no other; five times in all, and
    within a day, when the daily sweep has looked.
    """
    given = {"reader": reader, "most": AT_ONCE, "again": again}
    async with database.writing() as session:
        rows = sorted((await session.execute(_TAKE, given)).all(), key=lambda row: row.id)
    if not rows:
        return None
    return Taken(
        entries=[row.id for row in rows],
        records=[record for row in rows for record in row.records],
        links=[link for row in rows for link in row.links],
        looked=frozenset.intersection(*(frozenset(row.looked) for row in rows)),
    )


async def settle(database: Database, taken: Taken) -> None:
    """They were judged in the eyes of every order of the country."""
    async with database.writing() as session:
        await session.execute(_JUDGED, {"entries": list(taken.entries)})


async def keep_for_others(database: Database, taken: Taken, looked: Sequence[UUID]) -> None:
    """These orders have looked, and others could not."""
    async with database.writing() as session:
        await session.execute(_LOOKED, {"entries": list(taken.entries), "orders": list(looked)})
