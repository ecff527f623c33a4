"""Cells of hidden records, as they may be told: each owner's part withheld where unsafe and disturbed otherwise, then
added up.

An owner's part is judged and disturbed by itself, never by what other owners have in the same cell: who takes its own
records (or those of a friend) out of a figure is left with figures of the others that could have been told alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from service.disclosure.keys import draw
from service.disclosure.noise import NoiseTable, committed
from service.disclosure.rules import MEMBERS, Rules, dominated, few, monopolised

FIGURES = 3  # significant digits of a published mass


@dataclass(frozen=True, slots=True)
class Cell:
    """The true figures of one owner's part of one cell: see the package for what each means. Masses are kilograms."""

    dimensions: tuple[str, ...]
    events: int
    weighed: int
    kg: Decimal
    largest: tuple[Decimal, ...]
    agency_largest: Decimal
    key_sum: int


@dataclass(frozen=True, slots=True)
class Disclosed:
    """What may be told of a cell. None is withheld; a cell without events has no mass either."""

    dimensions: tuple[str, ...]
    events: int | None
    kg: Decimal | None


@dataclass(frozen=True, slots=True)
class _Part:
    """One owner's part as it is counted: disturbed events, and the disturbed mass where it is safe by itself."""

    events: int
    kg: Decimal | None


def disclose(parts: Sequence[Cell], rules: Rules = MEMBERS, table: NoiseTable | None = None) -> list[Disclosed]:
    """One answer per cell (parts of the same dimensions), in the order given. The same records give the same answer in
    every question.
    """
    noise = table or committed()
    cells: dict[tuple[str, ...], list[Cell]] = {}
    for part in parts:
        cells.setdefault(part.dimensions, []).append(part)
    return [_disclosed(dimensions, found, rules, noise) for dimensions, found in cells.items()]


def _disclosed(dimensions: tuple[str, ...], parts: list[Cell], rules: Rules, noise: NoiseTable) -> Disclosed:
    """The sum of the parts that are counted; None where none is."""
    told = [(part, counted) for part in parts if (counted := _counted(part, rules, noise)) is not None]
    if not told:
        return Disclosed(dimensions, None, None)
    return Disclosed(dimensions, sum(counted.events for _, counted in told), _mass(told, rules))


def _counted(part: Cell, rules: Rules, noise: NoiseTable) -> _Part | None:
    """A part that its noise would show below the threshold is left out like one that lies below it, so that what is
    left out has between 0 and `least - 1 + most_events` events.
    """
    if few(part.events, rules):
        return None
    events = part.events + noise.of_events(part.events, draw(part.key_sum, "events"))
    return None if few(events, rules) else _Part(events, _part_mass(part, rules, noise))


def _part_mass(part: Cell, rules: Rules, noise: NoiseTable) -> Decimal | None:
    """The draw depends on the mass too: a correction that changes one record's mass draws anew, or the difference of
    the figures before and after would be that change.
    """
    if few(part.weighed, rules) or dominated(part.kg, part.largest, rules):
        return None
    drawn = draw(part.key_sum, "kg", part.kg.normalize())
    return part.kg + noise.of_mass(part.largest[0], drawn)


def _mass(told: Sequence[tuple[Cell, _Part]], rules: Rules) -> Decimal | None:
    """Of the very parts whose events are counted; None where one of them may not tell its mass, or one agency has
    nearly all of it.
    """
    masses = [counted.kg for _, counted in told if counted.kg is not None]
    largest = max(part.agency_largest for part, _ in told)
    if len(masses) < len(told) or monopolised(sum((part.kg for part, _ in told), Decimal(0)), largest, rules):
        return None
    return _rounded(sum(masses, Decimal(0)))


def _rounded(kg: Decimal) -> Decimal:
    if not kg:
        return kg
    return kg.quantize(Decimal(1).scaleb(kg.adjusted() - FIGURES + 1), ROUND_HALF_EVEN)
