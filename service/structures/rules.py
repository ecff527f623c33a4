"""The triage rules: which group a structure looks like. Data with test structures (`schemas/substances/triage.csv`).

A triage is a suggestion to a person and never a legal statement: most of what a pattern fits was never controlled.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "schemas" / "substances" / "triage.csv"


@dataclass(frozen=True, slots=True)
class TriageRule:
    """`smarts` any, `unless` none. `nps_group` is UNODC's; `effect_group` is empty where none is stated.

    `tested`: of the entries whose group the catalogue knows, how many it puts into theirs; it puts none into another.
    `status`: `tested`, or `reviewed` by two persons of the members besides.
    """

    rule: str
    position: int
    nps_group: str
    effect_group: str
    parent: str
    title: str
    smarts: tuple[str, ...]
    unless: tuple[str, ...]
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    source: str
    tested: int
    status: str


@cache
def triage_rules() -> tuple[TriageRule, ...]:
    """In the order in which they are asked: the first that fits counts."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        rules = [_rule(row) for row in csv.DictReader(file)]
    return tuple(sorted(rules, key=lambda rule: rule.position))


def _rule(row: dict[str, str]) -> TriageRule:
    return TriageRule(
        rule=row["rule"],
        position=int(row["position"]),
        nps_group=row["nps_group"],
        effect_group=row["effect_group"],
        parent=row["parent"],
        title=row["title"],
        smarts=_patterns(row["smarts"]),
        unless=_patterns(row["unless"]),
        matches=tuple(row["matches"].split()),
        spares=tuple(row["spares"].split()),
        source=row["source"],
        tested=int(row["tested"]),
        status=row["status"],
    )


def _patterns(cell: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for pattern in cell.split(" ; ") if pattern.strip())
