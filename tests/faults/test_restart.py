"""The service is told to end, or is ended, in the middle of a long batch, and started again."""

import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.exchange import Exchange
from tests.faults.books import balanced, check_receipts
from tests.faults.sending import Sending
from tests.faults.test_kill import Batch
from tests.seizures.wiring import Agency, statuses

pytestmark = pytest.mark.xdist_group("faults")
THOROUGH = "SARHAD_THOROUGH" in os.environ
LINES = 50_000 if THOROUGH else 1_500


def told_to_end(service: Exchange, sending: Sending) -> None:
    """As `systemctl restart` does: what is under way has half a minute."""
    os.killpg(service.process.pid, signal.SIGTERM)
    service.process.wait(60)
    sending.join()


def ended(service: Exchange, sending: Sending) -> None:
    """Every process of it at once."""
    os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait(60)
    sending.join()


@pytest.mark.parametrize("end", [told_to_end, ended] if THOROUGH else [ended])
def test_a_restart_in_a_long_batch_loses_nothing_that_was_acknowledged(
    fragile: Exchange, end: Callable[[Exchange, Sending], None]
) -> None:
    first = Exchange.start(fragile.settings, fragile.region, workers=1)
    try:
        batch = Batch(first, "KZ-CUS", LINES)
        sending = batch.send_until(LINES // 3)
        assert not sending.ended, "the moment was too late"
        end(first, sending)
    finally:
        first.stop()
    second = Exchange.start(fragile.settings, fragile.region, workers=1)
    try:
        before = balanced(second.settings)
        there = [reference for reference in batch.references if reference in before.receipts]
        if sending.verdicts is not None:
            check_receipts(before, batch.references, sending.verdicts)
        else:
            assert len(there) in {0, LINES}
        batch.agency = Agency(second, "KZ-CUS")
        again = Sending(second.settings.origin, batch.wire())
        again.run()
        assert again.verdicts is not None
        assert Counter(statuses(again.verdicts)) == Counter({201: LINES - len(there), 200: len(there)})
        after = balanced(second.settings)
        check_receipts(after, batch.references, again.verdicts)
        assert before.receipts.items() <= after.receipts.items()
    finally:
        second.stop()
