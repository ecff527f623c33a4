"""Vectors, likelihood ratios and words as values."""

import math
import random
from dataclasses import asdict
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import sandbox
from service.profiles.calibrate import CalibrationTooSmall, calibrate
from service.profiles.scale import Ratio
from service.profiles.study import learn
from service.profiles.vector import MarkersDisagree, ProfileFlat, as_cube, ordered, unit
from service.sandbox import ParsersBusy
from tests.profiles.specimens import MARKERS, specimen

AREAS = st.lists(st.floats(0, 1e6), min_size=5, max_size=40).filter(lambda areas: max(areas) > 1 + 2 * min(areas))


def points(batches: int, each: int, *noises: float) -> tuple[list[list[float]], list[str]]:
    """Specimens and their batches. How much those of one batch differ is one of the noises, drawn for each batch."""
    chance = random.Random(4)
    made, names = [], []
    for number in range(batches):
        areas = [math.exp(chance.gauss(0, 1)) for _ in MARKERS]
        noise = chance.choice(noises) if noises else 0.12
        for _ in range(each):
            made.append(unit([a * math.exp(chance.gauss(0, noise)) for a in areas], ""))
            names.append(f"B{number}")
    return made, names


@given(AREAS, st.floats(0.001, 1000))
def test_a_point_has_length_one_and_no_scale(areas: list[float], factor: float) -> None:
    point = unit(areas, "")
    assert sum(point) == pytest.approx(0, abs=1e-9)
    assert float(np.dot(point, point)) == pytest.approx(1)
    assert unit([area * factor for area in areas], "") == pytest.approx(point, abs=1e-6)


def test_the_likeness_is_pearsons_r_of_fourth_roots() -> None:
    one, other = ([float(v) for v in specimen(1, n).values()] for n in (0, 1))
    roots = [[(a / sum(areas)) ** 0.25 for a in areas] for areas in (one, other)]
    assert float(np.dot(unit(one, ""), unit(other, ""))) == pytest.approx(float(np.corrcoef(*roots)[0, 1]))
    assert math.dist(unit(one, ""), unit(other, "")) ** 2 == pytest.approx(2 * (1 - np.corrcoef(*roots)[0, 1]))


def test_what_is_no_profile_is_refused() -> None:
    with pytest.raises(ProfileFlat):
        unit([3.0] * 8, "/areas")
    with pytest.raises(ProfileFlat):
        unit([0.0] * 8, "/areas")
    areas = {marker: Decimal(1) for marker in MARKERS[1:]} | {"other": Decimal(1)}
    with pytest.raises(MarkersDisagree) as refused:
        ordered(areas, MARKERS, "/areas")
    assert refused.value.members["missing"] == [MARKERS[0]]
    assert refused.value.members["foreign"] == ["other"]
    assert as_cube([0.5, -0.5]) == "(0.5,-0.5)"


def test_a_ratio_grows_with_the_score_and_stays_within_what_the_pairs_show() -> None:
    found = calibrate(*points(25, 4))
    assert (found.batches, found.linked, found.unlinked) == (25, 150, 4800)
    assert found.auc > 0.95
    assert found.cllr < 0.4
    for curve in (found.log10lr, found.low, found.high):
        assert all(a <= b + 1e-9 for a, b in pairwise(curve))
    assert all(low <= value <= high for low, value, high in zip(found.low, found.log10lr, found.high, strict=True))
    assert max(found.high) <= math.log10(4800) + 1e-9
    assert min(found.low) >= -math.log10(150) - 1e-9
    assert found.least is not None
    assert 0.5 < found.least < 1


def test_more_batches_make_a_ratio_surer_and_more_specimens_of_the_same_do_not() -> None:
    """Batches are drawn, not pairs: of 12 batches of 24 there are nine times as many linked pairs as of 60 of 4."""

    def width(batches: int, each: int) -> float:
        found = calibrate(*points(batches, each, 0.1, 0.5))
        return float(np.mean(np.subtract(found.high, found.low)))

    few, fuller, many = width(12, 12), width(12, 24), width(60, 4)
    assert 0.1 < many < few < 1
    assert many < fuller
    assert fuller == pytest.approx(few, rel=0.15)


async def test_a_calibration_is_made_beside_the_worker_and_one_of_a_country_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, names = points(12, 4)
    async with sandbox.turn(sandbox._of_sender["one"]):
        monkeypatch.setattr(sandbox, "PATIENCE", 0.0)
        with pytest.raises(ParsersBusy):
            await learn(made, names, sender="one")
        learned = await learn(made, names, sender="other")
    for name, value in asdict(calibrate(made, names)).items():  # another process sums in another order
        assert getattr(learned, name) == pytest.approx(value), name


def test_a_method_that_tells_nothing_apart_proposes_nothing() -> None:
    made, names = points(25, 4)
    random.Random(1).shuffle(names)
    found = calibrate(made, names)
    assert found.least is None
    assert found.cllr == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("batches", "each"), [(5, 8), (30, 1), (10, 2)])
def test_too_little_to_learn_from_is_refused(batches: int, each: int) -> None:
    with pytest.raises(CalibrationTooSmall):
        calibrate(*points(batches, each))


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (-0.2, 0.1, 0.6, "no support"),
        (0.4, 0.8, 1.2, "weak support"),
        (1.0, 1.5, 2.2, "moderate support"),
        (2.0, 2.5, 3.5, "moderately strong support"),
        (3.2, 3.5, 4.0, "strong support"),
        (4.0, 4.4, 5.0, "very strong support"),
        (6.0, 6.5, 7.0, "extremely strong support"),
        (-2.6, -2.2, -2.0, "moderately strong support"),
    ],
)
def test_words_follow_the_cautious_end_of_the_interval(low: float, value: float, high: float, words: str) -> None:
    ratio = Ratio(value, low, high)
    assert ratio.band == words
    if words != "no support":
        one = ratio.words.index("of one source")
        assert (one < ratio.words.index("of different sources")) == (value > 0)
    assert ratio.document().keys() == {"value", "low", "high", "words"}
