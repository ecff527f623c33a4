"""Whether what a spectrum is said to be of can be true: its InChIKey, its substance and its precursor, side by side.

The file's own words are held against each other where they are read (`spectrum.checked`); here they are held against
the catalogue. What the catalogue does not know, or has no formula of, is taken as it is said.
"""

from http import HTTPStatus

from service.problems import Problem
from service.spectra.ions import expected, ion_of
from service.spectra.spectrum import Spectrum
from service.substances.catalogue import Catalogue, Entry


class SpectrumDisagrees(Problem):
    """What is said of the spectrum contradicts itself: its InChIKey, its substance, or the m/z of its precursor."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check_agreement(spectrum: Spectrum, catalogue: Catalogue, substance: str | None = None) -> None:
    """`substance` is the code it is submitted for. Raises SpectrumDisagrees."""
    match = catalogue.resolve(spectrum.inchikey) if spectrum.inchikey else None
    keyed = catalogue.get(match.code) if match else None
    named = catalogue.get(substance) if substance else None
    if keyed is not None and named is not None and not _may_be_one(keyed, named):
        detail = f"{spectrum.inchikey} is {keyed.code}, {keyed.substance.name_en}, and not {named.code}"
        raise SpectrumDisagrees(detail, parameter="substance", expected=keyed.code)
    for entry in (keyed, named):
        if entry is not None and ion(spectrum, entry) is None:
            formula = entry.substance.formula
            raise SpectrumDisagrees(
                f"the precursor m/z {spectrum.precursor_mz:g} is no ion of {entry.substance.name_en} ({formula})",
                expected=expected(formula, spectrum.ion_mode),
            )


def ion(spectrum: Spectrum, entry: Entry) -> str | None:
    """Which ion of the entry its precursor is: None where it is none, "" where that cannot be told."""
    return ion_of(entry.substance.formula, spectrum.precursor_mz, spectrum.ion_mode, spectrum.precursor_type)


def _may_be_one(one: Entry, other: Entry) -> bool:
    """The same, the one above the other in the catalogue, or alike but for stereochemistry."""
    keys = [entry.substance.inchikey for entry in (one, other)]
    skeletons = {key[:14] for key in keys if key}
    return other.code in one.lineage or one.code in other.lineage or (all(keys) and len(skeletons) == 1)
