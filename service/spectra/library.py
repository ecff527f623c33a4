"""A library of reference spectra, searched by spectral entropy (MS/MS) or weighted cosine (electron ionisation).

MS/MS: entropy similarity by Flash entropy search (Li & Fiehn, Nature Methods 20, 2023, 1475), within the precursor's
tolerance or open; the precursor's own peak stays, because at low energy there is little else. Within the precursor's
tolerance an entry without a fragment in common is still told, with score 0: its mass fits, and nothing more is known.
EI: cosine of intensity^0.53 × m/z^1.3 (Kim et al., Anal. Chem. 84, 2012, 6477). Scores run from 0 to 1. A candidate
that is not confident (`confidence.py`) is told as a hint, never as an identification.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ms_entropy import FlashEntropySearch, clean_spectrum
from numpy.typing import NDArray

from service.spectra.confidence import Search, fragments_of, is_confident
from service.spectra.spectrum import Spectrum

MS1_TOLERANCE = 0.01  # Th
MS2_TOLERANCE = 0.02  # Th
_EI_MAX = 1_000  # Th; unit mass bins
Peaks = NDArray[np.float32]
Indices = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry of the library (`index`, as it was given), its score, and how many peaks both have."""

    index: int
    score: float
    matched: int
    confident: bool


class Library:
    """Immutable once built; 50,000 spectra are indexed in seconds."""

    def __init__(self, entries: Sequence[Spectrum]) -> None:
        self.entries = entries
        self._fragments = {mode: _Fragments(self.entries, mode) for mode in ("POSITIVE", "NEGATIVE")}
        self._electron = _Electron(self.entries)

    def search(self, query: Spectrum, how: Search = "precursor", limit: int = 10) -> list[Candidate]:
        """The best `limit` candidates, best first; none where technique or ion mode has no entries."""
        if query.technique == "EI":
            indices, scores = self._electron.scores(query)
        elif query.technique == "MS2" and query.ion_mode in self._fragments:
            indices, scores = self._fragments[query.ion_mode].scores(query, how)
        else:
            return []
        best = np.argsort(-scores, kind="stable")[:limit]
        return [self._candidate(query, how, int(indices[i]), min(float(scores[i]), 1.0)) for i in best]

    def _candidate(self, query: Spectrum, how: Search, index: int, score: float) -> Candidate:
        tolerance = 0.5 if query.technique == "EI" else MS2_TOLERANCE
        pairs = matches(query, self.entries[index], tolerance)
        return Candidate(index, score, len(pairs), is_confident(query, how, score, fragments_of(query, pairs)))


class _Fragments:
    """The MS/MS entries of one ion mode, in the order of Flash entropy's index."""

    def __init__(self, entries: Sequence[Spectrum], mode: str) -> None:
        mine = [i for i, entry in enumerate(entries) if entry.technique == "MS2" and entry.ion_mode == mode]
        self._search = FlashEntropySearch() if mine else None
        self._indices = np.array([], dtype=np.int64)
        if self._search is not None:
            given = [{"precursor_mz": entries[i].precursor_mz, "peaks": _array(entries[i]), "index": i} for i in mine]
            ordered = self._search.build_index(given, precursor_ions_removal_da=None)
            self._indices = np.array([entry["index"] for entry in ordered], dtype=np.int64)
            self._precursors = np.array([entry["precursor_mz"] for entry in ordered])

    def scores(self, query: Spectrum, how: Search) -> tuple[Indices, Scores]:
        """The entries that come into question, and their scores."""
        if self._search is None or query.precursor_mz is None:
            return self._indices[:0], np.zeros(0, dtype=np.float32)
        method = "identity" if how == "precursor" else "open"
        found = self._search.search(
            precursor_mz=query.precursor_mz,
            peaks=_array(query),
            ms1_tolerance_in_da=MS1_TOLERANCE,
            ms2_tolerance_in_da=MS2_TOLERANCE,
            method=method,
            precursor_ions_removal_da=None,
        )
        scores = np.asarray(found[f"{method}_search"], dtype=np.float32)
        near = np.abs(self._precursors - query.precursor_mz) <= MS1_TOLERANCE
        inside = near if how == "precursor" else scores > 0
        return self._indices[inside], scores[inside]


class _Electron:
    """The EI entries as rows of unit-mass vectors of norm one."""

    def __init__(self, entries: Sequence[Spectrum]) -> None:
        self._indices = np.array([i for i, entry in enumerate(entries) if entry.technique == "EI"], dtype=np.int64)
        self._rows = np.zeros((len(self._indices), _EI_MAX), dtype=np.float32)
        for row, i in enumerate(self._indices):
            self._rows[row] = weighted(entries[i])

    def scores(self, query: Spectrum) -> tuple[Indices, Scores]:
        scores = self._rows @ weighted(query)
        return self._indices[scores > 0], scores[scores > 0]


def _array(spectrum: Spectrum) -> Peaks:
    return np.array(spectrum.peaks, dtype=np.float32)


def weighted(spectrum: Spectrum) -> NDArray[np.float32]:
    peaks = _array(spectrum)
    bins = np.rint(peaks[:, 0]).astype(np.int64)
    inside = bins < _EI_MAX
    vector = np.zeros(_EI_MAX, dtype=np.float64)
    np.add.at(vector, bins[inside], peaks[inside, 1])
    vector = vector**0.53 * np.arange(_EI_MAX) ** 1.3
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm else vector).astype(np.float32)


def matches(one: Spectrum, other: Spectrum, tolerance: float) -> list[tuple[int, int]]:
    """Pairs of peaks (index in each) of at least 1 % of the base peak and within `tolerance`, each used once."""
    pairs, used = [], set()
    mz = np.array([peak[0] for peak in other.peaks])
    floor = 0.01 * max(intensity for _, intensity in other.peaks)
    least = 0.01 * max(intensity for _, intensity in one.peaks)
    for i, (position, intensity) in enumerate(one.peaks):
        if intensity < least:
            continue
        near = range(*np.searchsorted(mz, [position - tolerance, position + tolerance + 1e-9]).tolist())
        free = [j for j in near if j not in used and other.peaks[j][1] >= floor]
        if free:
            nearest = min(free, key=lambda j: abs(mz[j] - position))
            used.add(nearest)
            pairs.append((i, nearest))
    return pairs


def cleaned(spectrum: Spectrum) -> Peaks:
    """Peaks of at least 1 % of the base peak, merged within 0.05 Th, summing to one: what the search compares."""
    return np.asarray(clean_spectrum(_array(spectrum), noise_threshold=0.01), dtype=np.float32)
