"""Places with more seizures lately than their own past and everybody's season would give. Pure.

The space–time permutation scan statistic (Kulldorff et al., PLoS Medicine 2(3), 2005), for clusters that last until
the end of the period. It needs no population: expected in a zone and window is the share of the zone in all times of
the share of the window in all places. Cylinders are a cell with its nearest neighbours, over the last months.
Significance is by Monte Carlo: times are shuffled among the events, with a seed, and p is the rank of the cluster
among the largest of each shuffle.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHUFFLES = 199
NEIGHBOURS = 15
LONGEST = 6  # months of a cluster
MOST_CELLS = 600
MOST_EVENTS = 200_000
METHOD = (
    "space–time permutation scan statistic (Kulldorff et al. 2005), clusters alive at the end of the period, zones of "
    "up to 15 neighbouring cells, up to 6 months, 199 shuffles"
)
_EARTH_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class Cluster:
    """`cells` are indexes, the centre first; `since` the first period of it. `ratio` is observed to expected."""

    cells: tuple[int, ...]
    since: int
    observed: int
    expected: float
    ratio: float
    statistic: float
    p: float


def scanned(data: bytes) -> list[dict[str, Any]]:
    """For the sandbox, as it takes seconds: `scan` of its parameters as JSON, `counts` as [cell, period, events]."""
    asked = json.loads(data)
    counts = {(cell, period): events for cell, period, events in asked.pop("counts")}
    return [asdict(cluster) for cluster in scan(counts=counts, **asked)]


def scan(
    places: Sequence[tuple[float, float]], counts: Mapping[tuple[int, int], int], periods: int, seed: int
) -> list[Cluster]:
    """Clusters without common cells, the likeliest first. `places` are (longitude, latitude) of cells, `counts` are
    events by (cell, period).
    """
    observed = np.zeros((len(places), periods))
    for (cell, period), count in counts.items():
        observed[cell, period] = count
    total = int(observed.sum())
    if total < 2 or periods < 2:
        return []
    order = neighbours(places)
    found = _statistics(observed, order)
    largest = _shuffled(observed, order, seed)
    return _distinct(found, order, observed, largest)


def neighbours(places: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """For each cell the indexes of the nearest cells, itself first."""
    longitude, latitude = np.radians(np.array(places, dtype=float)).T
    half = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    distance = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    np.fill_diagonal(distance, -1)
    return np.argsort(distance, axis=1, kind="stable")[:, : NEIGHBOURS + 1]


def _windows(periods: int) -> int:
    """How long a cluster may be: half of the period at the most."""
    return max(1, min(LONGEST, periods // 2))


def _cylinders(observed: NDArray[np.float64], order: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Observed and expected events per (cell, neighbours, length of window)."""
    length = _windows(observed.shape[1])
    late = np.cumsum(observed[:, ::-1], axis=1)[:, :length]  # [cell, months before the end]
    in_zone = np.cumsum(late[order], axis=1)
    share = late.sum(axis=0) / observed.sum()
    expected = np.cumsum(observed.sum(axis=1)[order], axis=1)[:, :, None] * share
    return in_zone, expected


def _statistics(observed: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logarithm of Kulldorff's likelihood ratio, 0 where there are no more events than expected."""
    inside, expected = _cylinders(observed, order)
    total = observed.sum()
    outside, elsewhere = total - inside, total - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = inside * np.log(inside / expected) + np.where(outside > 0, outside * np.log(outside / elsewhere), 0)
    return np.where((inside > expected) & (expected > 0), np.nan_to_num(ratio), 0.0)


def _shuffled(observed: NDArray[np.float64], order: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """The largest statistic of each shuffle."""
    chance = np.random.default_rng(seed)
    cells, periods = (axis.repeat(observed[observed > 0].astype(int)) for axis in np.nonzero(observed))
    width = observed.shape[1]
    largest = []
    for _ in range(SHUFFLES):
        places = cells * width + chance.permutation(periods)
        shuffled = np.bincount(places, minlength=observed.size).reshape(observed.shape).astype(float)
        largest.append(_statistics(shuffled, order).max())
    return np.array(largest)


def _distinct(
    found: NDArray[np.float64], order: NDArray[np.int64], observed: NDArray[np.float64], largest: NDArray[np.float64]
) -> list[Cluster]:
    inside, expected = _cylinders(observed, order)
    clusters: list[Cluster] = []
    taken: set[int] = set()
    for flat in np.argsort(-found, axis=None, kind="stable"):
        at = tuple(int(i) for i in np.unravel_index(flat, found.shape))
        statistic = float(found[at])
        p = (1 + int((largest >= statistic - 1e-12).sum())) / (1 + len(largest))
        if statistic <= 0 or p > 0.5:
            break
        zone = tuple(int(cell) for cell in order[at[0], : at[1] + 1])
        if taken & set(zone):
            continue
        taken |= set(zone)
        seen, usual = int(inside[at]), float(expected[at])
        clusters.append(Cluster(zone, observed.shape[1] - 1 - at[2], seen, usual, seen / usual, statistic, p))
    return clusters
