"""What the two ways to an answer have in common: the words of a question as SQL over disclosed columns. Pure.

Values are always bound; SQL is put together from the constants of this folder only.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

import orjson

from service.geometry import CELL_RESOLUTION
from service.substances.catalogue import Catalogue
from service.trends.question import Trend

COLUMNS = {
    "country": "place_country",
    "admin1": "admin1",
    "cell": "cell",
    "transport": "transport_mode",
    "place_type": "place_type",
    "role": "person_role",
    "sex": "sex",
    "age_band": "age_band",
    "status": "status",
    "unit": "unit",
    "rule": "rule",
    **{name: name for name in ("origin", "transit", "destination", "certainty")},
}
PERIODS = {"month": "YYYY-MM", "quarter": 'YYYY"-Q"Q', "year": "YYYY"}
_BEGINS = "date_trunc('{0}', month_end::timestamp)"
MONTH_BEGINS = "date_trunc('month', month_end)::date"
EVENT_FILTERS = ("owner", "agency", "country", "admin1", "transport", "place_type", "certainty")
# The coarser H3 cell around a cell. (An index holds mode, resolution, base cell and 15 digits of 3 bits.)
PARENTS = {
    at: f"CASE WHEN cell <> '' THEN to_hex(('x0' || cell)::bit(64)::bigint & {~(15 << 52)}"
    f" | {at << 52 | (1 << 3 * (15 - at)) - 1}) ELSE cell END"
    for at in range(CELL_RESOLUTION)
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT and its parameters."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Labels:
    """Substances or groups of a question: what it keeps (None: all), and what each counts as (None: itself)."""

    kept: tuple[str, ...] | None
    names: dict[str, str] | None

    def values(self) -> dict[str, Any]:
        bound: dict[str, Any] = {}
        if self.kept is not None:
            bound["kept"] = list(self.kept)
        if self.names is not None:
            bound["names"] = orjson.dumps(self.names).decode()
        return bound


def labels(question: Trend, catalogue: Catalogue, label: str | None) -> Labels:
    """For rows that are labelled with substances, or with their groups."""
    if label == "substance_group":
        return Labels((question.group,) if question.group else None, None)
    kept: Set[str] | None = None
    if question.substance is not None:
        kept = catalogue.descendants(question.substance)
    if question.group is not None:
        kept = {c for c in (catalogue.entries if kept is None else kept) if catalogue.group(c) == question.group}
    names = None
    if "group" in question.dimensions:
        names = {code: catalogue.group(code) for code in catalogue.entries}
    elif question.level is not None and "substance" in question.dimensions:
        names = {code: _ancestor(entry.lineage, question.level) for code, entry in catalogue.entries.items()}
    elif catalogue.resolutions and "substance" in question.dimensions:
        names = dict(catalogue.resolutions)
    return Labels(None if kept is None else tuple(sorted(kept)), names)


def _ancestor(lineage: tuple[str, ...], level: int) -> str:
    """The entry at this depth above the last of a lineage (itself, its parent, …, the root at 0)."""
    return lineage[max(0, len(lineage) - 1 - level)]


def key(dimension: str, resolution: int = CELL_RESOLUTION) -> str:
    """What a row is called in one dimension, as text. NULL: not disclosed; empty: not stated."""
    if dimension == "cell" and resolution in PARENTS:
        return PARENTS[resolution]
    if dimension == "day":
        undisclosed = "to_char(CASE WHEN day IS NULL THEN month_end END, 'YYYY-MM')"
        return f"coalesce(to_char(day, 'YYYY-MM-DD'), {undisclosed})"
    if dimension in PERIODS:
        begins = "month_end" if dimension == "month" else _BEGINS.format(dimension)
        return f"to_char({begins}, '{PERIODS[dimension]}')"
    if dimension in ("substance", "group"):
        return "name"
    if dimension in ("owner", "agency", "agency_type"):
        return dimension
    return f"{COLUMNS[dimension]}::text"


def grouped(dimension: str, resolution: int = CELL_RESOLUTION) -> tuple[str, ...]:
    """What rows of one `key` have in common: as text the key is made of each group, and not of each row."""
    if dimension == "day":
        return "day", "CASE WHEN day IS NULL THEN month_end END"
    if dimension == "month":
        return ("month_end",)
    if dimension in PERIODS:
        return (_BEGINS.format(dimension),)
    return (key(dimension, resolution),)


def agency_type(question: Trend) -> str:
    """A column for what kind of agency filed: the register says."""
    if "agency_type" not in question.dimensions:
        return ""
    return ", (SELECT a.type FROM core.agency a WHERE a.code = agency) AS agency_type"


def conditions(question: Trend) -> tuple[list[str], dict[str, Any]]:
    """What a row must have, beside its substances; every column is the disclosed one."""
    found: list[str] = []
    values: dict[str, Any] = {}
    if question.since is not None:
        found.append("month_end >= :since")
        values["since"] = question.since
    if question.until is not None:
        found.append("month_end < (date_trunc('month', CAST(:until AS date) - 1) + interval '1 month')::date")
        values["until"] = question.until
    if not question.whole_months:
        day = f"coalesce(day, {MONTH_BEGINS})"
        found += [f"{day} {sign} :{name}" for name, sign in (("since", ">="), ("until", "<")) if name in values]
    for name in EVENT_FILTERS:
        if (value := getattr(question, name, None)) is not None:
            found.append(f"{COLUMNS.get(name, name)} = :{name}")
            values[name] = value
    return found, values
