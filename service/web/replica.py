"""A reading on a streaming replica, where it proves what it reads; else the leader answers, and no reader notices.

The token that the leader minted names what the gate had compiled for its reader, and the gate on a replica opens only
where it holds the very same. When that was, and how far the replica is, is measured by the leader's clock.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database, Word
from service.web.metrics import REPLICA

PROVEN_WITHIN = 1.0  # seconds from the leader's word to the snapshot that the question is asked in
_AWAY = 5.0  # seconds for which a replica that failed is left alone
_PROOF = text(
    "SELECT gate.policy_version(), gate.as_of(), clock_timestamp() FROM set_config('sarhad.context', :token, true)"
)

_log = structlog.get_logger("sarhad.replica")


class Proof(NamedTuple):
    """What a replica's snapshot shows: the policies of the token, where it holds them; how far it is; its clock."""

    policy: str | None
    as_of: datetime | None
    at: datetime

    def answers(self, word: Word, staleness: float) -> datetime | None:
        """As of when; None where it may not answer. A clock that is ahead would end delays that a policy sets too
        early.
        """
        if self.policy is None or self.as_of is None or word.age > PROVEN_WITHIN:
            return None
        now = word.at + timedelta(seconds=word.age)
        behind, ahead = (now - self.as_of).total_seconds(), (self.at - now).total_seconds()
        return self.as_of if behind <= staleness and abs(ahead) <= PROVEN_WITHIN else None


class Opened(NamedTuple):
    session: AsyncSession
    proof: Proof


class Replica:
    """One for each worker."""

    def __init__(self, database: Database, staleness: float) -> None:
        self._database, self._staleness = database, staleness
        self._away_until = 0.0
        self._holders: set[asyncio.Task[None]] = set()

    async def open(self, word: Word, until: AsyncExitStack) -> tuple[AsyncSession, datetime] | None:
        """A session that may answer, until the stack ends, and as of when; None where the leader is to answer."""
        if monotonic() < self._away_until or word.age > PROVEN_WITHIN:
            return None
        opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        released = asyncio.Event()
        # A task of its own: one that hangs is left behind, for it cannot be cancelled before its server answers.
        holder = asyncio.create_task(self._hold(word.token, opened, released))
        self._holders.add(holder)
        holder.add_done_callback(self._ended)
        as_of = None
        try:
            either: set[asyncio.Future[Any]] = {opened, holder}
            await asyncio.wait(either, timeout=PROVEN_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if not opened.done():
                self._leave_alone("lost" if holder.done() else "slow")
                return None
            session, proof = opened.result()
            as_of = proof.answers(word, self._staleness)
        finally:
            if as_of is None:
                released.set()
        REPLICA.labels("behind" if as_of is None else "answers").inc()
        if as_of is None:
            return None
        until.push_async_callback(_end, holder, released)
        return session, as_of

    async def _hold(self, token: str, opened: "asyncio.Future[Opened]", released: asyncio.Event) -> None:
        async with self._database.replicated() as session:
            row = (await session.execute(_PROOF, {"token": token})).one()
            opened.set_result(Opened(session, Proof(*row)))
            await released.wait()

    def _leave_alone(self, why: str) -> None:
        self._away_until = monotonic() + _AWAY
        REPLICA.labels(why).inc()
        _log.warning("the leader answers for the replica", replica=why, seconds=_AWAY)

    def _ended(self, holder: asyncio.Task[None]) -> None:
        self._holders.discard(holder)
        if not holder.cancelled():
            holder.exception()  # it was told where it mattered


async def _end(holder: asyncio.Task[None], released: asyncio.Event) -> None:
    released.set()
    await holder
