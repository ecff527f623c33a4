"""Sheets from records: one row after the other, or totals by the columns that are no measures. Pure.

Nothing is rounded and nothing estimated: a sum adds what converts, and says in a column of its own what does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median_low
from typing import Any, TypeVar

from service.packs.forms import Column, Form, Sheet
from service.packs.say import Context, Registers, holds, said, values

T = TypeVar("T", str, Decimal)
MOST_ROWS = 100_000  # of a pack; a year of a country has some tens of thousands of items


@dataclass
class Filling:
    """One sheet while it is filled."""

    sheet: Sheet
    form: Form
    registers: Registers
    rows: list[list[str]] = field(default_factory=list)
    groups: dict[tuple[str, ...], list["_Cell"]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)

    def add(self, context: Context) -> None:
        if not holds(context, self.sheet.where):
            return
        self.records.add(context["record"]["id"])
        words = [
            "" if column.measure else said(column, context, self.form, self.registers) for column in self.sheet.columns
        ]
        if not self.sheet.totals:
            self.rows.append(words)
            return
        key = tuple(word for word, column in zip(words, self.sheet.columns, strict=True) if not column.measure)
        cells = self.groups.setdefault(key, [_Cell(column) for column in self.sheet.columns if column.measure])
        for cell in cells:
            cell.add(context)

    def done(self) -> dict[str, Any]:
        """The sheet as it is frozen. Rows of totals stand in the order of their groups."""
        for key, cells in sorted(self.groups.items()):
            words, measured = iter(key), iter(cells)
            self.rows.append(
                [next(measured).text() if column.measure else next(words) for column in self.sheet.columns]
            )
        return {
            "name": self.sheet.name,
            "note": self.sheet.note,
            "columns": [
                {"name": column.name, "number": column.numeric, "form_name": column.form_name}
                for column in self.sheet.columns
            ],
            "rows": self.rows,
            "records": len(self.records),
        }


@dataclass
class _Cell:
    """One measure of one group."""

    column: Column
    records: set[str] = field(default_factory=set)
    rows: int = 0
    found: list[str] = field(default_factory=list)

    def add(self, context: Context) -> None:
        if not holds(context, self.column.where):
            return
        self.rows += 1
        self.records.add(context["record"]["id"])
        for path in self.column.paths:
            self.found.extend(values(context, path))

    def text(self) -> str:
        match self.column.measure:
            case "records":
                return str(len(self.records))
            case "rows":
                return str(self.rows)
            case "sum":
                return _plain(sum((Decimal(value) for value in self.found), Decimal(0))) if self.found else ""
            case "min" | "max" | "median":
                return _of_order(self.column.measure, self.found)
        return ""


def _of_order(measure: str, found: Sequence[str]) -> str:
    """Numbers by size, months by time; of an even number of values the lower of the two in the middle."""
    if not found:
        return ""
    try:
        return _plain(_chosen(measure, [Decimal(value) for value in found]))
    except ArithmeticError:
        return _chosen(measure, found)


def _chosen(measure: str, found: Sequence[T]) -> T:
    return min(found) if measure == "min" else max(found) if measure == "max" else median_low(found)


def _plain(value: Decimal) -> str:
    return format(value.normalize() if value else Decimal(0), "f")
