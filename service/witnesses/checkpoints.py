"""Which checkpoint the witnesses are to cosign, and the newest that witnesses of many countries have cosigned."""

from http import HTTPStatus

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import Country
from service.ledger.models import Log
from service.ledger.proofs import latest_checkpoint
from service.problems import Problem

# Witnesses ask at different moments while the log grows every second: within a minute all are given the same one.
_DUE = text(
    "SELECT note FROM core.log_checkpoint WHERE log = :log AND at < date_trunc('minute', now())"
    " ORDER BY size DESC LIMIT 1"
)
# A line counts that was given before its key was revoked. The newest 10,000 are days of an honest quorum.
_IN_FORCE = "(k.revoked_at IS NULL OR k.revoked_at > c.at)"
_COSIGNED = text(
    "SELECT size FROM"
    " (SELECT size, kid, at FROM core.log_cosignature WHERE log = :log ORDER BY size DESC LIMIT 10000) c"
    f" JOIN core.agency_key k USING (kid) WHERE {_IN_FORCE}"
    " GROUP BY size HAVING count(DISTINCT left(k.agency, 2)) >= :countries ORDER BY size DESC LIMIT 1"
)
_LINES = text(
    "SELECT note, array_agg(line ORDER BY line) FROM core.log_checkpoint JOIN core.log_cosignature c USING (log, size)"
    f" JOIN core.agency_key k USING (kid) WHERE log = :log AND size = :size AND {_IN_FORCE} GROUP BY note"
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

    Only the newest 10,000 cosignatures of the log are looked at. Raises NotYetCosigned. Who is enough is for the
    reader's own policy to say.
    """
    enrolled = await session.scalar(select(func.count()).select_from(Country)) or 0
    if countries > enrolled:
        raise NotYetCosigned(f"the exchange has {enrolled} countries: {countries} cannot cosign")
    size = await session.scalar(_COSIGNED, {"log": log.value, "countries": countries})
    if size is None:
        raise NotYetCosigned(f"expected one that witnesses of {countries} countries cosigned: try again later")
    note, lines = (await session.execute(_LINES, {"log": log.value, "size": size})).one()
    return f"{note}{''.join(lines)}"
