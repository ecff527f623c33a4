"""How often one key may call, per worker: counted after its signature held, so nobody can spend another's
share.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.problems import Problem


class TooManyRequests(Problem):
    """This key has called too often."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def response_headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self.members["retry_after"])}


class Pace:
    """At most `per_minute` calls of each key in any minute."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def step(self, key_id: str) -> None:
        """Count one call. Raises TooManyRequests with the seconds to wait."""
        if self._limiter.hit(self._limit, key_id):
            return
        reset = self._limiter.get_window_stats(self._limit, key_id).reset_time
        wait = max(1, ceil(reset - time()))
        raise TooManyRequests(f"at most {self._limit.amount} requests a minute; wait {wait} s", retry_after=wait)


@lru_cache
def pace(per_minute: int) -> Pace:
    """This worker's counter."""
    return Pace(per_minute)
