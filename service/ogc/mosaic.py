"""The sums of a map: what the reader is given, by cell, from the map's grain of the cube and the fresh rows.

All of time, or whole years, stand as such where nothing cuts through them (`gate.plain`), months for the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

import h3
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.policies.gate import Reach
from service.problems import Problem
from service.records.registry import BITS
from service.substances.catalogue import Catalogue
from service.trends.ask import UnknownLabel
from service.trends.question import FIRST, LAST
from service.trends.repeats import repeated

_CELL = 1 << BITS["where.point"] | 1 << BITS["where.cell"]


class ImpossibleMap(Problem):
    """A map is of whole months that begin before they end."""

    status = HTTPStatus.BAD_REQUEST


class Map(BaseModel):
    """What a map counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[date | None, Field(alias="from", description="First month, YYYY-MM.")] = None
    until: Annotated[date | None, Field(alias="to", description="Month after the last, YYYY-MM.")] = None
    group: Annotated[
        str | None, Field(description="Policy group of substances; then with kilograms.", max_length=40)
    ] = None
    owner: Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="Country that reported.")] = None

    @field_validator("since", "until", mode="before")
    @classmethod
    def _whole_month(cls, value: object) -> object:
        return f"{value}-01" if isinstance(value, str) and len(value) == 7 else value

    def check(self, catalogue: Catalogue) -> None:
        """Raises ImpossibleMap, UnknownLabel."""
        if self.group is not None and self.group not in catalogue.groups:
            raise UnknownLabel(f"{self.group} is no group", parameter="group", expected=sorted(catalogue.groups))
        for name, day in (("from", self.since), ("to", self.until)):
            if day is not None and (day.day != 1 or not FIRST <= day <= LAST):
                raise ImpossibleMap("a month, such as 2025-03", parameter=name, expected=[str(FIRST), str(LAST)])
        if (self.since or FIRST) >= (self.until or LAST):
            raise ImpossibleMap("it ends before it begins", parameter="to", expected="after from")

    def spans(self, plain: bool) -> Iterator[tuple[str, date, date]]:
        """(`a`, `y` or `m`, from, to): all of time or whole years where that is allowed, what is left as months."""
        since, until = self.since or FIRST, self.until or LAST
        if plain and (since, until) == (FIRST, LAST):
            yield "a", since, until
            return
        first, last = since.year + (since.month > 1), until.year
        if not plain or first >= last:
            yield "m", since, until
            return
        yield "y", date(first, 1, 1), date(last, 1, 1)
        for left, right in ((since, date(first, 1, 1)), (date(last, 1, 1), until)):
            if left < right:
                yield "m", left, right


@dataclass(slots=True)
class Sum:
    """One cell: seizures, and under a group lines, how many of them are confirmed, kilograms."""

    events: int = 0
    lines: int = 0
    confirmed: int = 0
    kg: Decimal = Decimal(0)

    def add(self, row: Any, sign: int = 1) -> None:
        self.events += sign * int(row.events)
        self.lines += sign * int(row.lines)
        self.confirmed += sign * int(row.confirmed)
        self.kg += sign * row.kg


@dataclass(slots=True)
class Mosaic:
    """Sums by cell, and how many seizures of each owner are in them."""

    cells: dict[str, Sum] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)


_SUMS = "sum(events) AS events, sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg) AS kg"
_EVENTS = """sum(CASE WHEN substance_group = ANY (string_to_array(before_groups, ',')) THEN 0 ELSE events END)
  AS events, sum(lines) AS lines, sum(confirmed) AS confirmed, sum(kg_exact + kg_converted) AS kg"""
_PLAIN = text("SELECT gate.plain()")


async def mosaic(
    session: AsyncSession, asked: Map, reach: Reach, resolution: int, cells: Sequence[str] | None
) -> Mosaic:
    """The cells of a resolution (2 to 5) that have seizures, of `cells` or of all."""
    found = Mosaic()
    leaves = _leaves(asked, reach)
    if not leaves:
        return found
    kept, values = await _kept(session, asked, leaves, resolution, cells)
    repeats = await repeated(session)
    parts = [
        f"""SELECT cell, owner, {_SUMS}, true AS kept, 1 AS sign FROM ({kept}) k
          GROUP BY GROUPING SETS ((cell), (owner))""",
        *(f"SELECT f.*, false, 1 FROM ({_fresh(asked, leaf)}) f" for leaf in leaves),
    ]
    if repeats:
        parts += [f"SELECT f.*, false, -1 FROM ({_again(asked, leaf)}) f" for leaf in leaves]
        values["again"] = repeats
    looked_up = None if cells is None else frozenset(cells)
    for row in await session.execute(text(" UNION ALL ".join(parts)), values):
        cell = row.cell if row.kept or row.cell is None else h3.cell_to_parent(row.cell, resolution)
        if looked_up is not None and cell is not None and cell not in looked_up:
            continue
        if cell is not None:
            found.cells.setdefault(cell, Sum()).add(row, row.sign)
        if row.owner is not None:
            found.owners[row.owner] = found.owners.get(row.owner, 0) + row.sign * int(row.events)
    found.cells = {cell: found.cells[cell] for cell in sorted(found.cells) if found.cells[cell].events}
    found.owners = {owner: n for owner, n in found.owners.items() if n}
    return found


async def named(
    session: AsyncSession,
    asked: Map,
    reach: Reach,
    resolution: int,
    cells: Sequence[str] | None,
    *,
    after: str,
    most: int,
) -> tuple[list[str], bool]:
    """Cells that may have seizures, the first `most` of the names that follow `after`; and whether more follow."""
    leaves = _leaves(asked, reach)
    if not leaves:
        return [], False
    kept, values = await _kept(session, asked, leaves, resolution, cells)
    first = f"SELECT DISTINCT cell FROM ({kept}) k WHERE cell > :after ORDER BY cell LIMIT :most"
    names = set((await session.execute(text(first), values | {"after": after, "most": most + 1})).scalars())
    for leaf in leaves:
        fresh = text(f"SELECT DISTINCT cell FROM ({_fresh(asked, leaf)}) f")
        parents = {h3.cell_to_parent(cell, resolution) for cell in (await session.execute(fresh, values)).scalars()}
        names |= {cell for cell in parents if cell > after and (cells is None or cell in cells)}
    return sorted(names)[:most], len(names) > most


async def _kept(
    session: AsyncSession, asked: Map, leaves: list[str], resolution: int, cells: Sequence[str] | None
) -> tuple[str, dict[str, Any]]:
    """The question to the map's grain, and what it and the others are asked with."""
    values: dict[str, Any] = {"resolution": resolution, "group": asked.group, "owner": asked.owner}
    values |= {"since": asked.since, "until": asked.until}
    wanted = [_label(asked), "resolution = :resolution"]
    if cells is not None:
        wanted.append("cell = ANY (CAST(:cells AS text[]))")
        values["cells"] = f"{{{','.join(cells)}}}"
    if asked.owner is not None:
        wanted.append("owner = :owner")
    parts = []
    spans = list(asked.spans(bool(await session.scalar(_PLAIN))))
    for leaf in leaves:
        for n, (span, since, until) in enumerate(spans):
            of_time = [] if leaf else [f"month_end >= :since{n}", f"month_end < :until{n}"]
            values |= {f"since{n}": since, f"until{n}": until}
            where = " AND ".join([*wanted, f"span = '{span}'", *of_time])
            parts.append(f"SELECT cell, owner, events, lines, confirmed, kg FROM shared.cube_map{leaf} WHERE {where}")
    return " UNION ALL ".join(parts), values


def _label(asked: Map) -> str:
    return "substance_group IS NULL" if asked.group is None else "substance_group = :group"


def _leaves(asked: Map, reach: Reach) -> list[str]:
    """The views of scopes with a time, and without one: what has no time is in no period."""
    needed = 1 << BITS["items"] if asked.group else 0

    def given(*levels: str) -> bool:
        return any(m and m & _CELL and m & needed == needed for m in (reach.levels[level] for level in levels))

    leaves = [""] if given("instant", "day", "month") else []
    if asked.since is None and asked.until is None and given("undated"):
        leaves.append("_undated")
    return leaves


def _fresh(asked: Map, leaf: str) -> str:
    where = [_label(asked), "kind = 'seizure'", "entry IN ('e', 'l')", "cell <> ''"]
    if asked.owner is not None:
        where.append("owner = :owner")
    if asked.since is not None:
        where.append("month_end >= :since")
    if asked.until is not None:
        where.append("month_end < :until")
    return (
        f"SELECT cell, owner, {_EVENTS} FROM shared.cube_fresh{leaf} WHERE {' AND '.join(where)} GROUP BY cell, owner"
    )


def _again(asked: Map, leaf: str) -> str:
    """Of reports whose event another report counts: what the sums hold of them."""
    where = ["f.record_id = ANY (:again)", "f.kind = 'seizure'", "f.cell <> ''"]
    if asked.group is not None:
        where.append("s.policy_group = :group")
    if asked.owner is not None:
        where.append("f.owner = :owner")
    if asked.since is not None:
        where.append("f.month_end >= :since")
    if asked.until is not None:
        where.append("f.month_end < :until")
    return f"""SELECT f.cell, f.owner, count(DISTINCT f.record_id) AS events, count(l.line) AS lines,
      count(*) FILTER (WHERE l.status = 'CONF') AS confirmed, coalesce(sum(l.kg), 0) AS kg
    FROM shared.report_fact{leaf} f
      LEFT JOIN shared.report_line l ON (l.record_id, l.version) = (f.record_id, f.version)
      LEFT JOIN core.substance s ON s.code = l.substance
    WHERE {" AND ".join(where)} GROUP BY f.cell, f.owner"""
