"""Random records in fixed hierarchies, every margin of them, and what each rule would publish."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from service.disclosure import MEMBERS, Cell, Disclosed, disclose
from service.disclosure.keys import key_sum, record_key
from service.disclosure.noise import Distribution, NoiseTable
from service.disclosure.rules import Rules

MONTHS = ("2025-01", "2025-02", "2025-03")
UNITS = ("KZ-1", "KZ-2", "UZ-1", "UZ-2")
SUBSTANCES = ("g1.c1.a", "g1.c1.b", "g1.c2.a", "g1.c2.b", "g2.c3.a", "g2.c3.b", "g2.c4.a", "g2.c4.b")
LEAVES = tuple(product(MONTHS, UNITS, SUBSTANCES))
Leaf = tuple[str, str, str]

_ZERO = Distribution((Decimal(0),), (1 << 32,))
SILENT = NoiseTable({5: _ZERO}, _ZERO)  # no noise: the threshold and the dominance rule alone


@dataclass(frozen=True)
class Event:
    """One record with one substance."""

    id: uuid.UUID
    leaf: Leaf
    agency: str
    kg: Decimal


def events_at_random(seed: int) -> list[Event]:
    """Sparse and uneven, as seizures are: many cells have none or a few, and one in a hundred weighs more than the
    rest together.
    """
    chance = random.Random(seed)
    made = []
    for leaf in LEAVES:
        often = chance.choice((0.0, 0.7, 2.5, 6.0, 14.0))
        for _ in range(_poisson(chance, often)):
            made.append(
                Event(
                    id=uuid.UUID(int=chance.getrandbits(128)),
                    leaf=leaf,
                    agency=leaf[1][:2] + chance.choice(("-CUS", "-BG", "-PO")),
                    kg=Decimal(f"{chance.lognormvariate(0, 1.6):.3f}") + Decimal("0.001"),
                )
            )
    return made


def _poisson(chance: random.Random, mean: float) -> int:
    count, waited = 0, chance.expovariate(1)
    while waited < mean:
        count, waited = count + 1, waited + chance.expovariate(1)
    return count


def ancestors(leaf: Leaf) -> Iterator[tuple[str, str, str]]:
    """Every cell of the hierarchies that a leaf lies in."""
    month, unit, substance = leaf
    group, class_, _ = substance.split(".")
    yield from product((month, "2025-Q1", "2025"), (unit, unit[:2], "*"), (substance, f"{group}.{class_}", group, "*"))


def margins(events: list[Event], secret: bytes) -> dict[tuple[str, ...], Cell]:
    """The true figures of every cell of the hierarchies, empty ones too."""
    inside: dict[tuple[str, ...], list[Event]] = {cell: [] for leaf in LEAVES for cell in ancestors(leaf)}
    for event in events:
        for cell in ancestors(event.leaf):
            inside[cell].append(event)
    return {cell: cell_of(cell, found, secret) for cell, found in inside.items()}


def cell_of(dimensions: tuple[str, ...], events: list[Event], secret: bytes) -> Cell:
    agencies: dict[str, Decimal] = {}
    for event in events:
        agencies[event.agency] = agencies.get(event.agency, Decimal(0)) + event.kg
    return Cell(
        dimensions=dimensions,
        events=len(events),
        weighed=len(events),
        kg=sum((event.kg for event in events), Decimal(0)),
        largest=tuple(sorted((event.kg for event in events), reverse=True)[:2]),
        agency_largest=max(agencies.values(), default=Decimal(0)),
        key_sum=key_sum(record_key(secret, event.id) for event in events),
    )


def published(
    cells: dict[tuple[str, ...], Cell], rules: Rules = MEMBERS, table: NoiseTable | None = None
) -> dict[tuple[str, ...], Disclosed]:
    return {told.dimensions: told for told in disclose(list(cells.values()), rules, table)}
