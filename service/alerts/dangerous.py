"""Substances whose mere appearance is a warning: data with reason and source (`schemas/alerts/dangerous.csv`).

`status` is `sourced`, or `reviewed` by two persons of the members besides.
"""

import csv
from functools import cache
from pathlib import Path

from service.substances.catalogue import Catalogue

TABLE = Path(__file__).resolve().parents[2] / "schemas" / "alerts" / "dangerous.csv"


@cache
def listed() -> tuple[tuple[str, str], ...]:
    """(code, why and who says so) of the table."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple((row["substance"], f"{row['why']} ({row['source']})") for row in csv.DictReader(file))


def dangerous(catalogue: Catalogue) -> dict[str, str]:
    """Every code that counts: those of the table, and everything below them."""
    return {code: why for above, why in listed() for code in catalogue.descendants(above)}
