"""A library answers with the likeliest entries, honestly scored, and draws both spectra face to face."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from service.spectra.library import Library, matches
from service.spectra.mirror import mirror
from service.spectra.spectrum import Spectrum

METHAMPHETAMINE = Spectrum(
    "MS2", ((91.0542, 999.0), (119.0855, 812.0), (150.1277, 41.0)), "methamphetamine", 150.1277, "POSITIVE"
)
COCAINE = Spectrum("MS2", ((82.0651, 40.0), (182.1176, 999.0), (304.1543, 300.0)), "cocaine", 304.1543, "POSITIVE")
SCOPOLAMINE = Spectrum("MS2", ((138.0913, 999.0), (156.1019, 400.0)), "scopolamine", 304.1543, "POSITIVE")
EI_HEROIN = Spectrum("EI", ((43.0, 500.0), (268.0, 450.0), (327.0, 999.0), (369.0, 800.0)), "heroin")
EI_MORPHINE = Spectrum("EI", ((162.0, 400.0), (215.0, 300.0), (285.0, 999.0)), "morphine")
LIBRARY = Library([METHAMPHETAMINE, COCAINE, SCOPOLAMINE, EI_HEROIN, EI_MORPHINE])


def query(*peaks: tuple[float, float], precursor: float | None = 304.1545, technique: str = "MS2") -> Spectrum:
    mode = "POSITIVE" if technique == "MS2" else ""
    return Spectrum(technique, peaks, "query", precursor, mode)  # type: ignore[arg-type]


def test_the_same_fragments_name_the_compound_with_confidence() -> None:
    first, second = LIBRARY.search(query((82.066, 44.0), (182.118, 990.0), (304.155, 280.0)))
    assert (first.index, first.confident, first.matched) == (1, True, 3)
    assert second.index == 2
    assert (second.score, second.matched, second.confident) == (pytest.approx(0.0), 0, False)


def test_a_fitting_mass_without_a_common_fragment_is_a_hint_only() -> None:
    found = LIBRARY.search(query((50.1, 10.0), (60.2, 20.0)))
    assert [candidate.index for candidate in found] == [1, 2]
    assert not any(candidate.confident for candidate in found)


def test_the_open_search_finds_fragments_under_another_precursor() -> None:
    analogue = query((91.0542, 999.0), (119.0855, 800.0), precursor=200.0)
    assert LIBRARY.search(analogue) == []
    assert [candidate.index for candidate in LIBRARY.search(analogue, "open")] == [0]


def test_one_peak_in_common_names_nothing_however_alike() -> None:
    """At low energy the precursor's own peak may be all there is; with one fragment beside it, that is a hint."""
    alone = Library([query((304.154, 999.0)), query((82.065, 999.0), (304.154, 20.0))])
    for asked in (query((304.154, 999.0)), query((82.065, 990.0), (304.154, 22.0))):
        found = alone.search(asked)[0]
        assert (round(found.score, 2), found.confident) == (1.0, False)


def test_an_open_search_is_never_confident() -> None:
    elsewhere = query((82.066, 44.0), (182.118, 990.0), precursor=254.15)
    (found,) = Library([query((82.066, 44.0), (182.118, 990.0))]).search(elsewhere, "open")
    assert (found.score, found.matched, found.confident) == (pytest.approx(1.0), 2, False)
    itself = LIBRARY.search(COCAINE, "open")[0]
    assert (itself.index, itself.confident) == (1, False)


def test_what_no_bench_has_calibrated_is_never_confident() -> None:
    negative = replace(COCAINE, ion_mode="NEGATIVE")
    assert [one.confident for one in Library([negative]).search(negative)] == [False]
    assert [one.confident for one in Library([EI_HEROIN]).search(EI_HEROIN)] == [False]


def test_electron_ionisation_is_compared_at_unit_mass_and_only_with_its_like() -> None:
    found = LIBRARY.search(
        query((43.1, 480.0), (268.2, 470.0), (327.1, 990.0), (369.1, 790.0), precursor=None, technique="EI")
    )
    assert (found[0].index, found[0].matched) == (3, 4)
    assert {candidate.index for candidate in found} <= {3, 4}


def test_another_ion_mode_or_an_empty_library_has_no_candidates() -> None:
    negative = Spectrum("MS2", ((91.0, 1.0),), "", 150.1, "NEGATIVE")
    assert LIBRARY.search(negative) == []
    assert Library([]).search(COCAINE) == []


def test_each_peak_is_matched_once_and_noise_is_not_matched() -> None:
    one = query((100.000, 50.0), (100.005, 60.0), (200.0, 0.1))
    other = query((100.002, 70.0), (200.0, 70.0))
    assert matches(one, other, 0.02) == [(0, 0)]


def test_the_mirror_plot_is_svg_and_its_text_cannot_become_markup() -> None:
    drawn = mirror(COCAINE, METHAMPHETAMINE, "<script>alert(1)</script> & more")
    root = ElementTree.fromstring(drawn)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "<script>alert(1)</script> & more"
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    lines = [e for e in root.iter() if e.get("class") == "alone"]
    assert len(lines) == 6
