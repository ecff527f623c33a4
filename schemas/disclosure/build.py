"""Writes ptable.csv: `python schemas/disclosure/build.py`.

Each row of the table is the distribution of greatest entropy among those on its support that are unbiased and have
the stated variance (Giessing 2016; the R package `ptable`): probability ∝ exp(a·e + b·e²), a and b by Newton's method.
`upper` is the cumulative probability times 2^32, rounded: the noise of a row is the first line whose `upper` is
greater than the cell's 32-bit draw.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

FILE = Path(__file__).parent / "ptable.csv"
EVENTS_DEVIATION, EVENTS_VARIANCE, LEAST = 8, 4.0, 5
MASS_STEPS, MASS_STEP, MASS_VARIANCE = 15, 0.05, 25.0  # in steps of 0.05: deviation 0.75, standard deviation 0.25
SCALE = 1 << 32


def entropic(support: Sequence[int], variance: float) -> list[float]:
    """The distribution of greatest entropy on `support` with mean 0 and this variance."""
    a, b = 0.0, -1 / (2 * variance)
    for _ in range(500):
        weights = [math.exp(a * e + b * e * e) for e in support]
        moments = [math.fsum(w * e**n for w, e in zip(weights, support, strict=True)) for n in range(5)]
        _, m1, m2, m3, m4 = (moment / moments[0] for moment in moments)
        off_mean, off_variance = m1, m2 - variance
        if abs(off_mean) + abs(off_variance) < 1e-12:
            break
        aa, ab, bb = m2 - m1 * m1, m3 - m1 * m2, m4 - m2 * m2
        determinant = aa * bb - ab * ab
        step_a = -(bb * off_mean - ab * off_variance) / determinant
        step_b = -(aa * off_variance - ab * off_mean) / determinant
        damp = min(1.0, 1 / max(abs(step_a), 2 * abs(step_b), 1e-9))
        a, b = a + damp * step_a, b + damp * step_b
    return [weight / moments[0] for weight in weights]


def lines() -> Iterator[str]:
    yield "measure,row,noise,probability,upper"
    for row in range(LEAST, EVENTS_DEVIATION + 1):
        support = range(-min(row, EVENTS_DEVIATION), EVENTS_DEVIATION + 1)
        yield from _row("events", str(row), [str(e) for e in support], entropic(support, EVENTS_VARIANCE))
    steps = range(-MASS_STEPS, MASS_STEPS + 1)
    yield from _row("mass", "", [f"{e * MASS_STEP:.2f}" for e in steps], entropic(steps, MASS_VARIANCE))


def _row(measure: str, row: str, noises: list[str], probabilities: list[float]) -> Iterator[str]:
    cumulative = 0.0
    for noise, probability in zip(noises, probabilities, strict=True):
        cumulative += probability
        upper = SCALE if noise == noises[-1] else round(cumulative * SCALE)
        yield f"{measure},{row},{noise},{probability:.9f},{upper}"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
