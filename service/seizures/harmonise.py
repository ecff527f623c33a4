"""From what was reported to what can be compared: substances, units, kilograms, place. What was reported stays.

Pure: the reference data are values. Every derived number names its rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from service.geometry import cell_ring
from service.places.atlas import Atlas
from service.problems import Problem
from service.records.shapes import Facets, Placed, Reported
from service.seizures.fit import check_fit
from service.substances.catalogue import Catalogue, Match
from service.substances.units import Unit, Units

# The boundaries are generalised to a kilometre or two, and a post may stand on the line itself.
BORDER_TOLERANCE_M = 5_000


class UnknownSubstance(Problem):
    """The catalogue has no entry of this code, or none under this name."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownUnit(Problem):
    """The unit is not in the list of units."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PlaceOutsideCountry(Problem):
    """The point does not lie in the country that the report names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PlaceOutsideUnit(Problem):
    """The point does not lie in the administrative unit that the report names."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownPlace(Problem):
    """There is no such administrative unit."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownCrossing(Problem):
    """The list of border crossings has none of this code."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference data of the exchange, read once per worker."""

    catalogue: Catalogue
    units: Units
    atlas: Atlas


class Amount(Protocol):
    """What is made comparable: an amount of a substance in the reporter's words."""

    @property
    def line(self) -> int: ...
    @property
    def substance(self) -> str | None: ...
    @property
    def reported(self) -> Reported: ...
    @property
    def status(self) -> str: ...
    @property
    def form(self) -> str | None: ...
    @property
    def unit_mass_mg(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One harmonised line. Masses are kilograms; None where no rule converts, and then `rule` says why."""

    line: int
    substance: str
    status: str
    form: str | None
    quantity: Decimal
    unit: str
    kg: Decimal | None
    kg_low: Decimal | None
    kg_high: Decimal | None
    rule: str

    def document(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "substance": self.substance,
            "status": self.status,
            "quantity": _plain(self.quantity),
            "unit": self.unit,
            "kg": _plain(self.kg),
            "kg_low": _plain(self.kg_low),
            "kg_high": _plain(self.kg_high),
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True)
class Harmonised:
    """The lines, the bits of their substance groups, and what a person should look at again."""

    lines: list[Line]
    groups: int
    warnings: list[dict[str, str]]


def harmonise(facets: Facets, reference: Reference) -> Harmonised:
    """Raises UnknownSubstance, UnknownUnit, UnitUnfit, and the refusals about places, each with its pointer."""
    check_place(facets, reference.atlas)
    for index, content in enumerate(facets.purity or ()):
        if reference.catalogue.get(content.substance) is None:
            raise UnknownSubstance(f"no entry has the code {content.substance}", pointer=f"/purity/{index}/substance")
    found = harmonise_amounts(facets.items or (), reference)
    found.warnings.extend(_repeats(found.lines, reference.units))
    return found


def harmonise_amounts(amounts: Sequence[Amount], reference: Reference) -> Harmonised:
    """Raises UnknownSubstance, UnknownUnit, UnitUnfit. Pointers are into the facet `items`."""
    lines: list[Line] = []
    groups = 0
    warnings: list[dict[str, str]] = []
    for index, item in enumerate(amounts):
        line, group = _line(index, item, reference, warnings)
        lines.append(line)
        groups |= 1 << group
    return Harmonised(lines, groups, warnings)


def _line(index: int, item: Amount, reference: Reference, warnings: list[dict[str, str]]) -> tuple[Line, int]:
    code = _substance(index, item, reference.catalogue, warnings)
    unit = _unit_named(reference.units, item.reported.unit)
    if unit is None:
        raise UnknownUnit(f"{item.reported.unit!r} is no unit of the list", pointer=f"/items/{index}/reported/unit")
    check_fit(unit, item.form, f"/items/{index}/reported/unit")
    entry = reference.catalogue.get(code)
    amount = reference.units.harmonise(item.reported.quantity, unit, entry, item.unit_mass_mg)
    line = Line(
        line=item.line,
        substance=code,
        status=item.status,
        form=item.form,
        quantity=amount.value,
        unit=amount.unit_code,
        kg=amount.kg,
        kg_low=amount.kg_low,
        kg_high=amount.kg_high,
        rule=amount.rule,
    )
    return line, reference.catalogue.group_bit(code)


def _substance(index: int, item: Amount, catalogue: Catalogue, warnings: list[dict[str, str]]) -> str:
    named = _entry_named(catalogue, item.reported.substance)
    if item.substance is None:
        if named is None:
            raise UnknownSubstance(
                f"no entry is called {item.reported.substance!r}; give a code, or a class such as “non-specified …”",
                pointer=f"/items/{index}/reported/substance",
            )
        return named.code
    if catalogue.get(item.substance) is None:
        raise UnknownSubstance(f"no entry has the code {item.substance}", pointer=f"/items/{index}/substance")
    if named is not None and named.code != item.substance:
        warnings.append(
            {
                "type": "/warnings/substance-differs",
                "pointer": f"/items/{index}/substance",
                "detail": f"the name as reported is an entry of its own, {named.code}; the code given counts",
            }
        )
    return item.substance


def _repeats(lines: Sequence[Line], units: Units) -> Iterator[dict[str, str]]:
    """One substance in one form and one category of unit is one item (the NIBRS rule): grams and kilograms are one
    category, and so are millilitres and litres; pieces are as many as they have names.
    """
    seen: dict[tuple[str, str | None, str], Line] = {}
    for index, line in enumerate(lines):
        dimension = units.by_code[line.unit].dimension
        category = line.unit if dimension == "count" else dimension
        same = seen.setdefault((line.substance, line.form, category), line)
        if same is not line:
            yield {
                "type": "/warnings/repeated-substance",
                "pointer": f"/items/{index}",
                "detail": f"Line {same.line} has the same substance in a unit of the same category.",
            }


# Reports repeat the same few hundred words, and normalising one costs more than everything else about a line.
@lru_cache(maxsize=20_000)
def _entry_named(catalogue: Catalogue, name: str) -> Match | None:
    return catalogue.resolve(name)


@lru_cache(maxsize=20_000)
def _unit_named(units: Units, name: str) -> Unit | None:
    return units.resolve(name)


# Most seizures are in the same few thousand cells (the point's cell was checked with the ladder), and most cells are
# nowhere near a border.
@lru_cache(maxsize=50_000)
def _is_inland(atlas: Atlas, country: str, cell: str) -> bool:
    return atlas.covers(country, cell_ring(cell))


def check_place(facets: Placed, atlas: Atlas) -> None:
    """Raises UnknownPlace, UnknownCrossing, PlaceOutsideCountry, PlaceOutsideUnit."""
    country, admin1, point = facets.country, facets.admin1, facets.point
    if admin1 is not None and not atlas.has_admin1(admin1.code):
        raise UnknownPlace(f"{admin1.code} is no ISO 3166-2 code of the atlas", pointer="/where.admin1/code")
    if point is not None and point.crossing is not None:
        _check_crossing(point.crossing, country, atlas)
    if country is None or point is None or point.lat is None or point.lon is None:
        return
    position = float(point.lon), float(point.lat)
    inland = facets.cell is not None and _is_inland(atlas, country, facets.cell)
    if atlas.knows(country) and not (inland or atlas.contains(country, *position, tolerance_m=BORDER_TOLERANCE_M)):
        raise PlaceOutsideCountry(
            f"{point.lat}, {point.lon} is not in {country} (tolerance {BORDER_TOLERANCE_M} m)",
            pointer="/where.point",
            expected=country,
        )
    if admin1 is not None:
        units = atlas.admin1_of(*position, tolerance_m=BORDER_TOLERANCE_M)
        if units and admin1.code not in units:
            raise PlaceOutsideUnit(
                f"{point.lat}, {point.lon} is not in {admin1.code}",
                pointer="/where.admin1/code",
                expected=sorted(units),
            )


def _check_crossing(code: str, country: str | None, atlas: Atlas) -> None:
    """A crossing of the list, on a border of the country. Raises UnknownCrossing, PlaceOutsideCountry."""
    crossing = atlas.crossings.get(code)
    if crossing is None:
        raise UnknownCrossing(f"no crossing has the code {code}", pointer="/where.point/crossing")
    sides = [side for side in (crossing.country_a, crossing.country_b) if side]
    if country is not None and country not in sides:
        raise PlaceOutsideCountry(
            f"{code} is a crossing of {' and '.join(sides)}", pointer="/where.point/crossing", expected=sides
        )


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
