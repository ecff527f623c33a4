"""The owner's hand on its own records: whose they are, who may act, and one act at a time on each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.locks import Seed
from service.problems import NotFound
from service.releases.refusals import NotTheFilingAgency, OfficerRequired
from service.seizures.models import OWN

# Rules of a record are read, changed and compiled anew as a whole; two at once would undo each other.
_TURN = text(
    f"""SELECT pg_advisory_xact_lock(hashtextextended(CAST(r AS text), {Seed.RECORD_RULES.value}))
    FROM unnest(CAST(:records AS uuid[])) AS r ORDER BY r"""
)
FILERS = frozenset({"reporter", "laboratory"})


@dataclass(frozen=True, slots=True)
class Owned:
    """One own record, and the agency that filed it."""

    id: UUID
    agency: str


async def own_records(session: AsyncSession, ids: Collection[UUID], pointer: str | None = None) -> list[Owned]:
    """The caller's own records of these ids. Raises NotFound where one is missing."""
    wanted = func.any(bindparam("ids", list(ids), ARRAY(Uuid)))
    query = select(OWN.c.record_id, OWN.c.agency).where(OWN.c.record_id == wanted, OWN.c.latest)
    found = {row.record_id: Owned(row.record_id, row.agency) for row in await session.execute(query)}
    for place, id_ in enumerate(ids):
        if id_ not in found:
            where: dict[str, Any] = {} if pointer is None else {"pointer": f"{pointer}/{place}"}
            raise NotFound("your country has no such record", **where)
    return [found[id_] for id_ in ids]


async def held(session: AsyncSession, ids: Collection[UUID], pointer: str | None = None) -> list[Owned]:
    """As `own_records`, and nobody else changes the rules of these records until the COMMIT."""
    await session.execute(_TURN, {"records": sorted(ids)})
    return await own_records(session, ids, pointer)


def may_widen(caller: Caller) -> None:
    """Raises OfficerRequired."""
    if "policy_officer" not in caller.roles:
        raise OfficerRequired("sign with the key of a policy officer of your country", expected="policy_officer")


def may_narrow(caller: Caller, records: Iterable[Owned]) -> None:
    """Raises NotTheFilingAgency."""
    if "policy_officer" in caller.roles:
        return
    if not FILERS & caller.roles or any(record.agency != caller.agency for record in records):
        raise NotTheFilingAgency("sign with a filing key of the agency whose record it is, or as a policy officer")
