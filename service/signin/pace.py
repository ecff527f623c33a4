"""How often anybody may try to sign in: nobody is known yet, so a worker counts all together."""

from functools import lru_cache

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from service.identity.pace import TooManyRequests

PER_MINUTE = 600
_LIMIT = RateLimitItemPerMinute(PER_MINUTE)


@lru_cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())


async def step() -> None:
    """Raises TooManyRequests."""
    if not await _limiter().hit(_LIMIT, "sign-in"):
        raise TooManyRequests(f"at most {PER_MINUTE} attempts to sign in a minute", retry_after=10)
