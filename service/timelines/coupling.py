"""Which precursors belong to which product: `schemas/substances/precursors.csv`, an editable table with its sources.

Coarse on purpose: it says what is looked at together, never how anything is made.
"""

import csv
from functools import cache
from pathlib import Path

from service.substances.catalogue import Catalogue

TABLE = Path(__file__).parents[2] / "schemas" / "substances" / "precursors.csv"


@cache
def couplings() -> tuple[tuple[str, str, str], ...]:
    """(product, precursor, source) in the order of the table."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple((row["product"], row["precursor"], row["source"]) for row in csv.DictReader(file))


def precursors_of(product: str, catalogue: Catalogue) -> dict[str, str]:
    """Precursor → source, for couplings of the product itself, of a class that it is in, and of what is in it."""
    within = catalogue.descendants(product)
    return {
        precursor: source
        for coupled, precursor, source in couplings()
        if coupled in within or product in catalogue.descendants(coupled)
    }
