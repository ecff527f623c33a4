"""Events that the reader sees reported twice: of the reports of one event one counts, the others are taken out again.

Which reports are of one event, and which of them counts for a reader, `shared.event_member` tells: by links that were
confirmed, among the reports that this reader sees. They are few, so they are taken out of the sums of the cube at the
end, seizures and persons alike; a question to the rows leaves them out from the beginning.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_REPEATED = text("SELECT record_id FROM shared.event_member WHERE NOT counted ORDER BY record_id")
_OWN = text("SELECT record_id FROM shared.own_event_member WHERE NOT counted ORDER BY record_id")


async def repeated(session: AsyncSession) -> list[UUID]:
    """The ids of visible reports whose event another visible report counts."""
    return list((await session.execute(_REPEATED)).scalars())


async def repeated_at_home(session: AsyncSession) -> list[UUID]:
    """The ids of the reader's country's own reports whose event another of its own counts, whatever others reported."""
    return list((await session.execute(_OWN)).scalars())
