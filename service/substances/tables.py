"""The catalogue as rows: what `schemas/substances/*.csv` and the database both hold, before it is indexed."""

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class SubstanceGroup:
    """A group that policies speak of. `bit` is its place in policy masks and never changes."""

    bit: int
    code: str
    name_en: str
    name_ru: str


@dataclass(frozen=True, slots=True)
class Substance:
    """One entry. Identifiers are those of the base, not of a salt; what no source states is None."""

    code: str
    kind: str
    parent: str | None
    name_en: str
    name_ru: str | None
    group: str
    nps_group: str | None
    cas: str | None
    inchikey: str | None
    smiles: str | None
    formula: str | None
    hs: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class SubstanceName:
    """Another name of an entry; `count` is how often the name was reported, where that is known."""

    code: str
    language: str
    text: str
    kind: str
    source: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Convention (1961, 1971 or 1988) and schedule or table, true on the date `as_of`."""

    code: str
    convention: str
    schedule: str
    as_of: date
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class SubstanceSource:
    """Where a fact of an entry comes from; `source` is a `Reference.ref`."""

    code: str
    fact: str
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    ref: str
    title: str
    status: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit; `factor` leads to kilograms, litres, square metres or single pieces, by `dimension`."""

    code: str
    ucum: str | None
    rec20: str | None
    name_en: str
    name_ru: str
    dimension: str
    factor: Decimal
    rule: str
    source: str


@dataclass(frozen=True, slots=True)
class UnitName:
    """A spelling of a unit; `multiplier` is 1000 for "thousand of doses"."""

    code: str
    multiplier: Decimal
    language: str
    text: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A conversion rule. With a substance, it holds for that entry and everything below it."""

    rule: str
    substance: str | None
    unit: str | None
    kg_low: Decimal | None
    kg_high: Decimal | None
    kg_typical: Decimal | None
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Tables:
    groups: tuple[SubstanceGroup, ...]
    references: tuple[Reference, ...]
    entries: tuple[Substance, ...]
    names: tuple[SubstanceName, ...]
    schedules: tuple[Scheduling, ...]
    sources: tuple[SubstanceSource, ...]
    units: tuple[UnitRow, ...]
    unit_names: tuple[UnitName, ...]
    rules: tuple[RuleRow, ...]


FILES: dict[str, type[Any]] = {
    "groups": SubstanceGroup,
    "references": Reference,
    "entries": Substance,
    "names": SubstanceName,
    "schedules": Scheduling,
    "sources": SubstanceSource,
    "units": UnitRow,
    "unit_names": UnitName,
    "rules": RuleRow,
}


def read(folder: Path) -> Tables:
    """The committed tables. Raises ValueError where a header is not the one this code was written for."""
    return Tables(**{name: tuple(_rows(folder / f"{name}.csv", row)) for name, row in FILES.items()})


def digest(folder: Path) -> str:
    """SHA-256 over the files in a fixed order: equal digest, equal catalogue."""
    content = hashlib.sha256()
    for name in FILES:
        content.update(name.encode() + b"\0" + (folder / f"{name}.csv").read_bytes() + b"\0")
    return content.hexdigest()


def _rows(path: Path, row: type[Row]) -> Iterable[Row]:
    columns = [field.name for field in fields(row)]  # type: ignore[arg-type]
    hints = get_type_hints(row)
    convert = [_converter(hints[column]) for column in columns]
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        header = next(lines)
        if header != columns:
            raise ValueError(f"{path.name}: expected the columns {columns}, found {header}")
        for line in lines:
            yield row(*(to(cell) for to, cell in zip(convert, line, strict=True)))


def _converter(hint: Any) -> Callable[[str], Any]:
    optional = type(None) in getattr(hint, "__args__", ())
    kind = next((k for k in getattr(hint, "__args__", ()) if k is not type(None)), hint)
    read_cell = date.fromisoformat if kind is date else kind
    return lambda cell: None if optional and cell == "" else read_cell(cell)
