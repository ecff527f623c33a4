"""The fixed hierarchies: the only cells that aggregates under disclosure control are asked for.

time: year > quarter > month. place (of the seizure): region > country > admin1. substance: all > group > class >
substance, where the class of a substance is its highest ancestor in the catalogue within the same policy group, so that
every code lies in one class and every class in one group. A cell is one value of one level in each dimension.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from service.problems import Problem

Time = Literal["year", "quarter", "month"]
Place = Literal["region", "country", "admin1"]
Substance = Literal["all", "group", "class", "substance"]

LEVELS: Mapping[str, tuple[str, ...]] = {
    "time": ("year", "quarter", "month"),
    "place": ("region", "country", "admin1"),
    "substance": ("all", "group", "class", "substance"),
}
ALL = "*"  # the one value of the levels `region` and `all`
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class OutsideHierarchy(Problem):
    """Aggregates are given for the levels of fixed hierarchies only."""


class Levels(NamedTuple):
    """One table: a level of each dimension."""

    time: str
    place: str
    substance: str


def check_levels(levels: Levels) -> None:
    """Raises OutsideHierarchy unless each is a level of its dimension."""
    for dimension, level in levels._asdict().items():
        if level not in LEVELS[dimension]:
            raise OutsideHierarchy(
                f"{dimension} is one of {', '.join(LEVELS[dimension])}",
                pointer=f"/{dimension}",
                expected=list(LEVELS[dimension]),
            )


def period_of(month: str, level: str) -> str:
    """The year, quarter or month that a month (`2026-05`) lies in: `2026`, `2026-Q2`, `2026-05`.

    Raises ValueError for anything but a month and a level of time.
    """
    found = _MONTH.fullmatch(month)
    if found is None or level not in LEVELS["time"]:
        raise ValueError(f"{month!r} is no month, or {level!r} no level of time")
    year, number = found.groups()
    return {"year": year, "quarter": f"{year}-Q{(int(number) + 2) // 3}", "month": month}[level]


def class_of(lineage: Sequence[str], group_of: Mapping[str, str]) -> str:
    """The class of a substance: the highest entry of its lineage (itself first) below a change of policy group."""
    own, top = group_of[lineage[0]], lineage[0]
    for code in lineage:
        if group_of[code] != own:
            break
        top = code
    return top
