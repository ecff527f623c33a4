"""Where the level of a series of counts changed. Pure.

Optimal partitioning (Jackson et al., IEEE Signal Processing Letters 12, 2005): of all ways to cut the series into
segments, the one with the least cost, where a segment costs its Poisson deviance and every cut costs a penalty of
3·ln(n), the leading term of the modified BIC (Zhang and Siegmund, Biometrics 63, 2007), times the dispersion of the
series, so that counts that come in bunches are not taken for changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

SHORTEST = 3  # periods in a segment
FEWEST = 8  # periods of a series that is looked at
MOST_PERIODS = 1_000  # of a series
METHOD = (
    "optimal partitioning of Poisson counts (Jackson et al. 2005), penalty 3·ln(n) per change (Zhang and Siegmund "
    "2007) times the dispersion of successive differences; segments of at least 3 periods"
)


@dataclass(frozen=True, slots=True)
class Change:
    """The level is another from period `at` (an index) on. `gain` is how far the change lies above the threshold,
    as a multiple of it.
    """

    at: int
    before: float
    after: float
    gain: float


def dispersion(counts: Sequence[int]) -> float:
    """How much more successive counts differ than Poisson counts of one level would; at least 1."""
    pairs = [(a - b) ** 2 / (a + b) for a, b in pairwise(counts) if a + b]
    return max(1.0, sum(pairs) / len(pairs)) if pairs else 1.0


def changes(counts: Sequence[int]) -> list[Change]:
    """Nothing for a series of fewer than 8 periods. Raises ValueError beyond 1,000."""
    n = len(counts)
    if n > MOST_PERIODS:
        raise ValueError("too long a series")
    if n < FEWEST:
        return []
    sums = [0]
    for count in counts:
        sums.append(sums[-1] + count)
    threshold = 3 * log(n) * dispersion(counts)
    cuts = _cuts(sums, threshold)
    edges = [0, *cuts, n]
    found = []
    for start, cut, end in zip(edges, cuts, edges[2:], strict=False):
        saved = _cost(sums, start, end) - _cost(sums, start, cut) - _cost(sums, cut, end)
        before, after = (sums[cut] - sums[start]) / (cut - start), (sums[end] - sums[cut]) / (end - cut)
        found.append(Change(cut, before, after, saved / threshold))
    return found


def _cost(sums: Sequence[int], start: int, end: int) -> float:
    """-2·(maximal log-likelihood) of one Poisson level, but for what every partition has in common."""
    total = sums[end] - sums[start]
    return -2 * total * log(total / (end - start)) if total else 0.0


def _cuts(sums: Sequence[int], threshold: float) -> list[int]:
    """The indexes at which segments begin, but for the first."""
    n = len(sums) - 1
    best = [-threshold] + [float("inf")] * n
    last = [0] * (n + 1)
    for end in range(SHORTEST, n + 1):
        for start in (0, *range(SHORTEST, end - SHORTEST + 1)):
            cost = best[start] + _cost(sums, start, end) + threshold
            if cost < best[end]:
                best[end], last[end] = cost, start
    cuts, at = [], n
    while at > 0:
        at = last[at]
        if at:
            cuts.append(at)
    return cuts[::-1]
