"""What laboratories measured, from the cube: the values themselves, for quartiles do not add up (migration 0028)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.trends.ask import TooManyCells
from service.trends.parts import Labels, agency_type, conditions, grouped, key
from service.trends.question import Trend

Key = tuple[str | None, ...]
SHARES = (0.25, 0.5, 0.75)
MOST_VALUES = 2_000_000  # 12 bytes each on their way
# Of `array_send`, after its head: the length of an element, and the element.
_SENT = np.dtype([("length", ">i4"), ("value", ">f8")])
_HEAD = 20


@dataclass
class Contents:
    """Of one cell, unit and basis: what was measured, in parts, what of it was taken away again, and in how many
    analyses.
    """

    held: list[NDArray[np.float64]] = field(default_factory=list)
    gone: list[NDArray[np.float64]] = field(default_factory=list)
    analyses: int = 0

    def values(self) -> NDArray[np.float64]:
        """Sorted."""
        every = np.concatenate([np.empty(0), *self.held, *self.gone])
        sign = np.ones(len(every))
        sign[sum(map(len, self.held)) :] = -1
        values, at = np.unique(every, return_inverse=True)
        return np.repeat(values, np.bincount(at, sign).astype(int).clip(0))


@dataclass
class Found:
    """By key, unit and basis, in order; and how many analyses of each owner are in the question."""

    cells: dict[tuple[Key, str, str], Contents]
    owners: dict[str, int]


def quartiles(values: NDArray[np.float64]) -> list[float]:
    """By linear interpolation between the values, which are sorted. Raises IndexError where there are none."""
    found = []
    for share in SHARES:
        place = share * (len(values) - 1)
        low = int(place)
        under, over = float(values[low]), float(values[min(low + 1, len(values) - 1)])
        found.append(under + (place - low) * (over - under))
    return found


async def contents(session: AsyncSession, question: Trend, known: Labels, most: int) -> Found:
    """Raises TooManyCells where there are `most` keys with contents, or more, or over MOST_VALUES contents."""
    where, values = conditions(question)
    if question.about_lines:
        where.append("substance IS NOT NULL" if known.kept is None else "substance = ANY (:kept)")
        values |= {"kept": list(known.kept)} if known.kept is not None else {}
    views = ["cube_content"] + (["cube_content_undated"] if question.period is None else [])
    named = [name for name in question.dimensions if name not in ("substance", "group")]
    apart = ["owner", "unit", "basis", "before", *(["substance"] if question.about_lines else [])]
    keys = "".join(f", {key(name)} AS d{n}" for n, name in enumerate(named))
    groups = ", ".join([*apart, *(of for name in named for of in grouped(name))])
    columns = f"*{agency_type(question)}"
    rows = " UNION ALL ".join(
        f"SELECT {columns} FROM shared.{v} v WHERE {' AND '.join(where) or 'true'}" for v in views
    )
    net = f"FROM ({rows}) r GROUP BY {groups} HAVING sum(sign * cardinality(contents)) <> 0"
    number = f"SELECT count(*) AS keys, sum(n) AS n FROM (SELECT sum(sign * cardinality(contents)) AS n {net}) k"
    counted = (await session.execute(text(number), values)).one()
    if counted.keys >= most or (counted.n or 0) > MOST_VALUES:
        raise TooManyCells("too many contents to be read", parameter="by", expected="fewer dimensions, or a period")
    sent = f"string_agg(substr(array_send(contents), {_HEAD + 1}), '') FILTER (WHERE sign"
    sql = f"""
    SELECT {", ".join(apart)}, sum(sign * cardinality(contents)) AS n, {sent} > 0) AS held, {sent} < 0) AS gone{keys}
    {net}"""
    found = (await session.execute(text(sql), values)).all()
    return await asyncio.to_thread(_found, question, known, found, len(apart) + 3)


def _found(question: Trend, known: Labels, rows: Sequence[Row[Any]], first: int) -> Found:
    cells: dict[tuple[Key, str, str], Contents] = {}
    owners: Counter[str] = Counter()
    for row in rows:
        others = iter(row[first:])
        name = _named(known, row.substance) if question.about_lines else None
        at: Key = tuple(name if of in ("substance", "group") else next(others) for of in question.dimensions)
        cell = cells.setdefault((at, row.unit, row.basis), Contents())
        for sent, parts in ((row.held, cell.held), (row.gone, cell.gone)):
            if sent is not None:
                parts.append(np.frombuffer(sent, _SENT)["value"].astype(float))
        before = [_Before.of(word) for word in row.before.split(",")] if row.before is not None else []
        kept = [b for b in before if not question.about_lines or _kept(known, b.substance)]
        if not kept:
            owners[row.owner] += row.n
        by_name = bool({"substance", "group"} & {*question.dimensions})
        if not any(
            (b.unit, b.basis) == (row.unit, row.basis) and (not by_name or _named(known, b.substance) == name)
            for b in kept
        ):
            cell.analyses += row.n
    return Found(
        {at: cells[at] for at in sorted(cells, key=_order) if cells[at].analyses},
        {owner: n for owner, n in sorted(owners.items()) if n},
    )


@dataclass(frozen=True, slots=True)
class _Before:
    """A content of the same analysis that stands before another."""

    substance: str
    unit: str
    basis: str

    @classmethod
    def of(cls, word: str) -> "_Before":
        return cls(*word.split(":"))


def _named(known: Labels, substance: str) -> str:
    return substance if known.names is None else known.names.get(substance, substance)


def _kept(known: Labels, substance: str) -> bool:
    """Whether a content of this substance is in a question about substances."""
    return bool(substance) and (known.kept is None or substance in known.kept)


def _order(at: tuple[Key, str, str]) -> tuple[object, ...]:
    named, unit, basis = at
    return tuple((part is None, part or "") for part in named), unit, basis
