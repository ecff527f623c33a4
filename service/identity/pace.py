"""How much one key, and one country, may ask of a worker: counted after the signature held, so nobody can spend
another's share, and no agency with many keys can crowd the others out.
"""

from functools import lru_cache
from http import HTTPStatus
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from service.problems import Problem
from service.settings import Settings


class TooManyRequests(Problem):
    """This key, or its country, has called or sent too much."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Pace:
    """At most so many `what` of each key, and of all keys of a country, in any minute."""

    def __init__(self, what: str, *, key: int, country: int) -> None:
        self._what = what
        self._limits = (RateLimitItemPerMinute(key), RateLimitItemPerMinute(country))
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def step(self, key_id: str, country: str, amount: int = 1) -> None:
        """Count `amount` for the key and its country. Raises TooManyRequests with the seconds to wait."""
        for limit, name, whose in zip(self._limits, (key_id, country), ("", " of your country"), strict=True):
            if await self._limiter.hit(limit, name, cost=amount):
                continue
            window = await self._limiter.get_window_stats(limit, name)
            wait = max(1, ceil(window.reset_time - time()))
            detail = f"at most {limit.amount} {self._what}{whose} a minute; wait {wait} s"
            raise TooManyRequests(detail, retry_after=wait)


@lru_cache
def calls(settings: Settings) -> Pace:
    """This worker's counter of requests."""
    return Pace("requests", key=settings.requests_per_minute, country=settings.country_requests_per_minute)


@lru_cache
def volume(settings: Settings) -> Pace:
    """This worker's counter of bytes received."""
    return Pace("bytes", key=settings.bytes_per_minute, country=settings.country_bytes_per_minute)
