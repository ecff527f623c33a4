"""Who reported, who said that there was nothing, and who shares nothing: three different silences.

All of it is told from disclosed rows and from the rules in force; how much is withheld is told by none of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.gate import Reach
from service.trends.question import Trend

_KINDS = """
SELECT owner, kind, month_end FROM (
  SELECT owner, kind, month_end, events FROM shared.cube_kind
  UNION ALL SELECT owner, kind, month_end, events FROM shared.cube_fresh WHERE entry = 'e'
) k WHERE kind IN ('seizure', 'zero') {0} GROUP BY owner, kind, month_end HAVING sum(events) <> 0
"""
_SHARERS = text(
    "SELECT code, code = ANY (sharers) AS shares FROM core.country, gate.sharers() AS sharers WHERE status = 'member'"
)


@dataclass
class Silence:
    """Months ("2025-03") of one owner: with seizures, and with a report of none."""

    reported: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)


async def coverage(session: AsyncSession, question: Trend, reach: Reach) -> dict[str, Any]:
    """The state of every member in the months of the question."""
    owners: dict[str, Silence] = {}
    if any(reach.levels[level] for level in ("instant", "day", "month")):
        conditions, values = _period(question)
        for row in await session.execute(text(_KINDS.format(conditions)), values):
            silence = owners.setdefault(row.owner, Silence())
            (silence.reported if row.kind == "seizure" else silence.zero).append(f"{row.month_end:%Y-%m}")
    members = {row.code: row.shares for row in await session.execute(_SHARERS)}
    sharers = {code for code, shares in members.items() if shares}
    return document(owners, sharers, members, question.owner)


def document(
    owners: dict[str, Silence], sharers: set[str], members: Iterable[str], asked: str | None
) -> dict[str, Any]:
    """Pure: months as ranges, per owner; whoever shares nothing with the reader is named as such and nothing else."""
    found = []
    for owner in sorted({*members, *owners} if asked is None else {asked}):
        silence = owners.get(owner, Silence())
        reported = sorted(silence.reported)
        found.append(
            {
                "owner": owner,
                "shares": owner in sharers or owner in owners,
                "reported": ranges(reported),
                "zero": ranges(sorted(set(silence.zero) - set(reported))),
            }
        )
    return {
        "owners": found,
        "reading": {
            "reported": "months with seizures shared with you",
            "zero": "months in which the country reported that there were none",
            "neither": "of a country that shares with you: it has not reported, or not yet for you",
            "shares": "false: its rules give you nothing for this purpose, so its silence says nothing",
        },
    }


def ranges(months: list[str]) -> list[list[str]]:
    """Sorted months as [first, last] of each unbroken run."""
    found: list[list[str]] = []
    for month in months:
        if found and _next(found[-1][1]) == month:
            found[-1][1] = month
        else:
            found.append([month, month])
    return found


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"


def _period(question: Trend) -> tuple[str, dict[str, date]]:
    conditions, values = "", {}
    if question.since is not None:
        conditions += " AND month_end >= :since"
        values["since"] = question.since
    if question.until is not None:
        conditions += " AND month_end < (date_trunc('month', CAST(:until AS date) - 1) + interval '1 month')::date"
        values["until"] = question.until
    if question.owner is not None:
        conditions += " AND owner = :owner"
        values["owner"] = question.owner  # type: ignore[assignment]
    return conditions, values
