"""Exhibits find their analyses: what happens in the transaction in which reports and analyses are filed.

Whichever comes first waits (`core.exhibit_link`, `core.report_line.exhibit`); the database compares them, because it
alone may change a line, and does so for whole batches at once. The rules:
`decisions/0013-four-eyes-and-links.md`.

Who files exhibits of a country, or results of a country's laboratory on them, waits from here to the COMMIT of another
who does. For 50,000 lines that change that is 3 to 7 s of linking on two busy cores, and as long again to tell of them;
who has waited for 10 s is refused, and files again. Portions would not shorten it: a batch is one transaction, and its
locks end with it. Other countries do not wait.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from service.analyses.waiting import HELD
from service.notices.notify import Notice, notify_all
from service.seizures.row import Fresh
from service.seizures.scopes import ScopeIds

_RECORDS = bindparam("records", type_=ARRAY(Uuid))
_LINK = text("SELECT record_id, line, agency, status, substance FROM gate.link_exhibits(:records)").bindparams(_RECORDS)
_HELD = union(*(select(HELD).where(side == func.any(_RECORDS)) for side in (HELD.c.record_id, HELD.c.analysis_id)))
_FOUND_AS = text("SELECT unnest(gate.found_as(:code))")


async def follow(session: AsyncSession, scope_ids: ScopeIds, filed: Sequence[Fresh]) -> list[UUID]:
    """Bring the lines that these records touch up to date with what laboratories say, and tell whose they are.

    Answers with the reports of which a line has changed.
    """
    return await _update(session, scope_ids, [entry.record for entry in filed if entry.exhibits])


async def follow_unknown(session: AsyncSession, scope_ids: ScopeIds, code: str) -> list[UUID]:
    """The same for the analyses of the caller's country that found this unknown, once more is known of it."""
    return await _update(session, scope_ids, list(await session.scalars(_FOUND_AS, {"code": code})))


async def _update(session: AsyncSession, scope_ids: ScopeIds, records: list[UUID]) -> list[UUID]:
    if not records:
        return []
    await scope_ids.regroup(session, records)
    lines = (await session.execute(_LINK, {"records": records})).all()
    told = [
        Notice(
            changed.agency,
            "result-changed",
            f"/v1/seizures/{changed.record_id}",
            {"line": changed.line, "status": changed.status, "substance": changed.substance},
        )
        for changed in lines
    ]
    # a result that its rules keep off a line changes nothing there: the agency is told that it waits, and for what
    told += [
        Notice(
            held.agency,
            "result-waits",
            f"/v1/seizures/{held.record_id}",
            {"line": held.line, "analysis": str(held.analysis_id), "reason": held.reason},
        )
        for held in (await session.execute(_HELD.order_by("record_id", "line"), {"records": records})).all()
    ]
    await notify_all(session, told)
    return list(dict.fromkeys(changed.record_id for changed in lines))
