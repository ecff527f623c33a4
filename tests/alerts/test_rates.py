"""Weekly rates: a rise is told, a rise of everything alike is not, and neither is a new reporter."""

import random

import pytest

from service.alerts.rates import WEEKS_NEEDED, Rise, discoveries, rise, steady
from service.alerts.sweep import rises


def poisson(rng: random.Random, mean: float, weeks: int = WEEKS_NEEDED) -> list[int]:
    """Counts of a Poisson process (Knuth)."""
    counts = []
    for _ in range(weeks):
        n, left = 0, rng.expovariate(1)
        while left < mean:
            n, left = n + 1, left + rng.expovariate(1)
        counts.append(n)
    return counts


def test_a_rise_of_one_series_is_told_and_the_same_rise_of_all_reports_is_not() -> None:
    rng = random.Random(4)
    series, others = poisson(rng, 4), poisson(rng, 40)
    series[-1] = 20
    flow = [a + b for a, b in zip(series, others, strict=True)]
    found = rise(series, flow)
    assert found is not None
    assert (found.count, found.p < 0.001) == (20, True)
    others[-1] *= 5  # five times as many reports of everything: more reporting, no more of this
    assert rise(series, [a + b for a, b in zip(series, others, strict=True)]) is None


def test_a_change_of_reporting_alone_alarms_nobody() -> None:
    """Of 200 regions whose reporting trebles in the last week, none has a rise."""
    rng = random.Random(11)
    alarms = 0
    for _ in range(200):
        share = rng.uniform(0.02, 0.3)
        flow = poisson(rng, 60)
        flow[-1] *= 3
        series = [sum(rng.random() < share for _ in range(n)) for n in flow]
        alarms += rise(series, flow) is not None
    assert alarms <= 4  # two per cent


@pytest.mark.parametrize("factor", [3, 4])
def test_most_true_rises_are_found(factor: int) -> None:
    rng = random.Random(5)
    found = 0
    for _ in range(100):
        series, others = poisson(rng, 5), poisson(rng, 40)
        series[-1] = sum(poisson(rng, 5 * factor, 1))
        found += rise(series, [a + b for a, b in zip(series, others, strict=True)]) is not None
    assert found >= (60 if factor == 3 else 85)


def test_few_quiet_series_alarm() -> None:
    rng = random.Random(6)
    alarms = 0
    for _ in range(300):
        series, others = poisson(rng, 5), poisson(rng, 40)
        alarms += rise(series, [a + b for a, b in zip(series, others, strict=True)]) is not None
    assert alarms <= 6


def test_only_agencies_that_have_reported_for_long_are_counted() -> None:
    old, new = [2] * WEEKS_NEEDED, [0] * (WEEKS_NEEDED - 1) + [30]
    assert steady({"KZ-CUS": old, "KZ-NEW": new}) == {"KZ-CUS"}
    flows = {"KZ": {"KZ-CUS": old, "KZ-NEW": new}}
    assert rises({("KZ", "cannabis"): {"KZ-CUS": [1] * WEEKS_NEEDED, "KZ-NEW": new}}, flows) == {}


def test_silence_is_no_past() -> None:
    assert rise([0] * (WEEKS_NEEDED - 1) + [9], [0] * (WEEKS_NEEDED - 1) + [9]) is None


def test_many_series_at_once_need_stronger_evidence() -> None:
    one = {"a": Rise(5, 1.0, 0.004)}
    assert discoveries(one, 1) == one
    assert discoveries(one, 100) == {}
