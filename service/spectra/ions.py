"""Which ions a molecule gives, so that a precursor's m/z can be held against what the spectrum is said to be of. Pure.

Masses of the most abundant isotopes and of the electron: CIAAW 2021 and CODATA 2018, in u. Ions as soft ionisation
gives them, named as MassBank does (record format 2.6, PRECURSOR_TYPE). Of chlorine and bromine the heavier isotope is
selected, too: of a molecule with one of each it gives the highest peak.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

UNIT = 0.5  # Th within which instruments of unit resolution tell a precursor
_ELECTRON: Final = 0.000548580
_HEAVIER: Final = 1.9975  # u, by which 37Cl and 81Br are heavier: 1.99705 and 1.99795
_MASSES: Final = {
    "H": 1.00782503, "B": 11.00930517, "C": 12.0, "N": 14.00307400, "O": 15.99491462, "F": 18.99840316,
    "Na": 22.98976928, "Mg": 23.98504170, "Si": 27.97692653, "P": 30.97376200, "S": 31.97207117, "Cl": 34.96885270,
    "K": 38.96370649, "Ca": 39.96259086, "Se": 79.91652180, "Br": 78.91833760, "I": 126.90447190,
}  # fmt: skip
_FORMULA = re.compile(r"([A-Z][a-z]?\d*)+")
_PART = re.compile(r"([A-Z][a-z]?)(\d*)")
Mode = Literal["POSITIVE", "NEGATIVE", ""]


@dataclass(frozen=True, slots=True)
class Ion:
    """So many molecules, what is added to them (as a formula) and what is lost, and the charge."""

    name: str
    molecules: int
    gained: str
    lost: str
    charge: int

    def mz(self, mass: float) -> float:
        """In Th, of molecules of `mass` u."""
        added = (_mass(self.gained) or 0.0) - (_mass(self.lost) or 0.0) - self.charge * _ELECTRON
        return (self.molecules * mass + added) / abs(self.charge)


IONS: Final = tuple(
    Ion(*ion)
    for ion in (
        ("[M+H]+", 1, "H", "", 1), ("[M]+", 1, "", "", 1), ("[M+Na]+", 1, "Na", "", 1), ("[M+K]+", 1, "K", "", 1),
        ("[M+NH4]+", 1, "NH4", "", 1), ("[M-H2O+H]+", 1, "H", "H2O", 1), ("[M-NH3+H]+", 1, "H", "NH3", 1),
        ("[M+2H]2+", 1, "H2", "", 2), ("[2M+H]+", 2, "H", "", 1), ("[2M+Na]+", 2, "Na", "", 1),
        ("[M-H]-", 1, "", "H", -1), ("[M]-", 1, "", "", -1), ("[M+Cl]-", 1, "Cl", "", -1),
        ("[M+HCOO]-", 1, "CHO2", "", -1), ("[M+CH3COO]-", 1, "C2H3O2", "", -1), ("[2M-H]-", 2, "", "H", -1),
    )
)  # fmt: skip
_SAME: Final = {"[M+H-H2O]+": "[M-H2O+H]+", "[M+H-NH3]+": "[M-NH3+H]+", "[M]+*": "[M]+", "[M]+.": "[M]+"}


def monoisotopic(formula: str | None) -> float | None:
    """Of a formula such as C10H15N, u; None where it is not read for certain (a charge, a labelled isotope)."""
    return _mass(formula) if formula else None


def _mass(formula: str) -> float | None:
    if not formula:
        return 0.0
    parts = _PART.findall(formula)
    if not _FORMULA.fullmatch(formula) or any(element not in _MASSES for element, _ in parts):
        return None
    return sum(_MASSES[element] * int(count or 1) for element, count in parts)


def ion_of(formula: str | None, precursor: float | None, mode: Mode, stated: str = "") -> str | None:
    """The name of the ion of the formula that has this m/z, the nearest of them; None where there is none.

    `stated` is the file's own word for the ion. Where formula, precursor or ion is not known to us it is taken for what
    it is said to be, and "" is answered: nothing can be told.
    """
    mass, stated = monoisotopic(formula), _SAME.get(stated, stated)
    if mass is None or precursor is None or (stated and stated not in {ion.name for ion in IONS}):
        return ""
    sign = {"POSITIVE": 1, "NEGATIVE": -1}.get(mode, 0)
    near = [
        (abs(ion.mz(mass) + heavy * _HEAVIER / abs(ion.charge) - precursor), ion.name)
        for ion in IONS
        if sign * ion.charge >= 0 and (ion.name == stated or not stated)
        for heavy in range(ion.molecules * _halogens(formula or "") + 1)
    ]
    distance, name = min(near, default=(UNIT + 1, ""))
    return name if distance <= UNIT else None


def _halogens(formula: str) -> int:
    """How many atoms of chlorine and bromine."""
    return sum(int(count or 1) for element, count in _PART.findall(formula) if element in ("Cl", "Br"))


def expected(formula: str | None, mode: Mode) -> str:
    """The m/z of the plain ions, in words: what a precursor was expected to be."""
    mass = monoisotopic(formula) or 0.0
    plain = [ion for ion in IONS if ion.name in ("[M+H]+", "[M-H]-")]
    sign = {"POSITIVE": 1, "NEGATIVE": -1}.get(mode, 0)
    return " or ".join(f"{ion.name} {ion.mz(mass):.4f}" for ion in plain if sign * ion.charge >= 0)
