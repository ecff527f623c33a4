"""A witness hands in its cosignature."""

from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.models import AgencyKey, in_force
from service.ledger import cosignatures
from service.ledger.checkpoints import Checkpoint, origin_of
from service.ledger.models import Log
from service.problems import Problem
from service.signing import public_key
from service.witnesses.models import LogCosignature

# The newest one stays open however old it is: a log that does not grow has no other.
_ROOT = text(
    "SELECT root FROM core.log_checkpoint WHERE log = :log AND size = :size AND size >= coalesce("
    "(SELECT size FROM core.log_checkpoint WHERE log = :log AND at < now() - interval '10 minutes'"
    " ORDER BY size DESC LIMIT 1), 0)"
)


class CosignatureRefused(Problem):
    """The line is no cosignature of this checkpoint by a witness of your country."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def keep(session: AsyncSession, caller: Caller, log: Log, size: int, line: str, *, service_origin: str) -> str:
    """Keep the line, the first of each agency and checkpoint; the thumbprint of the key whose line is kept.

    (1) the log signed a checkpoint of that size, its newest at some moment of the last ten minutes; (2) the line names
    a witness of the caller's country; (3) its key is in force and made the line over that very checkpoint.
    Raises CosignatureRefused.
    """
    root = await session.scalar(_ROOT, {"log": log.value, "size": size})
    if root is None:
        raise CosignatureRefused(
            "expected the size of a checkpoint that was the log's newest within the last ten minutes", pointer="/size"
        )
    checkpoint = Checkpoint(origin_of(service_origin, log), size, bytes(root)).text()
    try:
        name = cosignatures.name_of(line)
    except ValueError as fault:
        raise CosignatureRefused(str(fault), pointer="/cosignature") from None
    reason = "expected the name of a witness of your country, which its agency's enrolled witness key makes"
    for key in await session.scalars(_witnesses(caller.country)):
        public, _ = public_key(key.public_jwk)
        if name != cosignatures.witness_name(service_origin, key.agency) or not isinstance(public, Ed25519PublicKey):
            continue
        try:
            cosignatures.verify(line, name, public, checkpoint)
        except ValueError as fault:
            reason = str(fault)
            continue
        given = {"log": log.value, "size": size, "agency": key.agency}
        kept = insert(LogCosignature).values(**given, kid=key.kid, line=line)
        await session.execute(kept.on_conflict_do_nothing())
        return str(await session.scalar(select(LogCosignature.kid).filter_by(**given)))
    raise CosignatureRefused(reason, pointer="/cosignature")


def _witnesses(country: str) -> Select[AgencyKey]:
    held = select(AgencyKey).where(func.left(AgencyKey.agency, 2) == country, AgencyKey.use == "witness")
    return held.where(in_force(func.now()))
