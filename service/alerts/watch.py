"""Apply the rules in the eyes of each standing order, and keep what they find as candidates of its agency.

Nothing here sees more than one reader at a time: each order is looked at in a transaction of its own context, so a
candidate rests on nothing that its reader may not see. What is found is written by that reader too.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.alerts.beyond import Beyond
from service.alerts.dangerous import dangerous
from service.alerts.eyes import Eyes, order
from service.alerts.facts import among, matches, matches_of, seen
from service.alerts.models import CANDIDATE
from service.alerts.over import no_more_so
from service.alerts.past import Measured, compared, past
from service.alerts.rules import NEEDS, Candidate, candidates
from service.alerts.turn import alert_turn
from service.database import Database
from service.links.models import SHARED_LINK
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

# What rests on more than its record: shown under the policies under which it was found.
OUTLIER = "PURITY_OUTLIER"
COUNTED = frozenset({OUTLIER, "PROFILE_MATCH"})
AT_ONCE = 500  # records that are judged in one transaction
KEPT_AT_ONCE = 500  # candidates of one turn, for which everybody waits who writes candidates or issues alerts
_KEEP = text("SELECT gate.keep_candidates(CAST(:kept AS jsonb), CAST(:over AS uuid[]))")


async def look(
    database: Database,
    eyes: Eyes,
    id_: UUID,
    records: Sequence[UUID],
    catalogue: Catalogue,
    *,
    beyond: Beyond | None = None,
) -> int:
    """Judge records that were filed just now, or that a sweep came by (`beyond` which their past is), as far as this
    reader sees them, some at a time. How many candidates the rules named.
    """
    found = 0
    for place in range(0, len(records), AT_ONCE):
        found += await _look(database, eyes, id_, records[place:], catalogue, beyond=beyond)
    return found


async def _look(
    database: Database, eyes: Eyes, id_: UUID, left: Sequence[UUID], catalogue: Catalogue, *, beyond: Beyond | None
) -> int:
    """Judge the first of those that are left; those after them are not yet past."""
    async with eyes.reading(database) as (session, policy):
        ordered = await order(session, id_)
        if ordered is None:
            return 0
        widened = await known_to(session, catalogue)
        fresh = await seen(session, left[:AT_ONCE], widened)
        earlier = await past(session, fresh, left, widened)
        if beyond is not None:
            earlier = await beyond.past(session, earlier, widened)
        alike = await matches_of(session, fresh)
        named = (*candidates(fresh, earlier, dangerous(widened)), *alike)
        found = [candidate for candidate in named if wanted(ordered, candidate, widened)]
        found = await _with_owners(session, found, left, widened)
        over = await no_more_so(session, eyes.caller, found, widened)
    await keep(database, eyes, found, policy, over)
    if beyond is not None:
        beyond.judged(fresh)
    return len(found)


async def _with_owners(
    session: AsyncSession, found: Sequence[Candidate], fresh: Sequence[UUID], catalogue: Catalogue
) -> list[Candidate]:
    """With whose contents those that are unusual were compared."""
    owners = await compared(session, {_measured(one) for one in found if one.rule == OUTLIER}, catalogue, fresh)
    return [replace(one, owners=owners[_measured(one)]) if one.rule == OUTLIER else one for one in found]


def _measured(outlier: Candidate) -> Measured:
    return outlier.substance or "", outlier.facts["unit"], outlier.facts["basis"]


async def look_at_links(database: Database, eyes: Eyes, id_: UUID, links: Sequence[UUID], catalogue: Catalogue) -> int:
    """Judge links that were proposed just now: they are found beside filing, after the records were judged."""
    async with eyes.reading(database) as (session, policy):
        ordered = await order(session, id_)
        if ordered is None:
            return 0
        alike = await matches(session, among(SHARED_LINK.c.id, links))
    found = [candidate for candidate in alike if wanted(ordered, candidate, catalogue)]
    await keep(database, eyes, found, policy)
    return len(found)


def wanted(ordered: dict[str, Any], candidate: Candidate, catalogue: Catalogue) -> bool:
    """Whether the order asks for this rule, and for the group of this substance."""
    if ordered["rules"] is not None and candidate.rule not in ordered["rules"]:
        return False
    if ordered["groups"] is None or candidate.substance is None:
        return True
    return catalogue.get(candidate.substance) is not None and catalogue.group(candidate.substance) in ordered["groups"]


async def keep(
    database: Database, eyes: Eyes, found: Iterable[Candidate], policy: str, over: Collection[UUID] = ()
) -> None:
    """What was found before is left as it is, while it is shown. `over`: those kept before that are so no more."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for candidate in found:
        row = _row(eyes, candidate, policy)
        rows.setdefault((row["rule"], row["key"]), row)
    found_now = list(rows.values())
    for place in range(0, len(found_now), KEPT_AT_ONCE):
        async with eyes.writing(database) as session:
            if fresh := await _fresh(session, eyes, found_now[place : place + KEPT_AT_ONCE], over):
                await alert_turn(session)
                await session.execute(_KEEP, {"kept": orjson.dumps(fresh).decode(), "over": list(over)})


async def _fresh(
    session: AsyncSession, eyes: Eyes, rows: Sequence[dict[str, Any]], over: Collection[UUID]
) -> list[dict[str, Any]]:
    """Those that would not be left as they are: the others need no turn."""
    told, caller = CANDIDATE.c, eyes.caller
    query = select(told.rule, told.key).where(
        told.agency == caller.agency, told.purpose == caller.purpose, ~among(told.id, over),
        among(told.rule, {row["rule"] for row in rows}), among(told.key, {row["key"] for row in rows}),
    )  # fmt: skip
    kept = {(row.rule, row.key) for row in await session.execute(query)}
    return [row for row in rows if (row["rule"], row["key"]) not in kept]


def _row(eyes: Eyes, candidate: Candidate, policy: str) -> dict[str, Any]:
    counted = candidate.record_id is None or candidate.rule in COUNTED
    return {
        "id": uuid.uuid4(),
        "purpose": eyes.caller.purpose,
        "rule": candidate.rule,
        "key": f"{candidate.key}@{policy}" if counted else candidate.key,  # told anew when it is counted anew
        "substance": candidate.substance,
        "record_id": candidate.record_id,
        "needs": NEEDS.get(candidate.rule, 0),
        "policy": policy if counted else None,
        "owners": candidate.owners,
        "facts": candidate.facts,
    }
