"""Ask one question: through the smallest grain of the cube, or through the rows; then as cells with exact sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.gate import Reach
from service.problems import Problem
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to
from service.trends.cube import DECIMALS, cells_in_cube, grain_for, over_cube
from service.trends.grains import PERSON, Grain
from service.trends.parts import Statement, labels
from service.trends.question import Trend
from service.trends.repeats import repeated
from service.trends.rows import cells_in_rows, over_rows

MAX_CELLS = 20_000
MAX_OWNERS = 300  # and the whole: rows beside the cells
MOST = MAX_CELLS + MAX_OWNERS
LOOKED_AT = 3 * MAX_CELLS  # rows, before a question of crossed dimensions is answered from all of them
# Dimensions of at most a few hundred values, and most of them of tens: two of these are never too many.
FEW = frozenset({"year", "owner", "group", "status", "unit", "rule", "transport", "place_type", "concealment",
                 "agency_type"})  # fmt: skip
COUNTS = ("events", "lines", "confirmed", "unconvertible", "persons")


class TooManyCells(Problem):
    """The answer would have more cells than one answer may have."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownLabel(Problem):
    """The catalogue has no such substance or group."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def _earlier(*days: date | None) -> date | None:
    return min((day for day in days if day), default=None)


def trimmed(value: Decimal) -> Decimal:
    """Without the decimals of what was taken away, as PostgreSQL's trim_scale."""
    return value.normalize() if value else Decimal(0)


# Questions of one shape are one text: their values are bound.
_text = lru_cache(maxsize=1000)(text)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its key in each dimension (None: not disclosed, empty: not stated) and its sums."""

    key: tuple[str | None, ...]
    counts: dict[str, int]
    sums: dict[str, Decimal]
    first: date | None = None  # the end of the first month with any record, where that is asked

    @property
    def number(self) -> int:
        """Of records, or of persons."""
        return self.counts.get("events", self.counts.get("persons", 0))

    def minus(self, other: "Cell") -> "Cell":
        """Less what another has of the same key; its first record stays, for it was reported."""
        counts = {name: value - other.counts.get(name, 0) for name, value in self.counts.items()}
        sums = {name: trimmed(value - other.sums.get(name, Decimal(0))) for name, value in self.sums.items()}
        return Cell(self.key, counts, sums, _earlier(self.first, other.first))

    def emptied(self) -> "Cell":
        """What it says of its first record alone."""
        return Cell(self.key, {}, {}, self.first)


@dataclass(frozen=True, slots=True)
class Answer:
    """The cells in order of their keys, the whole of the question (None: nothing), how many records of each owner are
    in it, and which grain answered.
    """

    cells: list[Cell]
    whole: Cell | None
    owners: dict[str, int]
    grain: str


async def ask(session: AsyncSession, question: Trend, catalogue: Catalogue, reach: Reach) -> Answer:
    """Raises TooManyCells, UnknownLabel, InvalidBox."""
    return await answered(session, question, await known_to(session, catalogue), reach)


async def answered(session: AsyncSession, question: Trend, catalogue: Catalogue, reach: Reach) -> Answer:
    """As `ask`, by the catalogue as the reader of this transaction knows it."""
    check_labels(question, catalogue)
    grain = grain_for(question)
    kept = labels(question, catalogue, grain.label if grain else "substance")
    repeats = await repeated(session)
    if _crossed(question, grain):
        some = (
            cells_in_rows(question, kept, reach, LOOKED_AT, apart=repeats)
            if grain is None
            else cells_in_cube(question, grain, kept, reach, LOOKED_AT)
        )
        _bounded(question, int(await session.scalar(_text(some.sql), some.values) or 0))
    if grain is not None:
        statement = over_cube(question, grain, kept, reach, MOST)
    else:
        statement = over_rows(question, kept, reach, MOST, apart=repeats)
    cells, whole, owners = await _read(session, statement, len(question.dimensions))
    _bounded(question, len(cells))
    if repeats and (grain is not None or "first" in question.measures):
        only = _only(repeats, question, grain, catalogue, reach)
        again, all_again, of_owners = await _read(session, only, len(question.dimensions))
        if grain is None:  # they are left out already
            again, all_again, of_owners = [c.emptied() for c in again], all_again and all_again.emptied(), {}
        cells, owners = without(cells, again), {owner: n - of_owners.get(owner, 0) for owner, n in owners.items()}
        whole = next(iter(without([whole], [all_again])), None) if whole and all_again else whole
    return Answer(cells, whole, owners, grain.name if grain else "rows")


def _crossed(question: Trend, grain: Grain | None) -> bool:
    """Whether its cells are counted on a part first: two dimensions of many values, and no small grain for them."""
    large = grain is None or bool({"cell", "admin1"} & {*grain.columns})
    return large and len(question.dimensions) == 2 and not {*question.dimensions} <= FEW


def _bounded(question: Trend, cells: int) -> None:
    """Raises TooManyCells."""
    if cells > MAX_CELLS:
        parameter, advice = question.narrowed
        raise TooManyCells(f"more than {MAX_CELLS}; ask for {advice}", parameter=parameter, expected=f"<= {MAX_CELLS}")


def _only(
    records: Sequence[UUID], question: Trend, grain: Grain | None, catalogue: Catalogue, reach: Reach
) -> Statement:
    """What these records by themselves say to a question that the cube answers."""
    if grain is PERSON:
        return over_cube(question, grain, labels(question, catalogue, None), reach, MOST, persons_of=records)
    return over_rows(question, labels(question, catalogue, "substance"), reach, MOST, only=records)


def check_labels(question: Trend, catalogue: Catalogue) -> None:
    """Raises UnknownLabel."""
    if question.substance is not None and catalogue.get(question.substance) is None:
        raise UnknownLabel(f"no entry has the code {question.substance}", parameter="substance")
    if question.group is not None and question.group not in catalogue.groups:
        raise UnknownLabel(f"{question.group} is no group", parameter="group", expected=sorted(catalogue.groups))


async def _read(
    session: AsyncSession, statement: Statement, dimensions: int
) -> tuple[list[Cell], Cell | None, dict[str, int]]:
    result = await session.execute(_text(statement.sql), statement.values)
    names = {name: place for place, name in enumerate(result.keys())}
    counts, sums = ([(name, names[name]) for name in all_ if name in names] for all_ in (COUNTS, DECIMALS))
    first = names.get("first")
    cells: list[Cell] = []
    owners: dict[str, int] = {}
    whole = None
    for row in result:
        cell = Cell(
            tuple(row[:dimensions]) if row.part == "cell" else (),
            {name: row[place] for name, place in counts},
            {name: row[place] for name, place in sums},
            None if first is None else row[first],
        )
        if row.part == "cell":
            cells.append(cell)
        elif row.part == "whole":
            whole = cell
        else:
            owners[row.owner] = cell.number
    return cells, whole, owners


def without(cells: Iterable[Cell], repeats: Iterable[Cell]) -> list[Cell]:
    """The cells less those of the repeated reports; what is left empty is gone. Pure."""
    less = {cell.key: cell for cell in repeats}
    found = []
    for cell in cells:
        kept = cell.minus(less[cell.key]) if cell.key in less else cell
        if any(kept.counts.values()):
            found.append(kept)
    return found
