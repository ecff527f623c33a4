"""How much a sample says of the whole: the hypergeometric rule of UNODC ST/NAR/38 (with ENFSI, 2009). Pure.

Of N units K or more are claimed positive, K = ⌈pN⌉. If only K − 1 were, a sample of n without replacement would still
show x positives or more with probability P(X ≥ x), X hypergeometric (N, K − 1, n). The confidence in the claim is
1 − P(X ≥ x). For N = 12, p = 0.9 and 9 of 9 positive: K = 11, P = C(10,9)/C(12,9) = 10/220, confidence 0.9545.
"""

from fractions import Fraction
from math import ceil, exp, floor, log
from typing import Final

RULE: Final = "sampling-hypergeometric/ST-NAR-38"
LARGEST_SAMPLE: Final = 10_000  # units examined under a claim: bounds the work, and no laboratory examines more
_ROUNDING = 1e-9


def confidence(population: int, sampled: int, positive: int, proportion: Fraction) -> float:
    """Between 0 and 1. `positive` ≤ `sampled` ≤ `population`, `sampled` ≤ LARGEST_SAMPLE."""
    fewest = ceil(proportion * population)
    if fewest <= positive:
        return 1.0  # seen with one's own eyes
    if population - (sampled - positive) < fewest:
        return 0.0  # more negatives were seen than the claim allows
    return max(0.0, 1.0 - _tail(population, fewest - 1, sampled, positive))


def _tail(population: int, marked: int, sampled: int, least: int) -> float:
    """P(X ≥ least), X hypergeometric: from the largest possible X downwards, term by term."""
    most, lowest = min(sampled, marked), max(least, sampled - (population - marked))
    if least > most:
        return 0.0
    # the largest term: all of the smaller set lies in the other
    among, of = (marked, sampled) if sampled <= marked else (sampled, marked)
    term = sum(log(among - i) - log(population - i) for i in range(of))
    total = exp(term)
    for x in range(most, lowest, -1):
        term += log(x) + log(population - marked - sampled + x) - log(marked - x + 1) - log(sampled - x + 1)
        total += exp(term)
    return min(total, 1.0)


def supports(reached: float, claimed: Fraction) -> bool:
    return reached + _ROUNDING >= claimed


def smallest_sample(population: int, negatives: int, proportion: Fraction, claimed: Fraction) -> int | None:
    """The fewest units to examine, with `negatives` of them negative; None where no sample is enough."""
    low, high = negatives, min(population, LARGEST_SAMPLE)
    if not supports(confidence(population, high, high - negatives, proportion), claimed):
        return None
    while low < high:
        middle = (low + high) // 2
        if supports(confidence(population, middle, middle - negatives, proportion), claimed):
            high = middle
        else:
            low = middle + 1
    return low


def rounded(value: float) -> str:
    """Four decimals, downwards: never more confident than computed."""
    return f"{floor(value * 10_000 + _ROUNDING) / 10_000:.4f}"
