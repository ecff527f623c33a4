"""In which period a month lies, and in which class a substance: written from the definition of the hierarchies."""

from collections.abc import Mapping, Sequence


def period_of(month: str, level: str) -> str:
    """The year, quarter or month that a month (`2026-05`) lies in: `2026`, `2026-Q2`, `2026-05`."""
    year, number = month.split("-")
    return {"year": year, "quarter": f"{year}-Q{(int(number) + 2) // 3}", "month": month}[level]


def class_of(lineage: Sequence[str], group_of: Mapping[str, str]) -> str:
    """The class of a substance: the highest entry of its lineage (itself first) below a change of policy group."""
    own, top = group_of[lineage[0]], lineage[0]
    for code in lineage:
        if group_of[code] != own:
            break
        top = code
    return top
