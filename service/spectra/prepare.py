"""A spectrum as it is compared and as it is drawn: numbers only, the same wherever they are compared.

Fragments are cleaned (peaks merged within 0.05 Th, those below 1 % of the base peak left out) and weighted by the
spectrum's entropy (Li et al., Nature Methods 18, 2021, 1524), summing to one. Electron ionisation is a vector of unit
masses weighted intensity^0.53 × m/z^1.3 (Kim et al., Anal. Chem. 84, 2012, 6477), of norm one.
"""

from typing import Any

import numpy as np
from ms_entropy import apply_weight_to_intensity

from service.spectra.library import cleaned, weighted
from service.spectra.spectrum import Spectrum

COMPARED = ("MS2", "EI")  # techniques
MAX_DRAWN = 300  # strongest peaks that are drawn


def prepared(spectrum: Spectrum) -> dict[str, Any] | None:
    """What `core.attached_spectrum` holds of it; None for what the search does not compare (curves, MS1)."""
    if spectrum.technique not in COMPARED:
        return None
    mz, weight = compared(spectrum)
    strongest = sorted(sorted(spectrum.peaks, key=lambda peak: -peak[1])[:MAX_DRAWN])
    return {
        "technique": spectrum.technique,
        "ion_mode": spectrum.ion_mode,
        "precursor_mz": spectrum.precursor_mz,
        "collision_energy": spectrum.collision_energy[:60],
        "instrument": spectrum.instrument[:60],
        "mz": mz,
        "weight": weight,
        "drawn_mz": [peak[0] for peak in strongest],
        "drawn": [peak[1] for peak in strongest],
    }


def compared(spectrum: Spectrum) -> tuple[list[float], list[float]]:
    """(positions, weights) of a fragment spectrum (Th) or of an electron ionisation spectrum (unit masses)."""
    if spectrum.technique == "EI":
        vector = weighted(spectrum)
        (bins,) = np.nonzero(vector)
        return [float(b) for b in bins], [float(w) for w in vector[bins]]
    peaks = apply_weight_to_intensity(cleaned(spectrum))
    return [float(mz) for mz in peaks[:, 0]], [float(weight) for weight in peaks[:, 1]]
