"""The published noise table, and the look-up in it (Thompson, Broadfoot & Elazar 2013; Giessing & Tent 2019)."""

import csv
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

from service.disclosure.keys import MODULUS

COMMITTED = Path(__file__).parents[2] / "schemas" / "disclosure" / "ptable.csv"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Noises, and the exclusive upper bounds of the draws (below 2^32) that give them."""

    noises: tuple[Decimal, ...]
    uppers: tuple[int, ...]

    def at(self, drawn: int) -> Decimal:
        return self.noises[bisect_right(self.uppers, drawn)]


@dataclass(frozen=True, slots=True)
class NoiseTable:
    """`events`: by number of events, the last row for that many and more. `mass`: in shares of the largest record."""

    events: dict[int, Distribution]
    mass: Distribution

    def of_events(self, events: int, drawn: int) -> int:
        return int(self.events[min(events, max(self.events))].at(drawn))

    def of_mass(self, largest: Decimal, drawn: int) -> Decimal:
        return largest * self.mass.at(drawn)

    @property
    def most_events(self) -> int:
        """The largest deviation of a number of events, either way."""
        return int(max(abs(noise) for row in self.events.values() for noise in row.noises))

    @property
    def most_mass(self) -> Decimal:
        """The largest deviation of a mass, as a share of the cell's largest record."""
        return max(abs(noise) for noise in self.mass.noises)


def read(file: Path = COMMITTED) -> NoiseTable:
    """Raises ValueError where a row of the table does not cover every draw exactly once, in order."""
    lines: dict[tuple[str, str], list[tuple[Decimal, int]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as handle:
        for line in csv.DictReader(handle):
            lines[line["measure"], line["row"]].append((Decimal(line["noise"]), int(line["upper"])))
    rows = {}
    for key, entries in lines.items():
        noises, uppers = zip(*entries, strict=True)
        if uppers[-1] != MODULUS or any(low >= high for low, high in pairwise((0, *uppers))):
            raise ValueError(f"{file}: row {key} does not cover the draws")
        rows[key] = Distribution(noises, uppers)
    return NoiseTable(
        events={int(row): found for (measure, row), found in rows.items() if measure == "events"},
        mass=rows["mass", ""],
    )


@cache
def committed() -> NoiseTable:
    """The table of `schemas/disclosure`, which is the one in force."""
    return read()
