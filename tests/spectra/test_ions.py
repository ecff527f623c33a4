"""A precursor is held against the formula it is said to come from."""

import pytest

from service.sandbox import FileNotUnderstood
from service.spectra.ions import expected, ion_of, monoisotopic
from tests.spectra.test_formats import MASSBANK, found

METHAMPHETAMINE = "C10H15N"


@pytest.mark.parametrize(
    ("formula", "mass"),
    [("C10H15N", 149.12045), ("C21H23NO5", 369.15762), ("C17H17ClN6O3", 388.10507), ("C8H10BrNO2", 230.98949)],
)
def test_masses_are_those_of_the_lightest_common_isotopes(formula: str, mass: float) -> None:
    assert monoisotopic(formula) == pytest.approx(mass, abs=1e-4)


@pytest.mark.parametrize(
    ("precursor", "mode", "ion"),
    [
        (150.1277, "POSITIVE", "[M+H]+"),
        (150.4, "POSITIVE", "[M+H]+"),  # of unit resolution
        (172.1097, "POSITIVE", "[M+Na]+"),
        (167.1543, "POSITIVE", "[M+NH4]+"),
        (133.1012, "POSITIVE", "[M-NH3+H]+"),
        (299.2482, "POSITIVE", "[2M+H]+"),
        (148.1132, "NEGATIVE", "[M-H]-"),
        (150.1277, "NEGATIVE", None),
        (151.2, "POSITIVE", None),
        (240.1383, "POSITIVE", None),
        (240.1383, "", None),
        (148.1132, "", "[M-H]-"),
    ],
)
def test_which_ion_a_precursor_is(precursor: float, mode: str, ion: str | None) -> None:
    assert ion_of(METHAMPHETAMINE, precursor, mode) == ion  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "precursor", "stated"),
    [
        ("", 240.1, ""),
        (None, 240.1, ""),
        ("C10[2H]5H10N", 240.1, ""),
        ("C10H15N", None, ""),
        ("C10H15N", 240.1, "[M+Fe]+"),
    ],
)
def test_where_nothing_can_be_told_it_is_taken_as_it_is_said(
    formula: str | None, precursor: float | None, stated: str
) -> None:
    assert ion_of(formula, precursor, "POSITIVE", stated) == ""


def test_of_chlorine_and_bromine_the_heavier_isotope_is_selected_too() -> None:
    benzodiazepine = "C15H10BrClN4S"
    assert [ion_of(benzodiazepine, mz, "POSITIVE") for mz in (392.9571, 394.955, 396.953)] == ["[M+H]+"] * 3
    assert ion_of(benzodiazepine, 398.95, "POSITIVE") is None


def test_an_ion_that_is_named_is_the_one_it_must_be() -> None:
    assert ion_of(METHAMPHETAMINE, 172.1097, "POSITIVE", "[M+Na]+") == "[M+Na]+"
    assert ion_of(METHAMPHETAMINE, 172.1097, "POSITIVE", "[M+H]+") is None
    assert expected(METHAMPHETAMINE, "POSITIVE") == "[M+H]+ 150.1277"


async def test_a_record_that_contradicts_its_own_formula_is_refused() -> None:
    said = "CH$NAME: Methamphetamine\nCH$FORMULA: C10H15N"
    right = MASSBANK.replace("CH$NAME: Methamphetamine", said)
    assert (await found(right.encode()))[0]["formula"] == METHAMPHETAMINE
    typed = right.replace("MS$FOCUSED_ION: ", "MS$FOCUSED_ION: PRECURSOR_TYPE [M+Na]+\nMS$FOCUSED_ION: ")
    other = right.replace("M/Z 150.1277", "M/Z 246.1489")
    for wrong, word in ((other, "no ion of C10H15N"), (typed, r"no \[M\+Na\]\+ of C10H15N")):
        with pytest.raises(FileNotUnderstood, match=word):
            await found(wrong.encode())
