"""How much of the governance log one country's acts of a day may fill, where nothing else bounds what it says."""

from http import HTTPStatus

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.models import GovernanceEvent
from service.locks import Turn
from service.problems import Problem


class TooManyActs(Problem):
    """Your country's acts of a day fill as much of the governance log as they may with words on links and alerts."""

    status = HTTPStatus.TOO_MANY_REQUESTS


async def step(session: AsyncSession, country: str, most: int) -> None:
    """Before an act that may be repeated without end. All acts of the caller's country count, whatever they are; one
    that protects (a suspension, a recall, a block) asks nothing here. Raises TooManyActs with the seconds to wait.
    """
    await quota.turn(session, Turn.ACTS, country)
    acts = select(GovernanceEvent.at).where(GovernanceEvent.country == country).subquery()
    await quota.check(session, acts.c.at, most, quota.DAY, TooManyActs)
