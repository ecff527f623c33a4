"""Every act upon the registry leaves a leaf in the governance log, in the transaction of the act."""

import hashlib
import json
from datetime import UTC, datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.models import GovernanceEvent
from service.ledger.append import PendingLeaf, append
from service.ledger.models import Log

OPERATOR = "operator"  # who acted, when no officer's key did: the operator, with `sarhad admin`


async def record(session: AsyncSession, country: str | None, act: str, **facts: object) -> PendingLeaf:
    """Commit to one act and keep its opening: SHA-256 of the canonical document is the digest of the leaf.

    `facts` are JSON values without floating-point numbers; None is left out.
    """
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    event = {"act": act, "at": at, "country": country, **facts}
    document = canonical({name: value for name, value in event.items() if value is not None})
    digest = hashlib.sha256(document.encode()).digest()
    leaf = await append(session, Log.GOVERNANCE, digest, subject=act)
    await session.execute(
        insert(GovernanceEvent).values(leaf_hash=leaf.leaf_hash, country=country, document=document, salt=leaf.salt)
    )
    return leaf


def canonical(event: object) -> str:
    """RFC 8785 for values without floating-point numbers and with ASCII member names."""
    return json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
