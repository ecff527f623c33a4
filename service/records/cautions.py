"""Soft rules: what is accepted, but a person should look at again. Never a refusal."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from service.records.scripts import mixed_word
from service.records.shapes import Facets

TABLET_MASS_MG = (Decimal(50), Decimal(500))


class Caution(NamedTuple):
    """`type` is stable (`/warnings/…`), `pointer` a JSON pointer into the facets, `detail` a sentence."""

    type: str
    pointer: str
    detail: str


def cautions(facets: Facets) -> list[Caution]:
    return [
        Caution(f"/warnings/{kind}", pointer, detail)
        for rule in (_mixed_script, _quantities, _unconfirmed, _order_of_times, _null_island)
        for kind, pointer, detail in rule(facets)
    ]


Finding = tuple[str, str, str]


def _mixed_script(facets: Facets) -> Iterator[Finding]:
    for pointer, text in _texts(facets):
        if (word := mixed_word(text)) is not None:
            yield (
                "mixed-script",
                pointer,
                f"The word {word!r} mixes Latin and Cyrillic letters that look alike.",
            )


def _texts(facets: Facets) -> Iterator[tuple[str, str]]:
    yield "/reference", facets.reference or ""
    if facets.point is not None:
        yield "/where.point/place", facets.point.place or ""
    if facets.admin1 is not None:
        yield "/where.admin1/as_reported", facets.admin1.as_reported or ""
    for index, item in enumerate(facets.items or ()):
        yield f"/items/{index}/reported/substance", item.reported.substance
        yield f"/items/{index}/reported/unit", item.reported.unit
    for index, leg in enumerate(facets.route or ()):
        yield f"/route/{index}/place", leg.place or ""
    for index, mark in enumerate(facets.marks or ()):
        yield f"/marks/{index}/text", mark.text or ""


def _quantities(facets: Facets) -> Iterator[Finding]:
    low, high = TABLET_MASS_MG
    for index, item in enumerate(facets.items or ()):
        mass, quantity = item.unit_mass_mg, item.reported.quantity
        if item.form == "TAB" and mass is not None and not low <= mass <= high:
            yield (
                "unusual-tablet-mass",
                f"/items/{index}/unit_mass_mg",
                f"Tablets weigh {low} to {high} mg as a rule.",
            )
        if quantity == 0:
            yield "zero-quantity", f"/items/{index}/reported/quantity", "An item of nothing."
        if item.quantity_kind == "CNT" and quantity != quantity.to_integral_value():
            yield "fractional-count", f"/items/{index}/reported/quantity", "A count has no fraction."


def _unconfirmed(facets: Facets) -> Iterator[Finding]:
    if facets.laboratory is None:
        for index, item in enumerate(facets.items or ()):
            if item.status == "CONF":
                yield (
                    "confirmed-without-laboratory",
                    f"/items/{index}/status",
                    "Confirmed, and no laboratory is named.",
                )


def _order_of_times(facets: Facets) -> Iterator[Finding]:
    if facets.instant is not None and facets.reported is not None and facets.reported < facets.instant:
        yield "reported-before-seizure", "/reported", "Reported before it was seized."


def _null_island(facets: Facets) -> Iterator[Finding]:
    if facets.point is not None and facets.point.lat == 0 and facets.point.lon == 0:
        yield "null-island", "/where.point", "The position 0, 0 is usually a missing one."
