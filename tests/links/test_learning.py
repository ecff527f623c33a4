"""Weights as values: what is known of pairs, and what EM makes of the others."""

import random

import pytest

from service.links import learn
from service.links.words import REASONS

SAME = {"amount": (0.7, "same-rare"), "time": (0.8, "same"), "place": (0.8, "same"), "substance": (0.95, "same")}
OTHER = {"amount": (0.01, "same-rare"), "time": (0.2, "same"), "place": (0.1, "same"), "substance": (0.6, "same")}


def drawn(number: int, agree: dict[str, tuple[float, str]], chance: random.Random) -> list[learn.Pattern]:
    """Pairs that agree in each feature as often as is said, and differ otherwise; half do not say where."""
    made = []
    for _ in range(number):
        levels: dict[str, str | None] = {
            feature: level if chance.random() < share else learn.FEATURES[feature][-1]
            for feature, (share, level) in agree.items()
        }
        if chance.random() < 0.5:
            levels["place"] = None
        made.append(tuple(levels.get(feature) for feature in learn.FEATURES))
    return made


def counted(patterns: list[learn.Pattern]) -> dict[learn.Pattern, float]:
    found: dict[learn.Pattern, float] = {}
    for pattern in patterns:
        found[pattern] = found.get(pattern, 0.0) + 1
    return found


def test_weights_by_hand() -> None:
    """Of 100 pairs of one event 80 are of one day, of 1000 others 100: log2(80.5 / 101.5 · 1001.5 / 100.5) = 2.98."""
    matched = {"time": {"same": 80.0, "next": 15.0, "days": 5.0}}
    compared = {"time": {"same": 100.0, "next": 300.0, "days": 600.0}}
    found = learn.weights(matched, compared)
    assert found["time"]["same"] == pytest.approx(2.98, abs=0.01)
    assert found["time"]["days"] < -3
    assert found["place"] == {}, "nothing is known, so nothing is weighed"


def test_second_reports_are_told_from_chance() -> None:
    chance = random.Random(8)
    same, others = drawn(400, SAME, chance), drawn(12_000, OTHER, chance)
    start = {"amount": {"same-rare": 6.0, "different": -3.0}, "time": {"same": 2.0, "days": -2.0}}
    found, share = learn.learned(counted(same[:100]), counted([*same, *others]), start)
    assert 0.01 < share < 0.06
    assert found["amount"]["same-rare"] > 4
    assert found["time"]["same"] > 1
    assert found["place"]["different"] < -1
    heft = [learn.total(found, pattern) for pattern in (*same, *others)]
    assert sum(h > 6 for h in heft[:400]) > 200
    assert sum(h > 6 for h in heft[400:]) < 60


def test_every_level_has_its_words() -> None:
    assert {f"{f}:{level}" for f, levels in learn.FEATURES.items() for level in levels} <= REASONS.keys()
