"""What a reported quantity weighs: exact where it can be, a range where a source gives one, or nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.substances.catalogue import Catalogue, Entry
from service.substances.load import SCHEMAS
from service.substances.tables import Tables
from service.substances.units import Harmonised, ImpossibleQuantity

CATALOGUE = Catalogue.from_files(SCHEMAS)
UNITS = CATALOGUE.units
QUANTITIES = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False, places=6)
CODES = st.sampled_from(sorted(CATALOGUE.entries))
UNIT_CODES = st.sampled_from(sorted(UNITS.by_code))


def drug(name: str) -> Entry:
    match = CATALOGUE.resolve(name)
    assert match
    return CATALOGUE.entries[match.code]


def weigh(quantity: str, unit: str, name: str, unit_mass_mg: str | None = None) -> Harmonised:
    resolved = UNITS.resolve(unit)
    assert resolved
    return UNITS.harmonise(Decimal(quantity), resolved, drug(name), Decimal(unit_mass_mg) if unit_mass_mg else None)


def test_all_43_units_of_the_individual_drug_seizures_resolve_to_a_unit_with_a_rule(rows: Tables) -> None:
    reported = {name.text for name in rows.unit_names if name.kind == "reported"}
    assert len(reported) == 43
    rules = {rule.rule for rule in rows.rules} | {"tablet", "piece"}  # the last two depend on the substance
    for text in reported:
        unit = UNITS.resolve(text)
        assert unit
        assert unit.rule in rules, text


def test_a_spelling_of_a_unit_means_one_unit(rows: Tables) -> None:
    for name in rows.unit_names:
        unit = UNITS.resolve(name.text)
        assert unit
        assert (unit.code, unit.multiplier) == (name.code, name.multiplier), name.text


@pytest.mark.parametrize(
    ("quantity", "unit", "kg"),
    [
        ("11.840", "Kilogram", "11.840"),
        ("1", "г", "0.001"),
        ("250", "мг", "0.000250"),
        ("1.5", "Ton", "1500"),
        ("1", "Ounce", "0.028349523125"),
        ("3", "Viss", "4.89879"),
        ("7", "100 gram", "0.7"),
        ("2", "Block (350gr)", "0.70"),
        ("5", "Paper (1/10 gm)", "0.0005"),
    ],
)
def test_mass_is_exact(quantity: str, unit: str, kg: str) -> None:
    weighed = weigh(quantity, unit, "Heroin")
    assert weighed.kg == weighed.kg_low == weighed.kg_high == Decimal(kg)
    assert weighed.exact


@pytest.mark.parametrize(
    ("quantity", "unit", "kg"),
    [
        ("2", "Litre", "2"),
        ("500", "Millilitre", "0.5"),
        ("5", "Cc", "0.005"),
        ("2", "Gallons (US, liquid)", "7.570823568"),
        ("2", "Gallons (UK)", "9.09218"),
    ],
)
def test_a_litre_counts_as_one_kilogram_and_is_not_exact(quantity: str, unit: str, kg: str) -> None:
    weighed = weigh(quantity, unit, "Acetic anhydride")
    assert (weighed.kg, weighed.rule, weighed.exact) == (Decimal(kg), "litre", False)


def test_tablets_of_amphetamine_type_stimulants_get_the_published_range() -> None:
    for name in ("Captagon", "Ecstasy", "Amphetamine", "Yaba"):
        weighed = weigh("1000", "Tablet", name)
        assert (weighed.kg_low, weighed.kg_high) == (Decimal("0.09"), Decimal("0.3"))
        assert (weighed.kg, weighed.rule, weighed.exact) == (Decimal("0.195"), "ats-tablet", False)


def test_thousands_are_counted() -> None:
    weighed = weigh("3", "Thousand of tablets", "Ecstasy")
    assert (weighed.value, weighed.unit_code, weighed.kg_high) == (Decimal(3000), "tablet", Decimal("0.9"))


def test_a_measured_mass_beats_every_rule() -> None:
    weighed = weigh("1000", "Tablet", "Ecstasy", unit_mass_mg="412.5")
    assert (weighed.kg, weighed.rule, weighed.exact) == (Decimal("0.4125"), "measured-mass", True)
    assert weighed.kg == weighed.kg_low == weighed.kg_high
    assert weigh("10", "Capsule", "Tramadol", unit_mass_mg="300").kg == Decimal("0.003")


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("Tablet", "Diazepam"),
        ("Capsule", "Captagon"),
        ("Unit", "Ecstasy"),
        ("Dose", "Methamphetamine"),
        ("Thousand of doses", "Methamphetamine"),
        ("Plants", "Opium Poppy"),
        ("Blotting paper", "LSD"),
        ("Hectars", "Opium Poppy"),
        ("Bottles", "Methadone"),
        ("other", "Opium Poppy"),
    ],
)
def test_everything_else_stays_a_count(unit: str, name: str) -> None:
    weighed = weigh("12", unit, name)
    assert (weighed.kg, weighed.kg_low, weighed.kg_high) == (None, None, None)
    assert (weighed.rule, weighed.exact) == ("not-convertible", False)


@pytest.mark.parametrize("unit", ["Dose", "Plants", "Blotter", "Hectars"])
def test_doses_plants_blotters_and_areas_stay_counts_whatever_was_measured(unit: str) -> None:
    assert weigh("12", unit, "LSD", unit_mass_mg="10").kg is None


def test_a_substance_that_is_not_known_still_has_its_mass() -> None:
    kilogram, tablet = UNITS.resolve("kg"), UNITS.resolve("tablet")
    assert kilogram
    assert tablet
    assert UNITS.harmonise(Decimal(2), kilogram, None).kg == 2
    assert UNITS.harmonise(Decimal(2), tablet, None).kg is None


@pytest.mark.parametrize("text", ["", " ", "kilogramm of", "bucket", "12"])
def test_an_unlisted_unit_is_unknown(text: str) -> None:
    assert UNITS.resolve(text) is None


@pytest.mark.parametrize("quantity", ["-1", "-0.000001", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_impossible_quantities_are_refused(quantity: str) -> None:
    with pytest.raises(ImpossibleQuantity):
        weigh(quantity, "kg", "Heroin")


@pytest.mark.parametrize("mass", ["0", "-5", "NaN", "Infinity"])
def test_impossible_masses_of_a_piece_are_refused(mass: str) -> None:
    with pytest.raises(ImpossibleQuantity):
        weigh("1", "tablet", "Ecstasy", unit_mass_mg=mass)


@given(QUANTITIES, UNIT_CODES, CODES)
def test_the_range_holds_the_value_and_nothing_is_half_converted(quantity: Decimal, unit: str, code: str) -> None:
    resolved = UNITS.resolve(unit)
    assert resolved
    weighed = UNITS.harmonise(quantity, resolved, CATALOGUE.entries[code])
    if weighed.kg is None or weighed.kg_low is None or weighed.kg_high is None:
        assert weighed.kg is weighed.kg_low is weighed.kg_high is None
        assert weighed.rule == "not-convertible"
    else:
        assert 0 <= weighed.kg_low <= weighed.kg <= weighed.kg_high
        assert weighed.exact <= (weighed.kg_low == weighed.kg_high)


@given(QUANTITIES, QUANTITIES, UNIT_CODES, CODES)
def test_the_weight_of_a_sum_is_the_sum_of_the_weights(one: Decimal, two: Decimal, unit: str, code: str) -> None:
    resolved, entry = UNITS.resolve(unit), CATALOGUE.entries[code]
    assert resolved
    apart = [UNITS.harmonise(quantity, resolved, entry).kg for quantity in (one, two)]
    together = UNITS.harmonise(one + two, resolved, entry).kg
    assert together == (None if None in apart else sum(kg for kg in apart if kg is not None))


@given(QUANTITIES)
def test_grams_and_kilograms_agree_to_the_last_digit(quantity: Decimal) -> None:
    gram, kilogram = UNITS.resolve("g"), UNITS.resolve("kg")
    assert gram
    assert kilogram
    grams = UNITS.harmonise(quantity * 1000, gram, None).kg
    assert grams == UNITS.harmonise(quantity, kilogram, None).kg == quantity
