"""A spectrum as the service keeps it, and what makes one unacceptable."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from service.sandbox import Refusal
from service.spectra.ions import expected, ion_of

MAX_PEAKS = 20_000  # of a mass spectrum
MAX_POINTS = 200_000  # of a curve
MAX_MZ = 5_000.0  # no molecule of this field comes near
Technique = Literal["MS2", "EI", "MS1", "IR", "RAMAN", "NMR", "UV", "CHROMATOGRAM"]
MASS = ("MS2", "EI", "MS1")
INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Peaks are (m/z in Th, intensity ≥ 0) for mass spectra, otherwise (abscissa, ordinate) in the file's own units.

    `formula` and `precursor_type` (such as `[M+H]+`) are what the file says of the molecule and its ion, to be held
    against its precursor. `attribution` is kept with every copy: licence, copyright and authors, as far as the file
    names them.
    """

    technique: Technique
    peaks: tuple[tuple[float, float], ...]
    name: str = ""
    precursor_mz: float | None = None
    ion_mode: Literal["POSITIVE", "NEGATIVE", ""] = ""
    instrument: str = ""
    collision_energy: str = ""
    inchikey: str = ""
    formula: str = ""
    precursor_type: str = ""
    units: tuple[str, str] = ("m/z", "relative intensity")
    attribution: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        peaks = tuple((float(x), float(y)) for x, y in document["peaks"])
        return cls(**(document | {"peaks": peaks, "units": tuple(document["units"])}))


def checked(spectrum: Spectrum) -> Spectrum:
    """The spectrum, sorted by its abscissa; raises Refusal where no instrument can have written it."""
    if not spectrum.peaks:
        raise Refusal("the spectrum has no peaks")
    most = MAX_PEAKS if spectrum.technique in MASS else MAX_POINTS
    if len(spectrum.peaks) > most:
        raise Refusal(f"the spectrum has {len(spectrum.peaks)} points, expected at most {most}: centroid it")
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in spectrum.peaks):
        raise Refusal("a peak is no finite number")
    if spectrum.inchikey and not INCHIKEY.fullmatch(spectrum.inchikey):
        raise Refusal(f"{spectrum.inchikey[:40]!r} is no InChIKey: leave it out, or give all 27 characters")
    if spectrum.technique in MASS:
        _check_mass(spectrum)
    return replace(spectrum, peaks=tuple(sorted(spectrum.peaks)))


def _check_mass(spectrum: Spectrum) -> None:
    negative = [mz for mz, intensity in spectrum.peaks if intensity < 0]
    if negative:
        raise Refusal(f"the peak at m/z {negative[0]:g} has a negative intensity")
    outside = [mz for mz, _ in spectrum.peaks if not 0 < mz <= MAX_MZ]
    if outside:
        raise Refusal(f"m/z {outside[0]:g} is outside 0 to {MAX_MZ:g}")
    if not any(intensity > 0 for _, intensity in spectrum.peaks):
        raise Refusal("every peak has intensity zero")
    if spectrum.technique == "MS2":
        _check_precursor(spectrum.precursor_mz, spectrum.peaks)
        _check_ion(spectrum)


def _check_precursor(precursor: float | None, peaks: Sequence[tuple[float, float]]) -> None:
    if precursor is None:
        raise Refusal("a fragment spectrum names its precursor m/z")
    if not 0 < precursor <= MAX_MZ:
        raise Refusal(f"the precursor m/z {precursor:g} is outside 0 to {MAX_MZ:g}")
    base = max(peaks, key=lambda peak: peak[1])[0]
    # A singly charged precursor has no heavier fragment; isotopes and a wide isolation window reach a few Th above.
    if base > precursor + 5:
        raise Refusal(f"the base peak at m/z {base:g} is heavier than the precursor {precursor:g}")


def _check_ion(spectrum: Spectrum) -> None:
    formula, mode = spectrum.formula, spectrum.ion_mode
    if ion_of(formula, spectrum.precursor_mz, mode, spectrum.precursor_type) is None:
        said = f"{spectrum.precursor_type} of {formula}" if spectrum.precursor_type else f"ion of {formula}"
        wanted = expected(formula, mode)
        raise Refusal(f"the precursor m/z {spectrum.precursor_mz:g} is no {said}, as the file says: expected {wanted}")
