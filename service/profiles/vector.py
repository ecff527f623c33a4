"""An impurity profile as a point: the treatment of the CHAMP project, and Pearson's r as a distance. Pure.

CHAMP (Andersson et al., Forensic Sci. Int. 169 (2007) 86, amphetamine part VI): areas normalised to their sum, then the
fourth root, compared by Pearson's r. Centred and scaled to length 1, |a − b|² = 2 (1 − r): the nearest point is the
most alike profile, and an index of distances serves.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from math import sqrt
from typing import Final

from service.problems import Problem

TREATMENT: Final = "sum, fourth root, Pearson (CHAMP)"


class MarkersDisagree(Problem):
    """A profile has a value for each marker of its method, and for nothing else."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ProfileFlat(Problem):
    """A profile without any difference between its markers is like every other: it compares with none."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def ordered(areas: Mapping[str, Decimal], markers: Sequence[str], pointer: str) -> list[float]:
    """The areas in the order of the method. Raises MarkersDisagree, which names what is missing or not of it."""
    missing, foreign = [m for m in markers if m not in areas], sorted(areas.keys() - set(markers))
    if missing or foreign:
        said = [f"missing: {', '.join(missing[:5])}"] if missing else []
        said += [f"not of the method: {', '.join(foreign[:5])}"] if foreign else []
        raise MarkersDisagree("; ".join(said), pointer=pointer, missing=missing, foreign=foreign)
    return [float(areas[marker]) for marker in markers]


def unit(areas: Sequence[float], pointer: str) -> list[float]:
    """The point of a profile: length 1, mean 0. Raises ProfileFlat where all areas are the same, or none."""
    total = sum(areas)
    roots = [(area / total) ** 0.25 for area in areas] if total > 0 else []
    mean = sum(roots) / len(roots) if roots else 0.0
    centred = [root - mean for root in roots]
    length = sqrt(sum(value * value for value in centred))
    if length < 1e-6:
        raise ProfileFlat("give the areas as measured; at least two of them differ", pointer=pointer)
    return [value / length for value in centred]


def as_cube(point: Sequence[float]) -> str:
    """The literal of PostgreSQL's type cube (contrib), of at most 100 dimensions."""
    return "(" + ",".join(repr(value) for value in point) + ")"
