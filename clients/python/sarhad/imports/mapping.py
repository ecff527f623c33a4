"""The column-mapping profile: a TOML file that says which columns make which facets.

    name = "my-agency"                     # shown in reports
    description = "Monthly sheet of the border guard"
    kind = "seizure"                       # or precursor_incident, clandestine_laboratory, price_observation
    handling = "TLP:AMBER"                 # label of every record
    required = ["Date", "Drug", "Amount"]  # the file is refused without these columns
    delimiter = ";"                        # of a CSV; a comma by default

    [country]                              # whose agency signs the row (ISO 3166-1 alpha-2)
    column = "Country"
    codes = "country"

    [reference]                            # the agency's own number, or `prefix` for one made from the row
    prefix = "BG-"

    [place]                                # texts that the service resolves to country and first-level unit
    division = { column = "Region" }
    place = { column = "Town" }

    [facets]                               # the shape of the record; a leaf is one of
    "when.day" = { column = "Date", date = "%d.%m.%Y" }
    [[facets.items]]
    line = { constant = 1 }
    substance = { column = "Drug", resolve = "substance" }
    status = { constant = "SUSP" }
    reported.substance = { column = "Drug" }
    reported.quantity = { column = "Amount", decimal = true }
    reported.unit = { column = "Unit" }

    [codes.mode]                           # a code table: text in the file → code; what is absent stays empty
    "Truck" = "3"

A leaf names a `column` or a `constant`. A column may have: `codes` (a table of this file, or the built-in
`country`), `date` (strptime format), `decimal` (true: point; "comma": decimal comma), `resolve` ("substance":
the service's catalogue), `check` ("unit": only told when the service does not know it), `default`, `needed`
(an empty cell refuses the row). An object or list entry whose columns are all empty is left out.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any, Self

from sarhad.errors import InputError
from sarhad.imports.countries import country_codes
from sarhad.records import Kind

_LEAF = frozenset({"column", "constant"})
_OPTIONS = frozenset({"column", "codes", "date", "decimal", "resolve", "check", "default", "needed"})
_TOP = frozenset(
    {
        "name",
        "description",
        "kind",
        "handling",
        "required",
        "delimiter",
        "country",
        "reference",
        "place",
        "facets",
        "codes",
    }
)
_KINDS = ("seizure", "precursor_incident", "clandestine_laboratory", "price_observation")
_HANDLING = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")


class RowError(InputError):
    """One row cannot become a record; the others can. `column` names the cell at fault."""

    def __init__(self, detail: str, column: str = "") -> None:
        super().__init__(detail)
        self.column = column


@dataclass(frozen=True)
class ColumnMapping:
    """A checked profile. `build` turns cells into facets."""

    name: str
    description: str
    handling: str
    required: list[str]
    country: Mapping[str, Any]
    reference: Mapping[str, Any]
    place: Mapping[str, Any]
    facets: Mapping[str, Any]
    codes: dict[str, dict[str, str]] = field(hash=False)
    delimiter: str = ","
    kind: Kind = "seizure"

    @classmethod
    def load(cls, name: str) -> Self:
        """A profile that ships with this library, by name, or a member's own, by path. Raises InputError."""
        shipped = resources.files("sarhad") / "profiles" / f"{name}.toml"
        source = shipped if re.fullmatch(r"[a-z0-9-]+", name) and shipped.is_file() else Path(name)
        try:
            values = tomllib.loads(source.read_text(encoding="utf-8"))
        except OSError:
            raise InputError(f"There is no profile {name!r}; {', '.join(shipped_profiles())} ship.") from None
        except ValueError as fault:
            raise InputError(f"The profile {name} is not TOML: {fault}.") from None
        return cls.of(values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        if unknown := sorted(set(values) - _TOP):
            raise InputError(f"The profile has unknown parts: {', '.join(unknown)}.")
        for part in ("name", "country", "facets"):
            if part not in values:
                raise InputError(f"The profile has no {part}.")
        codes = {**{name: dict(table) for name, table in values.get("codes", {}).items()}}
        codes["country"] = {**country_codes(), **codes.get("country", {})}
        mapping = cls(
            name=values["name"],
            description=values.get("description", ""),
            handling=values.get("handling", "TLP:AMBER"),
            required=list(values.get("required", ())),
            country=values["country"],
            reference=values.get("reference", {"prefix": ""}),
            place=values.get("place", {}),
            facets=values["facets"],
            codes=codes,
            delimiter=values.get("delimiter", ","),
            kind=values.get("kind", "seizure"),
        )
        mapping._check_whole()
        for path, leaf in mapping.leaves():
            mapping._check(path, leaf)
        return mapping

    def leaves(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every leaf with its place in the profile."""
        for part in ("country", "place", "facets", "reference"):
            yield from _leaves(part, getattr(self, part))

    def columns(self) -> list[str]:
        """Every column the profile reads, in order of mention."""
        read = [leaf["column"] for _, leaf in self.leaves() if "column" in leaf]
        return list(dict.fromkeys([*self.required, *read]))

    def _check_whole(self) -> None:
        if self.handling not in _HANDLING:
            raise InputError(f"The profile, handling: expected one of {', '.join(_HANDLING)}.")
        if self.kind not in _KINDS:
            raise InputError(f"The profile, kind: expected one of {', '.join(_KINDS)}.")
        if not isinstance(self.delimiter, str) or len(self.delimiter) != 1:
            raise InputError("The profile, delimiter: expected one character.")
        if not _LEAF & set(self.country):
            raise InputError('The profile, country: expected column = "…" or constant = "…".')
        if not (_LEAF | {"prefix"}) & set(self.reference):
            raise InputError('The profile, reference: expected column = "…" or prefix = "…".')
        for part in self.place:
            if part not in ("division", "place") or "column" not in self.place[part]:
                raise InputError(f'The profile, place.{part}: expected division or place, each {{ column = "…" }}.')

    def _check(self, path: str, leaf: Mapping[str, Any]) -> None:
        if "constant" in leaf:
            return
        if unknown := sorted(set(leaf) - _OPTIONS):
            raise InputError(f"The profile, {path}: unknown options {', '.join(unknown)}.")
        if "codes" in leaf and leaf["codes"] not in self.codes:
            raise InputError(f"The profile, {path}: there is no table [codes.{leaf['codes']}].")

    def resolvable(self, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The texts of a row that the service is asked about: ("substance", "Heroin"), ("unit", "Gram")."""
        for _, leaf in self.leaves():
            kind = leaf.get("resolve") or leaf.get("check")
            if kind and cells.get(leaf["column"]):
                yield kind, cells[leaf["column"]]

    def place_of(self, cells: Mapping[str, str]) -> tuple[str, str]:
        """The division and place texts of a row, verbatim."""
        division, place = (
            cells.get(self.place[part]["column"], "") if part in self.place else "" for part in ("division", "place")
        )
        return division, place

    def country_of(self, cells: Mapping[str, str]) -> str:
        """The reporting country. Raises RowError for a text that names none."""
        code = self.leaf(self.country, cells, {})
        if not code or code == "XX":
            column = self.country.get("column", "country")
            raise RowError(f"{cells.get(column, '')!r} names no country.", column)
        return str(code)

    def build(self, cells: Mapping[str, str], known: Mapping[tuple[str, str], str]) -> dict[str, Any]:
        """The facets of a row; `known` holds what the service resolved. Raises RowError with the column."""
        built = _prune(self._fill(self.facets, cells, known))
        return built if isinstance(built, dict) else {}

    def _fill(self, shape: Any, cells: Mapping[str, str], known: Mapping[tuple[str, str], str]) -> Any:
        if isinstance(shape, Mapping):
            if _LEAF & set(shape):
                if "constant" in shape:
                    return _Constant(shape["constant"])
                value = self.leaf(shape, cells, known)
                return _Constant(shape["default"]) if value is None and "default" in shape else value
            return {name: self._fill(part, cells, known) for name, part in shape.items()}
        if isinstance(shape, list):
            return [self._fill(part, cells, known) for part in shape]
        raise InputError(f"The profile: {shape!r} is neither a table nor a list; write {{ constant = … }}.")

    def leaf(
        self, leaf: Mapping[str, Any], cells: Mapping[str, str], known: Mapping[tuple[str, str], str]
    ) -> str | None:
        """The value of one column leaf, or None when there is nothing to say."""
        if "constant" in leaf:
            return str(leaf["constant"])
        column = leaf["column"]
        text = cells.get(column, "")
        if text.strip():
            return self._read(leaf, column, text, known)
        if leaf.get("needed"):
            raise RowError(f"{column} is empty.", column)
        return None

    def _read(
        self, leaf: Mapping[str, Any], column: str, text: str, known: Mapping[tuple[str, str], str]
    ) -> str | None:
        match leaf:
            case {"codes": table}:
                return self.codes[table].get(text.strip())
            case {"date": form}:
                return _day(text, form, column)
            case {"decimal": style}:
                return _decimal(text, style == "comma", column)
            case {"resolve": kind}:
                return known.get((kind, text))  # without a code the service goes by the words, or says why not
            case _:
                return text


def shipped_profiles() -> list[str]:
    folder = resources.files("sarhad") / "profiles"
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _leaves(path: str, shape: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(shape, Mapping):
        if _LEAF & set(shape):
            yield path, shape
        else:
            for name, part in shape.items():
                yield from _leaves(f"{path}.{name}", part)
    elif isinstance(shape, list):
        for index, part in enumerate(shape):
            yield from _leaves(f"{path}[{index}]", part)


@dataclass(frozen=True)
class _Constant:
    value: Any


def _prune(filled: Any) -> Any:
    """Drop what is empty; an object or list that holds nothing but constants is empty too."""
    if isinstance(filled, dict):
        kept = {name: part for name, raw in filled.items() if (part := _prune(raw)) is not None}
        return _plain(kept) if any(not isinstance(part, _Constant) for part in kept.values()) else None
    if isinstance(filled, list):
        entries = [_plain(part) for raw in filled if (part := _prune(raw)) is not None]
        return entries or None
    return filled


def _plain(value: Any) -> Any:
    if isinstance(value, _Constant):
        return value.value
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, dict) else value


def _day(text: str, form: str, column: str) -> str:
    try:
        return datetime.strptime(text.strip(), form).date().isoformat()  # noqa: DTZ007 (a calendar day)
    except ValueError:
        raise RowError(f"{text!r} is not a date written as {form}.", column) from None


def _decimal(text: str, comma: bool, column: str) -> str:
    """A plain decimal string of exactly the value written: no exponent, no sign, no thousands."""
    plain = text.strip().replace(",", ".") if comma else text.strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise RowError(f"{text!r} is not a number.", column) from None
    if not value.is_finite() or value < 0:
        raise RowError(f"{text!r} is not an amount.", column)
    return plain if re.fullmatch(r"(0|[1-9]\d*)(\.\d+)?", plain) else f"{value:f}"
