"""Which cells are unsafe: too few contributors, or one that dominates.

Hundepool et al., Handbook on Statistical Disclosure Control (2nd edition 2024), magnitude tables: threshold,
p% rule, (n, k) dominance rule. The p% rule is the one the handbook prefers; (n, k) stands beside it for agencies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rules:
    """`least`: contributors of each owner, its events in a cell and its records with a mass (before and after noise).
    `p`: the largest record must not be estimable to within this share of itself by the second largest. `agency_share`:
    no agency may have more of a mass than this.
    """

    least: int = 5
    p: Decimal = Decimal("0.10")
    agency_share: Decimal = Decimal("0.90")

    def __post_init__(self) -> None:
        if self.least < 5:
            raise ValueError("a cell has at least 5 contributors")


MEMBERS = Rules()
PUBLIC = Rules(least=10)


def few(events: int, rules: Rules) -> bool:
    """Whether a part of a cell has too few contributors to be told."""
    return events < rules.least


def dominated(kg: Decimal, largest: Sequence[Decimal], rules: Rules) -> bool:
    """Whether a mass tells of one record: what remains after the two largest is less than p of the largest, so that
    whoever reported the second could estimate the first. Where it holds of no part, it holds of no sum of parts.
    """
    first, second = (*largest[:2], Decimal(0), Decimal(0))[:2]
    return kg - first - second < rules.p * first


def monopolised(kg: Decimal, agency_largest: Decimal, rules: Rules) -> bool:
    """Whether one agency has nearly all of a mass."""
    return agency_largest > rules.agency_share * kg
