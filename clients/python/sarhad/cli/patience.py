"""What a log promises takes seconds: a proof is asked for again until it is there, as long as was promised."""

import time
from collections.abc import Callable
from typing import Any

from sarhad.errors import ProblemError

GRACE = 5.0  # seconds beyond the delay that the service promises
_NOT_YET = frozenset({"leaf-not-yet-merged", "log-not-started"})
_PAUSE = 0.5  # seconds between two questions


def once_merged(ask: Callable[[], dict[str, Any]], until: float) -> dict[str, Any]:
    """The proof that `ask` gets, waited for until `until` (of the monotonic clock); then raises ProblemError, as it
    does at once for every other refusal.
    """
    while True:
        try:
            return ask()
        except ProblemError as problem:
            if problem.kind not in _NOT_YET or time.monotonic() > until:
                raise
        time.sleep(_PAUSE)
