"""When a candidate may be called confident: only by searches that were calibrated, and not on one peak. Pure.

`tests/bench spectra` calibrates the search by precursor on positive MS/MS spectra of MassBank: no answer at `CONFIDENT`
or above was wrong; at 0.7 two of 22 took an isomer for its neighbour. Nothing else is calibrated, so nothing else is
confident:

- the open search, where two of 30 best answers at `CONFIDENT` or above were another compound, and more among analogues
  that the library does not have: a likeness under another precursor is weak evidence, of a class at most;
- negative ion mode and electron ionisation, of which the bench has one spectrum and none.

A score is computed over what is there, so that one peak in common may make 1.0. A confident candidate has at least
`LEAST_FRAGMENTS` in common besides the precursor and its isotopes: a precursor and two product ions are the four
identification points that Commission Decision 2002/657/EC asks of tandem mass spectra. Ring isomers may still look
alike.
"""

from typing import Final, Literal

from service.spectra.spectrum import Spectrum

CONFIDENT: Final = 0.8
LEAST_FRAGMENTS: Final = 2
_PRECURSOR: Final = 1.6  # Th below the precursor's m/z, from where on a peak is no fragment (as ms_entropy removes it)

Search = Literal["precursor", "open"]
Reservation = Literal["open-search", "not-calibrated"]


def reservation(query: Spectrum, how: Search) -> Reservation | None:
    """Why no candidate of this search is confident, whatever its score; None where it may be."""
    if query.technique != "MS2" or query.ion_mode != "POSITIVE":
        return "not-calibrated"
    return "open-search" if how == "open" else None


def is_confident(query: Spectrum, how: Search, score: float, fragments: int) -> bool:
    """Decided on the score as it is told, so that nobody wonders about a confident 0.79."""
    enough = fragments >= LEAST_FRAGMENTS and round(score, 3) >= CONFIDENT
    return enough and reservation(query, how) is None


def fragments_of(query: Spectrum, matched: list[tuple[int, int]]) -> int:
    """How many of the matched pairs (`library.matches`) are fragments; all, where there is no precursor."""
    if query.precursor_mz is None:
        return len(matched)
    return sum(query.peaks[i][0] < query.precursor_mz - _PRECURSOR for i, _ in matched)
