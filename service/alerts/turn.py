"""Who writes candidates or issues alerts does so one after the other."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_TURN = text("SELECT gate.alert_turn()")


async def alert_turn(session: AsyncSession) -> None:
    """From here to the COMMIT nobody else does: a reader that goes on from a time misses none."""
    await session.execute(_TURN)
