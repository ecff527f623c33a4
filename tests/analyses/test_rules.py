"""What an analysis may claim: evidence, sampling and measurement, with examples computed by hand."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.analyses.purity import molar_mass, most_base
from service.analyses.sampling import confidence, rounded, smallest_sample
from service.analyses.swgdrug import category_of, only_class, scheme
from service.records.analysis_shapes import Technique


def used(*techniques: str, result: str = "POS") -> list[Technique]:
    return [
        Technique(n=n, technique=name, category=category_of(name) or "B", edition="8.1", result=result)
        for n, name in enumerate(techniques, start=1)
    ]


@pytest.mark.parametrize(
    ("techniques", "part"),
    [
        (("MS", "GC"), "III B 3.1"),
        (("IRS", "COL"), "III B 3.1"),
        (("MS", "IRS"), "III B 3.1"),
        (("GC", "TLC", "COL"), "III B 3.2"),
        (("GC", "LC", "UVV"), "III B 3.2"),
    ],
)
def test_schemes_that_meet_the_minimum(techniques: tuple[str, ...], part: str) -> None:
    found = scheme(used(*techniques))
    assert (found.met, found.part, found.missing) == (True, part, ())


@pytest.mark.parametrize(
    ("techniques", "missing"),
    [
        (("MS",), "second technique"),
        (("MS", "MS"), "second technique"),
        (("COL",), "2 more uncorrelated of category B"),
        (("COL", "IMM", "PHI"), "2 more uncorrelated of category B"),
        (("GC", "COL"), "1 more uncorrelated of category B"),
        (("GC", "TLC"), "1 more of any category"),
        ((), "no positive result"),
    ],
)
def test_what_a_scheme_is_missing_is_named(techniques: tuple[str, ...], missing: str) -> None:
    found = scheme(used(*techniques))
    assert not found.met
    assert missing in "; ".join(found.missing)


def test_negative_results_establish_nothing() -> None:
    assert not scheme([*used("GC"), *used("MS", result="NEG")]).met
    assert only_class([*used("COL"), *used("MS", result="NEG")])
    assert not only_class(used("TLC"))


def test_a_look_at_the_plant_counts_for_cannabis_only() -> None:
    plant = used("MAC", "MIC", "COL")
    assert scheme(plant, cannabis=True).met
    assert not scheme(plant).met


def test_the_confidence_of_a_sample_by_hand() -> None:
    """N = 12, 9 of 9 positive, at least 90 %: if 10 were positive, C(10,9)/C(12,9) = 10/220 would show this."""
    assert confidence(12, 9, 9, Fraction(9, 10)) == pytest.approx(1 - 10 / 220)
    assert rounded(confidence(12, 9, 9, Fraction(9, 10))) == "0.9545"
    # one less: C(10,8)/C(12,8) = 45/495
    assert confidence(12, 8, 8, Fraction(9, 10)) == pytest.approx(1 - 45 / 495)
    # one negative: of 10 positive among 12, nine of ten are with C(10,9)·C(2,1)/C(12,10) + C(10,10)·1/C(12,10) = 21/66
    assert confidence(12, 10, 9, Fraction(9, 10)) == pytest.approx(1 - 21 / 66)


@pytest.mark.parametrize(
    ("population", "half", "seventy", "ninety"),
    [(10, 3, 5, 8), (50, 4, 8, 19), (100, 5, 8, 23), (1_000, 5, 9, 28), (10_000, 5, 9, 29)],
)
def test_sample_sizes_are_those_of_the_published_table(population: int, half: int, seventy: int, ninety: int) -> None:
    """UNODC/ENFSI, Guidelines on Representative Drug Sampling (ST/NAR/38), hypergeometric, 95 %, no negatives."""
    sizes = [smallest_sample(population, 0, Fraction(p, 10), Fraction(95, 100)) for p in (5, 7, 9)]
    assert sizes == [half, seventy, ninety]


@given(st.data())
def test_the_confidence_is_that_of_counting_every_sample(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 60))
    sampled = data.draw(st.integers(1, population))
    positive = data.draw(st.integers(0, sampled))
    share = Fraction(data.draw(st.integers(0, 20)), 20)
    fewest = ceil(share * population)
    if fewest <= positive:
        expected = 1.0
    else:
        ways = sum(
            comb(fewest - 1, x) * comb(population - fewest + 1, sampled - x) for x in range(positive, sampled + 1)
        )
        expected = float(1 - Fraction(ways, comb(population, sampled)))
        if population - (sampled - positive) < fewest:
            expected = 0.0
    assert confidence(population, sampled, positive, share) == pytest.approx(expected, abs=1e-9)


def test_what_a_salt_holds_of_base() -> None:
    """Methamphetamine C10H15N is 149.24 g/mol, its hydrochloride 185.70: 80.4 %. Amphetamine sulfate is 2:1."""
    assert molar_mass("C10H15N") == Decimal("149.237")
    assert most_base("C10H15N", "HCL") == Decimal("80.4")
    assert most_base("C9H13N", "SO4") == Decimal("73.4")
    assert most_base("C10H15N", "BASE") == most_base("C10H15N", None) == most_base(None, "HCL") == 100
    assert molar_mass("C10H15Xx") is None
