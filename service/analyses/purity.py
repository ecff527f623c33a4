"""The largest content of base that a salt can have. Pure.

M(base) / (M(base) + M(acid) / b), where one molecule of acid binds at most b of base, so that the bound is the highest
that any stoichiometry of the salt allows. Standard atomic weights (IUPAC, abridged).
"""

import re
from decimal import Decimal
from typing import Final

# salt form → (molar mass of the acid in g/mol, the most molecules of base that one of acid binds)
ACIDS: Final = {
    "HCL": (Decimal("36.46"), 1),
    "SO4": (Decimal("98.08"), 2),
    "PO4": (Decimal("97.99"), 3),
    "TAR": (Decimal("150.09"), 2),
    "CIT": (Decimal("192.12"), 3),
}
_WEIGHTS: Final = {
    "H": "1.008", "B": "10.81", "C": "12.011", "N": "14.007", "O": "15.999", "F": "18.998", "Na": "22.990",
    "Mg": "24.305", "Al": "26.982", "Si": "28.085", "P": "30.974", "S": "32.06", "Cl": "35.45", "K": "39.098",
    "Ca": "40.078", "Mn": "54.938", "Se": "78.971", "Br": "79.904", "I": "126.904",
}  # fmt: skip
_FORMULA = re.compile(r"([A-Z][a-z]?\d*)+")
_PART = re.compile(r"([A-Z][a-z]?)(\d*)")


def molar_mass(formula: str) -> Decimal | None:
    """Of a formula such as C10H15N, g/mol; None where it is not read for certain."""
    if not _FORMULA.fullmatch(formula):
        return None
    parts = _PART.findall(formula)
    if any(element not in _WEIGHTS for element, _ in parts):
        return None
    return sum((Decimal(_WEIGHTS[element]) * int(count or 1) for element, count in parts), Decimal(0))


def most_base(formula: str | None, salt: str | None) -> Decimal:
    """Per cent of base by mass that the pure salt holds at most; 100 where base, salt or acid is not known."""
    mass = molar_mass(formula) if formula else None
    if mass is None or salt not in ACIDS:
        return Decimal(100)
    acid, bound = ACIDS[salt]
    return (100 * mass / (mass + acid / bound)).quantize(Decimal("0.1"))
