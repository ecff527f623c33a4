"""What the value of a column is: found by its path, said by a register, a code list or a table of the form. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.packs.forms import Column, Form, Where
from service.places.atlas import Atlas
from service.records.codes import code_list
from service.substances.catalogue import Catalogue

Context = Mapping[str, Any]
SEPARATOR = "; "


@dataclass(frozen=True, slots=True)
class Registers:
    """The reference data that turn codes into names."""

    catalogue: Catalogue
    atlas: Atlas

    def name(self, of: str, code: str) -> str:
        """The register's word, or nothing where it has none: an unknown identifier stays empty."""
        if of in ("country", "alpha3"):
            country = self.atlas.countries.get(code)
            return "" if country is None else country.alpha3 if of == "alpha3" else country.name_en
        if of == "admin1":
            unit = self.atlas.units.get(code)
            return unit.name_en if unit else ""
        entry = self.catalogue.get(code)
        if entry is None:
            return ""
        known = entry.substance
        return {"substance": known.name_en, "nps_group": known.nps_group, "cas": known.cas, "formula": known.formula}[
            of
        ] or ""


def values(context: Context, path: str) -> Iterator[str]:
    """All values at a path, which may pass through lists. The first step is a whole facet name (`when.day`)."""
    found: list[Any] = [context]
    for step in path.split("/"):
        found = [part[step] for part in found if isinstance(part, Mapping) and part.get(step) is not None]
        found = [one for part in found for one in (part if isinstance(part, list) else [part])]
    for value in found:
        if not isinstance(value, Mapping):
            yield format(value, "f") if isinstance(value, Decimal) else str(value)


def holds(context: Context, where: Where) -> bool:
    """Whether each path has one of its values; "" stands for none at all."""
    return all(bool({*values(context, path)} & {*allowed}) or ("" in allowed and not [*values(context, path)])
               for path, allowed in where.items())  # fmt: skip


def said(column: Column, context: Context, form: Form, registers: Registers) -> str:
    """The text of a cell; several values in their order, each once."""
    for path in column.paths:
        if found := [word for value in values(context, path) if (word := _word(column, value, form, registers))]:
            return SEPARATOR.join(dict.fromkeys(found))
    return ""


def _word(column: Column, value: str, form: Form, registers: Registers) -> str:
    if column.name_of is not None:
        value = registers.name(column.name_of, value)
    if column.label is not None:
        known = code_list(column.label).get(value)
        return known.label_en if known else value
    if column.codes is not None:
        return form.codes[column.codes].get(value, "" if column.strict else value)
    return value
