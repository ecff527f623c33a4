"""The reasons of a proposal in words, each beside what it weighs. Pure.

What is withheld of either record is not among the levels, so it is not among the words.
"""

from collections.abc import Sequence
from typing import Any, Final

REASONS: Final = {
    "amount:same-rare": "both report the same amount, to four digits or more",
    "amount:same-distinctive": "both report the same amount, to three digits",
    "amount:same-round": "both report the same round amount, which many reports share",
    "amount:close": "the amounts differ by no more than 2 %",
    "amount:near": "the amounts differ by no more than 10 %",
    "amount:converted": "one counts and the other weighs, and the mass of so many units fits",
    "amount:thousandfold": "the amounts differ by a factor of one thousand: kilograms for grams, or units for mass",
    "amount:different": "the amounts differ",
    "substance:same": "both name the same substance",
    "substance:within": "one names the substance, the other the class that it belongs to",
    "substance:other": "they name different substances of one group",
    "time:same": "both are of the same day",
    "time:next": "they are one day apart",
    "time:days": "they are two or three days apart",
    "place:same": "both are of the same place, or within 2 km",
    "place:similar": "the places are spelt alike, or within 25 km",
    "place:different": "the places differ",
    "admin1:same": "both are of the same administrative unit",
    "admin1:different": "they are of different administrative units",
    "transport:same": "both name the same mode of transport",
    "transport:different": "they name different modes of transport",
    "origin:same": "both name the same country of departure",
    "origin:different": "they name different countries of departure",
    "destination:same": "both name the same destination",
    "destination:different": "they name different destinations",
    "profile:alike": "the impurity profiles of one method are alike",
    "logo:same": "both bear the same logo",
    "logo:different": "the logos are described differently",
    "image:alike": "the pictures of the imprints are alike (perceptual hash)",
    "photograph:alike": "the photographs of the imprints are alike (perceptual hash)",
    "image:different": "the pictures of the imprints are not alike",
    "logo_back:same": "the backs bear the same imprint",
    "logo_back:different": "the backs bear different imprints",
    "score:same": "both are scored in the same way",
    "score:different": "they are scored differently",
    "shape:same": "both have the same shape",
    "shape:different": "the shapes differ",
    "diameter:same": "the diameters differ by no more than 0.1 mm",
    "diameter:different": "the diameters differ by more than 0.3 mm",
    "outline:same": "length and width differ by no more than 0.1 mm",
    "outline:different": "length or width differ by more than 0.3 mm",
}
RELATIONS: Final = {
    "event": "Possibly one event, reported twice",
    "chemical": "Possibly of one batch, by the impurities: before tabletting",
    "physical": "Possibly of one press or stamp, by the imprints that it leaves: at tabletting or packing",
}
PROBABLE: Final = 10.0


def reasons(levels: Sequence[str], weights: Sequence[float]) -> list[dict[str, Any]]:
    """What speaks for it first, the strongest first; then what speaks against it."""
    said = sorted(zip(levels, weights, strict=True), key=lambda pair: -pair[1])
    return [{"level": level, "words": REASONS[level], "weight": f"{weight:+.1f}"} for level, weight in said]


def band(relation: str, weight: float) -> str | None:
    """Of a pair of reports: `probable`, or merely `possible`."""
    if relation != "event":
        return None
    return "probable" if weight >= PROBABLE else "possible"
