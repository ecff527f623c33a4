"""Synthetic impurity profiles: batches that differ, specimens of a batch that differ a little."""

import random

MARKERS = [f"marker {n:02}" for n in range(12)]


def batch(number: int) -> list[float]:
    """The areas of a batch: log-normal, always the same for a number."""
    chance = random.Random(number)
    return [1000 * 2.718 ** chance.gauss(0, 1) for _ in MARKERS]


def specimen(of_batch: int, number: int = 0) -> dict[str, str]:
    """One specimen as measured: its areas differ from the batch's by some per cent."""
    chance = random.Random(1000 * of_batch + number)
    return {
        marker: f"{area * 2.718 ** chance.gauss(0, 0.12):.3f}"
        for marker, area in zip(MARKERS, batch(of_batch), strict=True)
    }


def study(batches: int = 25, each: int = 4) -> dict[str, object]:
    """Specimens of known batches, as a laboratory files them to calibrate its method."""
    return {
        "specimens": [{"batch": f"B{b}", "areas": specimen(5000 + b, n)} for b in range(batches) for n in range(each)]
    }
