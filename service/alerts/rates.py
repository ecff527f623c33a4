"""Whether a weekly count is more than its own past and the flow of reports explain. Pure: counts in, a verdict out.

Two detectors, as measured on real seizure series: the tail of a negative binomial distribution over the 52 weeks that
end two weeks before (Noufaily et al. 2013 discuss the family), and EARS C2 (Hutwagner et al. 2003: mean and standard
deviation of seven weeks with a lag of two). Both must speak.

The coverage guard: a country that begins to report more reports more of everything. Counted are only agencies that have
reported in most of the past weeks; and the series' share of all their reports must have risen too (a binomial tail). A
rise of everything alike alarms nobody. Several series are tested at once: Benjamini and Hochberg (1995) hold the false
discovery rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

BASELINE, LAG = 52, 2  # weeks
WEEKS_NEEDED = BASELINE + LAG + 1
ENOUGH = 26  # weeks of the past with reports, without which nothing is said
STEADY = 0.5  # of the past weeks, in which an agency must have reported
EARS_WEEKS, EARS_LIMIT = 7, 3.0
ALPHA = 0.01  # of each detector, and of the false discovery rate
FEWEST = 3  # events in the week, below which no rate is told


@dataclass(frozen=True, slots=True)
class Rise:
    """A week above its past: its count, the past's mean, and the tail probability that a person may weigh."""

    count: int
    expected: float
    p: float


def steady(agencies: Mapping[str, Sequence[int]]) -> frozenset[str]:
    """The agencies whose past (all weeks but the last) holds reports often enough to say what is usual."""
    return frozenset(
        name
        for name, weeks in agencies.items()
        if len(weeks) > LAG and sum(1 for n in _past(weeks) if n) >= max(ENOUGH, STEADY * len(_past(weeks)))
    )


def rise(series: Sequence[int], flow: Sequence[int]) -> Rise | None:
    """The last week of `series` against its past, if `flow` (all reports of the same agencies) does not explain it.

    Both are weekly counts of the same weeks, oldest first; the last week is the one in question.
    """
    past, usual = _past(series), _past(flow)
    count, reports = series[-1], flow[-1]
    if count < FEWEST or sum(1 for n in usual if n) < ENOUGH or reports <= 0:
        return None
    from scipy.stats import binom  # noqa: PLC0415 - large, and needed once a day, not in every worker

    p = negative_binomial_tail(count, past)
    if p > ALPHA or not ears(series):
        return None
    share = (sum(past) + 0.5) / (sum(usual) + 1.0)
    if float(binom.sf(count - 1, max(reports, count), min(share, 1.0))) > ALPHA:
        return None  # of more reports the usual part
    return Rise(count, sum(past) / len(past), p)


def negative_binomial_tail(count: int, past: Sequence[int]) -> float:
    """P(X ≥ count) where X is distributed as the past, by the method of moments; Poisson where it does not scatter."""
    mean = max(sum(past) / len(past), 0.5 / len(past))  # a past of zeros is a small rate, not an impossibility
    from scipy.stats import nbinom, poisson  # noqa: PLC0415

    variance = sum((n - mean) ** 2 for n in past) / max(len(past) - 1, 1)
    if variance <= mean:
        return float(poisson.sf(count - 1, mean))
    size = mean**2 / (variance - mean)
    return float(nbinom.sf(count - 1, size, size / (size + mean)))


def ears(series: Sequence[int]) -> bool:
    """EARS C2: the last week lies more than three standard deviations above the seven weeks before its lag."""
    window = series[-EARS_WEEKS - LAG - 1 : -LAG - 1]
    mean = sum(window) / len(window)
    deviation = sqrt(sum((n - mean) ** 2 for n in window) / max(len(window) - 1, 1))
    return series[-1] > mean + EARS_LIMIT * max(deviation, 0.5)  # a floor: seven equal weeks know no scatter


def discoveries(found: Mapping[str, Rise], tested: int) -> dict[str, Rise]:
    """Those of `tested` series whose rise stands when all are tested at once."""
    ordered = sorted(found.items(), key=lambda pair: pair[1].p)
    last = max((k for k, (_, r) in enumerate(ordered, 1) if r.p <= ALPHA * k / max(tested, 1)), default=0)
    return dict(ordered[:last])


def _past(weeks: Sequence[int]) -> Sequence[int]:
    return weeks[-BASELINE - LAG - 1 : -LAG - 1]
