"""Which checkpoint the witnesses are to cosign, and the newest that witnesses of many countries have cosigned."""

from http import HTTPStatus

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.ledger.models import Log
from service.ledger.proofs import latest_checkpoint
from service.problems import Problem

# Witnesses ask at different moments while the log grows every second: within a minute all are given the same one.
_DUE = text(
    "SELECT note FROM core.log_checkpoint WHERE log = :log AND at < date_trunc('minute', now())"
    " ORDER BY size DESC LIMIT 1"
)
_COSIGNED = text(
    "SELECT size FROM core.log_cosignature JOIN core.agency_key USING (kid) WHERE log = :log"
    " GROUP BY size HAVING count(DISTINCT left(agency, 2)) >= :countries ORDER BY size DESC LIMIT 1"
)
_LINES = text(
    "SELECT note, array_agg(line ORDER BY line) FROM core.log_checkpoint JOIN core.log_cosignature USING (log, size)"
    " WHERE log = :log AND size = :size GROUP BY note"
)


class NotYetCosigned(Problem):
    """No checkpoint of this log is cosigned by witnesses of that many countries."""

    status = HTTPStatus.NOT_FOUND


async def due(session: AsyncSession, log: Log) -> str:
    """The note that witnesses are to cosign now: the newest from before this minute, else the newest of all.

    Raises LogNotStarted.
    """
    note = await session.scalar(_DUE, {"log": log.value})
    return str(note) if note is not None else (await latest_checkpoint(session, log))[1]


async def cosigned(session: AsyncSession, log: Log, countries: int) -> str:
    """The newest note cosigned in that many countries, all its cosignatures below the log's own line.

    Raises NotYetCosigned. Who is enough is for the reader's own policy to say.
    """
    size = await session.scalar(_COSIGNED, {"log": log.value, "countries": countries})
    if size is None:
        raise NotYetCosigned(f"expected one that witnesses of {countries} countries cosigned: try again later")
    note, lines = (await session.execute(_LINES, {"log": log.value, "size": size})).one()
    return f"{note}{''.join(lines)}"
