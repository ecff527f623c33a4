"""Wait for what another process does: ask, pause, ask again. Asked without a pause it has no time to do it."""

import time
from collections.abc import Callable
from typing import TypeVar

from sarhad import ProblemError

PAUSE = 0.05  # seconds
T = TypeVar("T")


def eventually(found: Callable[[], T], seconds: float = 120) -> T:
    """What a question answers, once it answers with something. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(PAUSE)
    raise AssertionError(f"nothing came within {seconds} s")


def once_merged(proof: Callable[[], T], seconds: float) -> T:
    """A proof, once the log has merged the leaf: within the `seconds` that a receipt promises."""

    def merged() -> T | None:
        try:
            return proof()
        except ProblemError as refused:
            if refused.kind not in ("leaf-not-yet-merged", "log-not-started"):
                raise
            return None

    return eventually(merged, seconds)  # type: ignore[return-value]
