"""How often a country may change what its policies give: each change is compiled for every reader, or ends what readers
have open, and all wait for one lock of the gate.

Each approval and each lifting counts. A suspension is never refused; what is suspended stays so until it is lifted.
"""

from http import HTTPStatus

from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.locks import Turn
from service.policies.models import OWN_SUSPENSION, OwnPolicy
from service.problems import Problem


class TooManyPolicyChanges(Problem):
    """Your country has changed what it shares as often as it may in an hour; to suspend sharing is always possible."""

    status = HTTPStatus.TOO_MANY_REQUESTS


async def step(session: AsyncSession, country: str, most: int) -> None:
    """Before a change of the caller's country. Raises TooManyPolicyChanges with the seconds to wait."""
    await quota.turn(session, Turn.POLICY_CHANGES, country)
    approved = select(OwnPolicy.decided_at.label("at")).where(
        OwnPolicy.country == country, OwnPolicy.decision == "approved"
    )
    lifted = select(OWN_SUSPENSION.c.lifted_at).where(OWN_SUSPENSION.c.owner == country)
    changes = union_all(approved, lifted).subquery()
    await quota.check(session, changes.c.at, most, quota.HOUR, TooManyPolicyChanges)
