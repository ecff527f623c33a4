"""What a submission takes from the running application."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.identity.caller import Caller
from service.ledger.checkpoints import origin_of
from service.ledger.models import Log
from service.seizures.harmonise import Reference
from service.seizures.kinds import Beside, Follow, Kind
from service.seizures.norms import Norms
from service.seizures.scopes import ScopeIds
from service.signing import ServiceKey


@dataclass(frozen=True, slots=True)
class Filing:
    """What submission needs besides the session: who files, when, and the reference data.

    `kinds` are those that are judged by others than this module, `beside` what is written with records, `follow` what
    is done when all of a transaction are filed, `accepts` the kinds that this route takes (None for all).
    """

    caller: Caller
    now: datetime
    reference: Reference
    scope_ids: ScopeIds
    norms: Norms
    service_key: ServiceKey
    log_origin: str
    merge_delay: int
    kinds: Mapping[str, Kind]
    beside: Beside
    follow: Follow
    accepts: frozenset[str] | None = None


def filing_for(state: Any, caller: Caller, accepts: frozenset[str] | None = None) -> Filing:
    """`state` is the application's: settings, reference data, scope ids, service key, kinds of record."""
    return Filing(
        caller=caller,
        now=datetime.now(UTC),
        reference=state.reference,
        scope_ids=state.scope_ids,
        norms=state.norms,
        service_key=state.service_key(),
        log_origin=origin_of(state.settings.origin, Log.RECORDS),
        merge_delay=state.settings.merge_delay_seconds,
        kinds=state.kinds,
        beside=state.beside,
        follow=state.follow,
        accepts=accepts,
    )
