"""Candidates whose records say no more what they were kept for: corrected or retracted since. It may be told anew.

Those that are not shown any more, as what was recalled, are not sought here: whoever keeps the next one finds them.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.facts import among, seen
from service.alerts.models import CANDIDATE
from service.alerts.rules import FIRSTS, Candidate, Past, Rule, candidates
from service.identity.caller import Caller
from service.substances.catalogue import Catalogue

ONCE: frozenset[Rule] = FIRSTS | {"NEW_LOGO"}  # said of one record, however many bear it


async def no_more_so(
    session: AsyncSession, caller: Caller, found: Iterable[Candidate], catalogue: Catalogue
) -> list[UUID]:
    """Of the candidates that the agency was told of the same as these, those whose records do not say it any more."""
    of = {(one.rule, one.key): one.record_id for one in found if one.rule in ONCE}
    told = CANDIDATE.c
    query = select(told.id, told.rule, told.key, told.record_id).where(
        told.purpose == caller.purpose, among(told.rule, ONCE), among(told.key, {key for _, key in of})
    )
    rows = (await session.execute(query)).mappings().all() if of else []
    others = [row for row in rows if str(row["record_id"]) != of.get((row["rule"], row["key"]))]
    return await unsaid(session, others, catalogue)


async def unsaid(session: AsyncSession, told: Collection[RowMapping], catalogue: Catalogue) -> list[UUID]:
    """Of candidates of these rules as rows (`id`, `rule`, `key`, `record_id`) those that their records do not bear out
    as this reader sees them now.
    """
    said = {
        (UUID(record.record_id), one.rule, one.key)
        for record in await seen(session, [row["record_id"] for row in told], catalogue)
        for one in candidates([record], Past(), {})
    }
    return [row["id"] for row in told if (row["record_id"], row["rule"], row["key"]) not in said]
