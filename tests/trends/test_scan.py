"""Hot spots: found where events were put, quiet where there are none, the same for the same seed."""

import random
from math import log

import h3
import numpy as np
import pytest

from service import sandbox
from service.trends.places import Located
from service.trends.scan import _statistics, neighbours, scan, scanned

GRID = [(60.0 + x * 0.2, 40.0 + y * 0.2) for x in range(10) for y in range(10)]


def background(seed: int, periods: int = 12) -> dict[tuple[int, int], int]:
    chance = random.Random(seed)
    return {
        (c, t): n for c in range(100) for t in range(periods) if (n := sum(chance.random() < 0.2 for _ in range(5)))
    }


def test_the_statistic_is_kulldorffs() -> None:
    """Two cells, two months: six of the ten events of a cell's four fall there lately, by hand."""
    observed = np.array([[1.0, 3.0], [5.0, 1.0]])
    order = np.array([[0], [1]])
    expected = 4 * 4 / 10
    by_hand = 3 * log(3 / expected) + 7 * log(7 / (10 - expected))
    assert _statistics(observed, order)[0, 0, 0] == pytest.approx(by_hand)
    assert _statistics(observed, order)[1, 0, 0] == 0, "fewer than expected"


def test_neighbours_come_nearest_first_and_begin_with_the_cell_itself() -> None:
    order = neighbours([(60.0, 40.0), (60.1, 40.0), (62.0, 40.0)])
    assert order.tolist() == [[0, 1, 2], [1, 0, 2], [2, 1, 0]]


async def test_hot_spots_are_sought_beside_the_worker_and_for_one_country_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(40.0, 60.0, 4), 6))[:100]
    counts = {**background(1), (44, 11): 40}
    among = Located(cells, [f"2025-{month:02}" for month in range(1, 13)], counts, 7, sum(counts.values()) + 3)
    async with sandbox.turn(sandbox._of_sender["one"]):
        monkeypatch.setattr(sandbox, "PATIENCE", 0.0)
        with pytest.raises(sandbox.ParsersBusy):
            await sandbox.parse(scanned, among.asked(), sender="one")
        told = among.told(await sandbox.parse(scanned, among.asked(), sender="other"))
    first = scan([h3.cell_to_latlng(cell)[::-1] for cell in cells], counts, 12, 7)[0]
    assert told["clusters"][0]["cells"] == [cells[index] for index in first.cells]
    assert cells[44] in told["clusters"][0]["cells"]
    assert told["clusters"][0]["significant"]
    assert told["not_located"] == 3


def test_a_cluster_is_found_where_it_is() -> None:
    counts = background(1)
    for cell in (44, 45, 54, 55):
        for period in (10, 11):
            counts[cell, period] = counts.get((cell, period), 0) + 5
    best = scan(GRID, counts, 12, seed=3)[0]
    assert best.p <= 0.01
    assert len(set(best.cells) & {44, 45, 54, 55}) >= 3
    assert best.since >= 9
    assert best.ratio > 2


def test_without_a_cluster_little_is_significant() -> None:
    significant = sum(any(c.p <= 0.05 for c in scan(GRID, background(n), 12, seed=n)) for n in range(20))
    assert significant <= 4


def test_the_same_seed_gives_the_same_answer_and_clusters_share_no_cell() -> None:
    counts = background(9)
    first = scan(GRID, counts, 12, seed=8)
    assert first == scan(GRID, counts, 12, seed=8)
    cells = [cell for cluster in first for cell in cluster.cells]
    assert len(cells) == len(set(cells))


@pytest.mark.parametrize("counts", [{}, {(0, 0): 1}])
def test_nothing_to_compare_gives_nothing(counts: dict[tuple[int, int], int]) -> None:
    assert scan(GRID, counts, 12, seed=1) == []
