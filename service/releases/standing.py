"""How records stand that a caller holds copies of: recalled by their owner, retracted, corrected since, or gone.

For what is kept outside the exchange (exports, downloads): it is asked again later, for the ids and versions it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.notices.models import NOTICE
from service.releases.models import RECALL, RECIPIENT
from service.seizures.models import RECALLED, SHARED

State = Literal["current", "corrected", "retracted", "recalled", "withheld"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`withheld`: no longer shared with the caller, for a reason that it is not told; `owner` is None then. `recall`
    and what follows are of the recall, where there is one.
    """

    state: State
    owner: str | None = None
    recall: UUID | None = None
    reason: str | None = None
    at: datetime | None = None
    deadline: datetime | None = None


async def standings(session: AsyncSession, caller: Caller, held: Mapping[UUID, int]) -> dict[UUID, Standing]:
    """The standing now of every record of `held`, {id: version of the copy}. The session is one of the caller's."""
    recalls = await recalled(session, caller, held)
    wanted = func.any(bindparam("ids", list(held), ARRAY(Uuid)))
    columns = (SHARED.c.record_id, SHARED.c.version, SHARED.c.status, SHARED.c.country)
    shared = {row.record_id: row for row in await session.execute(select(*columns).where(SHARED.c.record_id == wanted))}

    def standing(id_: UUID, version: int) -> Standing:
        row = shared.get(id_)
        if id_ in recalls:
            return recalls[id_]
        if row is None:
            return Standing("withheld")
        if row.status == "retracted":
            return Standing("retracted", row.country)
        return Standing("current" if row.version == version else "corrected", row.country)

    return {id_: standing(id_, version) for id_, version in held.items()}


async def recalled(session: AsyncSession, caller: Caller, records: Mapping[UUID, int]) -> dict[UUID, Standing]:
    """Of these records those that their owner has recalled from the caller's agency, or that its own country has
    recalled; a recall that was lifted counts no more.
    """
    ids = bindparam("ids", list(records), ARRAY(Uuid))
    mine = (RECIPIENT.c.country == caller.country, RECIPIENT.c.agency == caller.agency)
    to_us = select(RECIPIENT).where(*mine, RECIPIENT.c.records.overlap(ids)).order_by(RECIPIENT.c.at)
    found: dict[UUID, Standing] = {}
    for row in await session.execute(to_us):
        found |= {
            id_: Standing("recalled", row.owner, row.recall_id, row.reason, row.at, row.deadline) for id_ in row.records
        }
    for recall, record in await _lifted(session, {one.recall for one in found.values() if one.recall is not None}):
        if record in found and found[record].recall == recall:
            del found[record]
    still = set(await session.scalars(select(RECALLED.c.record_id).where(RECALLED.c.record_id == func.any(ids))))
    ours = select(RECALL).where(RECALL.c.records.overlap(ids)).order_by(RECALL.c.at)
    for row in await session.execute(ours) if still else ():
        found |= {
            id_: Standing("recalled", row.owner, row.id, row.reason, row.at, row.deadline)
            for id_ in row.records
            if id_ in still
        }
    return {id_: one for id_, one in found.items() if id_ in records}


async def _lifted(session: AsyncSession, recalls: set[UUID]) -> list[tuple[UUID, UUID]]:
    """(recall, record) of what the caller's agency was told is recalled no more."""
    if not recalls:
        return []
    subjects = [f"/v1/recalls/{id_}" for id_ in recalls]
    lifted = (NOTICE.c.kind == "recall-lifted", NOTICE.c.subject.in_(subjects))
    rows = await session.execute(select(NOTICE.c.subject, NOTICE.c.facts).where(*lifted))
    return [(UUID(row.subject.rsplit("/", 1)[1]), UUID(row.facts["record"])) for row in rows]
