"""From a method's own specimens to what a score is worth: score → log10 likelihood ratio with its interval. Pure.

All pairs of specimens of one batch are linked, all others unlinked; pairs are never taken from another method. The
likelihood ratio is that of a logistic regression on Fisher's z of Pearson's r, with both kinds weighing the same
(Morrison, Aust. J. Forensic Sci. 45 (2013) 173), so it only grows with the score. The interval is that of 200
bootstrap samples of batches, not of pairs, which depend on each other. No ratio goes beyond what as many pairs could
show, and none beyond the scores that were seen.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.problems import Problem

Floats = NDArray[np.float64]
SAMPLES, BINS, STEPS = 200, 400, 41
FEWEST_BATCHES, FEWEST_LINKED, FEWEST_UNLINKED = 10, 30, 300
PROPOSING = 2.0  # log10: from moderately strong support on, by the lower bound
_RIDGE = 1e-3  # holds a regression of kinds that never overlap


class CalibrationTooSmall(Problem):
    """What a likeness is worth is learned from enough batches, with enough pairs of each kind."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Calibration:
    """`log10lr`, `low`, `high` at `scores` (ascending Pearson r); `least`: from which score on a link is proposed."""

    batches: int
    linked: int
    unlinked: int
    auc: float
    cllr: float
    scores: list[float]
    log10lr: list[float]
    low: list[float]
    high: list[float]
    least: float | None


def learned(data: bytes) -> dict[str, Any]:
    """For the sandbox, as it takes seconds: `{"points": …, "batches": …}` as JSON, and the calibration as JSON."""
    return asdict(calibrate(**json.loads(data)))


def calibrate(points: Sequence[Sequence[float]], batches: Sequence[str], seed: int = 1) -> Calibration:
    """From specimens as points of `vector.unit`, each with the name of its batch. Raises CalibrationTooSmall."""
    check(batches)
    place = {name: n for n, name in enumerate(dict.fromkeys(batches))}
    of = np.array([place[name] for name in batches])
    first, second = np.triu_indices(len(batches), 1)
    vectors = np.array(points)
    z = _fisher(np.einsum("ij,ij->i", vectors[first], vectors[second]))
    one, other = of[first], of[second]
    linked = one == other
    low_z, high_z = float(z.min()), float(z.max())
    edges = np.linspace(low_z, high_z, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    bins = np.clip(np.searchsorted(edges, z, side="right") - 1, 0, BINS - 1)
    grid = np.linspace(low_z, high_z, STEPS)
    bounds = -np.log10(linked.sum()), np.log10((~linked).sum())
    chance = np.random.default_rng(seed)
    whole = _fit(middles, _histogram(bins, linked, None), _histogram(bins, ~linked, None))
    drawn = []
    for _ in range(SAMPLES):
        times = np.bincount(chance.integers(0, len(place), len(place)), minlength=len(place))
        weights = np.where(linked, times[one], times[one] * times[other]).astype(float)
        drawn.append(
            _log10lr(_fit(middles, _histogram(bins, linked, weights), _histogram(bins, ~linked, weights)), grid)
        )
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    value = _log10lr(whole, grid)
    low, value, high = (np.clip(curve, *bounds) for curve in (np.minimum(low, value), value, np.maximum(high, value)))
    scores = np.tanh(grid)
    above = np.flatnonzero(low >= PROPOSING)
    return Calibration(
        batches=len(place),
        linked=int(linked.sum()),
        unlinked=int((~linked).sum()),
        auc=_auc(z[linked], z[~linked]),
        cllr=_cllr(_log10lr(whole, z[linked]), _log10lr(whole, z[~linked])),
        scores=scores.tolist(),
        log10lr=value.tolist(),
        low=low.tolist(),
        high=high.tolist(),
        least=float(scores[above[0]]) if above.size else None,
    )


def check(batches: Sequence[str]) -> None:
    """Whether specimens of these batches teach enough. Raises CalibrationTooSmall."""
    sizes = Counter(batches).values()
    linked = sum(comb(size, 2) for size in sizes)
    found = {"batches": (sum(size > 1 for size in sizes), FEWEST_BATCHES), "linked": (linked, FEWEST_LINKED)}
    found["unlinked"] = (comb(len(batches), 2) - linked, FEWEST_UNLINKED)
    short = [f"{name}: {n} of {least}" for name, (n, least) in found.items() if n < least]
    if short:
        raise CalibrationTooSmall(
            f"batches of two or more specimens, linked and unlinked pairs: {', '.join(short)}", pointer="/specimens"
        )


def _fisher(r: Floats) -> Floats:
    return np.arctanh(np.clip(r, -0.999999, 0.999999))


def _histogram(bins: NDArray[np.int64], kept: NDArray[np.bool_], weights: Floats | None) -> Floats:
    counts = np.bincount(bins[kept], weights=None if weights is None else weights[kept], minlength=BINS)
    shares: Floats = counts / max(float(counts.sum()), 1e-9)
    return shares


def _fit(z: Floats, linked: Floats, unlinked: Floats) -> tuple[float, float]:
    """Intercept and slope of log odds at equal odds, by Newton's method with a light ridge on the slope."""
    a, b = 0.0, 1.0
    weight = linked + unlinked
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(a + b * z, -30, 30)))
        error, spread = linked - weight * p, weight * p * (1 - p)
        gradient = np.array([error.sum(), (error * z).sum() - _RIDGE * b])
        curve = np.array([
            [spread.sum() + 1e-9, (spread * z).sum()],
            [(spread * z).sum(), (spread * z * z).sum() + _RIDGE],
        ])  # fmt: skip
        step = np.clip(np.linalg.solve(curve, gradient), -2, 2)
        a, b = a + float(step[0]), max(b + float(step[1]), 0.0)
        if np.abs(step).max() < 1e-6:
            break
    return a, b


def _log10lr(fit: tuple[float, float], z: Floats) -> Floats:
    ratio: Floats = (fit[0] + fit[1] * z) / np.log(10)
    return ratio


def _auc(linked: Floats, unlinked: Floats) -> float:
    """How often a linked pair scores above an unlinked one."""
    sorted_ = np.sort(unlinked)
    below = np.searchsorted(sorted_, linked, side="left") + np.searchsorted(sorted_, linked, side="right")
    return float(below.mean() / 2 / len(sorted_))


def _cllr(linked: Floats, unlinked: Floats) -> float:
    """The cost of the ratios in bits (Brümmer and du Preez, 2006): 0 tells all, 1 tells nothing."""
    miss = np.log2(1 + 10.0**-linked).mean()
    false = np.log2(1 + 10.0**unlinked).mean()
    return float((miss + false) / 2)
