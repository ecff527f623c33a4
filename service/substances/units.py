"""Units, and what a reported quantity weighs.

The quantity stays as reported; kilograms are derived beside it, always with the rule that gave them:

- a mass converts exactly;
- a litre of anything counts as one kilogram (UNODC's rule for global seizure statistics);
- pieces weigh what was measured, if the report says what one piece weighs; that beats every rule;
- tablets of a substance with a sourced factor get a range;
- doses, plants, blotters, areas and everything else are not converted.

Decimal everywhere: what two countries compute from one report must be the same to the last digit.
"""

from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Protocol

from service.problems import Problem
from service.substances.spelling import normalise
from service.substances.tables import RuleRow, Tables, UnitRow

NOT_CONVERTIBLE = "not-convertible"
MEASURED = "measured-mass"
_EXACT = Context(prec=80)
_MG = Decimal("0.000001")
_PIECES = frozenset({"tablet", "piece"})  # rules of units whose pieces can be weighed


class ImpossibleQuantity(Problem):
    """A quantity is a finite decimal number, zero or more; the mass of one piece is more than zero."""


class Lineage(Protocol):
    """What a rule asks of an entry: its code, its parent's, and so on."""

    @property
    def lineage(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as someone wrote it: `multiplier` of `code` ("thousand of doses" is 1000 of `dose`)."""

    code: str
    dimension: str
    factor: Decimal
    rule: str
    multiplier: Decimal
    name_en: str
    name_ru: str

    @property
    def convertible(self) -> bool:
        """Whether any rule can lead from this unit to kilograms, for some substance or measured mass."""
        return self.rule != NOT_CONVERTIBLE


@dataclass(frozen=True, slots=True)
class Harmonised:
    """Kilograms with their range and rule; all three None where no rule converts.

    `value` and `unit_code` are the quantity in the resolved unit (2 "thousand of doses" is 2000 `dose`).
    `exact` separates `kg_exact` from `kg_converted` in every total.
    """

    kg: Decimal | None
    kg_low: Decimal | None
    kg_high: Decimal | None
    rule: str
    unit_code: str
    value: Decimal

    @property
    def exact(self) -> bool:
        return self.rule in {"mass", "named-mass", MEASURED}


class Units:
    """Units by any spelling, and the conversion rules."""

    def __init__(self, rows: Tables) -> None:
        self.by_code: dict[str, UnitRow] = {unit.code: unit for unit in rows.units}
        self.rules: dict[str, RuleRow] = {rule.rule: rule for rule in rows.rules}
        self._factors = {(r.substance, r.unit): r for r in rows.rules if r.substance and r.unit}
        self._spellings = {normalise(name.text): (name.code, name.multiplier) for name in rows.unit_names}
        for unit in rows.units:
            for text in (unit.code, unit.name_en, unit.name_ru):
                self._spellings.setdefault(normalise(text), (unit.code, Decimal(1)))

    def resolve(self, text: str) -> Unit | None:
        """The unit under any of its spellings, or None."""
        found = self._spellings.get(normalise(text))
        if found is None:
            return None
        unit = self.by_code[found[0]]
        return Unit(unit.code, unit.dimension, unit.factor, unit.rule, found[1], unit.name_en, unit.name_ru)

    def harmonise(
        self, quantity: Decimal, unit: Unit, entry: Lineage | None, unit_mass_mg: Decimal | None = None
    ) -> Harmonised:
        """What the quantity weighs. Raises ImpossibleQuantity."""
        _check(quantity, unit_mass_mg)
        value = _EXACT.multiply(quantity, unit.multiplier)
        counted = Harmonised(None, None, None, NOT_CONVERTIBLE, unit.code, value)
        if unit.dimension == "mass":
            return _converted(counted, unit.rule, *[unit.factor] * 3)
        if unit.dimension == "volume":
            rule = self.rules[unit.rule]
            return self._by_rule(counted, rule, unit.factor)
        if unit.rule in _PIECES and unit_mass_mg is not None:
            return _converted(counted, MEASURED, *[_EXACT.multiply(unit_mass_mg, _MG)] * 3)
        nearest = next(
            (self._factors[code, unit.code] for code in (entry.lineage if entry else ())
             if (code, unit.code) in self._factors),
            None,
        )  # fmt: skip
        return self._by_rule(counted, nearest, unit.factor) if nearest else counted

    def _by_rule(self, counted: Harmonised, rule: RuleRow, factor: Decimal) -> Harmonised:
        if rule.kg_typical is None or rule.kg_low is None or rule.kg_high is None:
            return counted
        return _converted(
            counted,
            rule.rule,
            *(_EXACT.multiply(factor, kg) for kg in (rule.kg_typical, rule.kg_low, rule.kg_high)),
        )


def _converted(counted: Harmonised, rule: str, kg: Decimal, low: Decimal, high: Decimal) -> Harmonised:
    """`counted`, with the kilograms of one unit applied to its value."""
    typical, least, most = (_EXACT.multiply(counted.value, factor) for factor in (kg, low, high))
    return replace(counted, kg=typical, kg_low=least, kg_high=most, rule=rule)


def _check(quantity: Decimal, unit_mass_mg: Decimal | None) -> None:
    if not quantity.is_finite() or quantity < 0:
        raise ImpossibleQuantity("quantity must be a finite decimal number, zero or more", expected=">= 0")
    if unit_mass_mg is not None and (not unit_mass_mg.is_finite() or unit_mass_mg <= 0):
        raise ImpossibleQuantity("unit_mass_mg must be a finite decimal number above zero", expected="> 0")
