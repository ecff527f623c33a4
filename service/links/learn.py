"""What levels of agreement weigh, learned from pairs: Fellegi and Sunter (JASA 64 (1969) 1183). Pure.

The weight of a level is log2(m / u): m, how often pairs of one event show it, u, how often other pairs that are
compared do. From confirmed pairs m is counted; u is found by EM (Winkler 1988) in all pairs that were compared.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "amount": (
        "same-rare",
        "same-distinctive",
        "same-round",
        "close",
        "near",
        "converted",
        "thousandfold",
        "different",
    ),
    "substance": ("same", "within", "other"),
    "time": ("same", "next", "days"),
    "place": ("same", "similar", "different"),
    "admin1": ("same", "different"),
    "transport": ("same", "different"),
    "origin": ("same", "different"),
    "destination": ("same", "different"),
}
HEAVIEST: Final = 12.0  # bits; a level that one kind of pair never showed says no more than this
FEWEST_PAIRS: Final = 100

Counts = Mapping[str, Mapping[str, float]]


def weights(matched: Counts, compared: Counts) -> dict[str, dict[str, float]]:
    """log2(m / u) by feature and level, from how many pairs of each kind show it; who does not say is not counted."""
    return {
        feature: _weights(
            [matched.get(feature, {}).get(level, 0.0) for level in levels],
            [compared.get(feature, {}).get(level, 0.0) for level in levels],
            levels,
        )
        for feature, levels in FEATURES.items()
    }


def _weights(m: Sequence[float], u: Sequence[float], levels: Sequence[str]) -> dict[str, float]:
    if not sum(m) or not sum(u):
        return {}
    shares = [(np.array(counts) + 0.5) / (sum(counts) + 0.5 * len(levels)) for counts in (m, u)]
    bits = np.clip(np.log2(shares[0] / shares[1]), -HEAVIEST, HEAVIEST)
    return {level: round(float(bit), 2) for level, bit in zip(levels, bits, strict=True)}


Pattern = tuple[str | None, ...]
"""The level at which a pair agrees in each of FEATURES; None where one of the two does not say."""


def counts(patterns: Mapping[Pattern, float]) -> dict[str, dict[str, float]]:
    """How many pairs show each level."""
    found: dict[str, dict[str, float]] = {feature: {} for feature in FEATURES}
    for pattern, number in patterns.items():
        for of, level in zip(found.values(), pattern, strict=True):
            if level is not None:
                of[level] = of.get(level, 0.0) + number
    return found


def total(found: Counts, pattern: Pattern) -> float:
    """What the levels of a pair weigh together."""
    return sum(
        found.get(feature, {}).get(level, 0.0)
        for feature, level in zip(FEATURES, pattern, strict=True)
        if level is not None
    )


def learned(
    told: Mapping[Pattern, float], patterns: Mapping[Pattern, float], start: Counts, rounds: int = 20
) -> tuple[dict[str, dict[str, float]], float]:
    """(weights, share of pairs of one event): m from the pairs of one event that are known, u by EM from all pairs.

    `told` and `patterns` say how many pairs agree in which way; `start` are the weights to begin with. u is what the
    pairs show that are not likely to be of one event: counted over all, it would take second reports for chance.
    """
    matched, numbers = counts(told), np.array(list(patterns.values()), dtype=float)
    found, share = {feature: dict(start.get(feature, {})) for feature in FEATURES}, 0.01
    for _ in range(rounds):
        likely = _likely(found, patterns, share)
        share = float(np.clip((numbers * likely).sum() / numbers.sum(), 1e-6, 0.5))
        others = dict(zip(patterns, (numbers * (1 - likely)).tolist(), strict=True))
        found = weights(matched, counts(others))
    return found, share


def _likely(found: Counts, patterns: Mapping[Pattern, float], share: float) -> NDArray[np.float64]:
    """How likely a pair that agrees in each way is of one event."""
    heft = np.array([total(found, pattern) for pattern in patterns])
    odds = np.exp2(np.clip(heft, -60, 60)) * share / (1 - share)
    likely: NDArray[np.float64] = odds / (1 + odds)
    return likely


def model(found: Counts, possible: float, probable: float) -> dict[str, Any]:
    """As `core.link_model.weights` holds it."""
    return {"possible": possible, "probable": probable, **found}
