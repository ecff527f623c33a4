"""Changes of level: found where they are, and nowhere else."""

import random
from math import log

import pytest

from service.trends.ask import Answer, Cell, TooManyCells
from service.trends.changes import _cost, _cuts, changes, dispersion
from service.trends.compare import found_changes
from service.trends.question import Trend


def test_a_step_is_found_at_its_place_with_both_levels() -> None:
    (change,) = changes([5] * 12 + [15] * 12)
    assert (change.at, change.before, change.after) == (12, 5.0, 15.0)
    assert change.gain > 1


def test_the_cost_of_a_level_is_its_poisson_likelihood() -> None:
    """Two and four have the mean three: -2·6·ln 3, and apart -2·(2·ln 2 + 4·ln 4)."""
    assert _cost([0, 2, 6], 0, 2) == pytest.approx(-12 * log(3))
    assert _cost([0, 0, 0], 0, 2) == 0


def test_the_partition_is_the_best_of_all() -> None:
    """Against every way to cut a short series into segments of at least three."""
    chance = random.Random(5)
    for _ in range(50):
        counts = [chance.randrange(9) for _ in range(9)]
        sums = [0]
        for count in counts:
            sums.append(sums[-1] + count)
        ways = [[], [3], [4], [5], [6], [3, 6]]
        costs = [sum(_cost(sums, a, b) for a, b in zip([0, *w], [*w, 9], strict=True)) + 2.0 * len(w) for w in ways]
        cuts = _cuts(sums, 2.0)
        assert costs[ways.index(cuts)] == pytest.approx(min(costs))


def test_noise_around_one_level_is_no_change() -> None:
    chance = random.Random(7)
    found = sum(bool(changes([sum(chance.random() < 0.1 for _ in range(100)) for _ in range(48)])) for _ in range(100))
    assert found <= 5


def test_counts_that_come_in_bunches_raise_the_threshold() -> None:
    assert dispersion([0, 10] * 10) > 5
    assert dispersion([5] * 10) == 1
    assert changes([0, 0, 20, 0, 0, 20, 0, 0, 20, 0, 0, 20]) == []


def test_a_short_series_says_nothing_and_one_without_end_is_refused() -> None:
    assert changes([1, 1, 1, 99, 99, 99, 99]) == []
    with pytest.raises(ValueError, match="too long"):
        changes([1] * 1001)


def test_more_series_than_a_worker_has_time_for_are_refused() -> None:
    question = Trend.model_validate({"by": "day,cell", "changes": True, "from": "2023-01-01", "to": "2025-03-01"})
    cells = [Cell(("2023-02-01", f"c{n}"), {"events": 1}, {}) for n in range(100)]
    with pytest.raises(TooManyCells):
        found_changes(question, Answer(cells, None, {}, "rows"))
