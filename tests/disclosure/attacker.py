"""An attacker who has every published figure, knows the rules and the noise table, and can solve linear programmes.

One unknown for each finest cell. Every figure told bounds a sum of unknowns from both sides by the largest deviation of
the noise table; every figure withheld bounds it by what the rules withhold. For masses the attacker even knows the
largest record of every cell that is told. The least and greatest value of a cell that fit all of this are what the
attack yields.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from service.disclosure import Cell, Disclosed
from service.disclosure.noise import NoiseTable
from service.disclosure.rules import Rules
from tests.disclosure.tables import LEAVES, ancestors

Name = tuple[str, ...]


@dataclass(frozen=True)
class Attack:
    """Bounds on the sums over the finest cells of each cell of the hierarchies."""

    rows: dict[Name, list[int]]
    matrix: csr_array
    bounds: np.ndarray

    def interval(self, cell: Name) -> tuple[float, float]:
        """The least and greatest value of a cell that no published figure contradicts."""
        goal = np.zeros(len(LEAVES))
        goal[self.rows[cell]] = 1
        low = linprog(goal, A_ub=self.matrix, b_ub=self.bounds, bounds=(0, None), method="highs")
        high = linprog(-goal, A_ub=self.matrix, b_ub=self.bounds, bounds=(0, None), method="highs")
        assert low.status == 0, low.message
        return float(low.fun), float(-high.fun) if high.status == 0 else float("inf")


def _rows() -> dict[Name, list[int]]:
    rows: dict[Name, list[int]] = {}
    for index, leaf in enumerate(LEAVES):
        for cell in ancestors(leaf):
            rows.setdefault(cell, []).append(index)
    return rows


ROWS = _rows()


def attack_on(known: Mapping[Name, tuple[float, float]]) -> Attack:
    """`known`: least and greatest sum of a cell; cells over the same unknowns are one."""
    tightest: dict[tuple[int, ...], tuple[float, float]] = {}
    for cell, (low, high) in known.items():
        unknowns = tuple(ROWS[cell])
        before = tightest.get(unknowns, (0.0, float("inf")))
        tightest[unknowns] = max(low, before[0]), min(high, before[1])
    data, row, column, limits = [], [], [], []
    for unknowns, (low, high) in tightest.items():
        for sign, limit in ((1.0, high), (-1.0, -low)):
            if np.isfinite(limit):
                row += [len(limits)] * len(unknowns)
                column += unknowns
                data += [sign] * len(unknowns)
                limits.append(limit)
    matrix = csr_array((data, (row, column)), shape=(len(limits), len(LEAVES)))
    return Attack(ROWS, matrix, np.array(limits))


def on_events(told: Mapping[Name, Disclosed], rules: Rules, table: NoiseTable) -> Attack:
    """What the published numbers of events tell."""
    most = table.most_events
    known = {
        cell: (0, rules.least - 1 + most)
        if figure.events is None
        else (max(rules.least, figure.events - most), figure.events + most)
        for cell, figure in told.items()
    }
    return attack_on(known)


def on_mass(told: Mapping[Name, Disclosed], true: Mapping[Name, Cell], table: NoiseTable) -> Attack:
    """What the published masses tell to who knows the largest record of each."""
    known = {}
    for cell, figure in told.items():
        if figure.kg is not None:
            rounding = 0.5 * 10.0 ** (figure.kg.adjusted() - 2)
            reach = float(table.most_mass * true[cell].largest[0]) + rounding
            known[cell] = max(0.0, float(figure.kg) - reach), float(figure.kg) + reach
    return attack_on(known)
