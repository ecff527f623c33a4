"""What a submission takes from the running application."""

from datetime import UTC, datetime
from typing import Any

from service.identity.caller import Caller
from service.ledger.checkpoints import origin_of
from service.ledger.models import Log
from service.seizures.submit import Filing


def filing_for(state: Any, caller: Caller) -> Filing:
    """`state` is the application's: settings, reference data, scope ids and service key."""
    return Filing(
        caller=caller,
        now=datetime.now(UTC),
        reference=state.reference,
        scope_ids=state.scope_ids,
        norms=state.norms,
        service_key=state.service_key(),
        log_origin=origin_of(state.settings.origin, Log.RECORDS),
        merge_delay=state.settings.merge_delay_seconds,
    )
