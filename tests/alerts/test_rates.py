"""Weekly rates: a rise is told, a rise of everything alike is not, and neither is a new reporter."""

import math
import random

import pytest

from service.alerts.rates import ALPHA, WEEKS_NEEDED, Rise, discoveries, ears, negative_binomial_tail, rise, steady
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


def test_the_tail_is_that_of_a_past_that_scatters() -> None:
    """Mean 1, variance 2: a negative binomial of size 1, whose tail from k on is 2⁻ᵏ. Poisson's from 7 on is 8·10⁻⁵."""
    past = [3] * 17 + [1] + [0] * 34
    for k in (1, 3, 7):
        assert negative_binomial_tail(k, past) == pytest.approx(0.5**k)
    assert negative_binomial_tail(2, [1] * 52) == pytest.approx(1 - 2 * math.exp(-1)), "Poisson where nothing scatters"


def test_weeks_that_were_wild_of_late_explain_a_count_that_the_year_does_not() -> None:
    """EARS C2 by hand: the seven weeks before the lag have mean 8 and standard deviation √(100/6), 20.2 in all."""
    wild, calm = [3, 13, 8, 13, 3, 8, 8], [1] * 45
    late, early = [*calm, *wild, 6, 6, 20], [*wild, *calm, 6, 6, 20]
    others = [40] * WEEKS_NEEDED
    assert all(negative_binomial_tail(20, series[:52]) < ALPHA for series in (late, early)), "the same year to the one"
    assert (ears(late), ears([*late[:-1], 21]), ears(early)) == (False, True, True)
    flows = [[a + b for a, b in zip(series, others, strict=True)] for series in (late, early)]
    assert [rise(series, flow) is None for series, flow in zip((late, early), flows, strict=True)] == [True, False]


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
