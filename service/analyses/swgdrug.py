"""The SWGDRUG minimum scheme of identification, derived from the techniques that a laboratory names. Pure.

Scientific Working Group for the Analysis of Seized Drugs, Recommendations, editions 8.x, Part III B: categories of
techniques in table 1; III B 3.1: with a category A technique at least one other, which exploits other properties of the
analyte; III B 3.2: without one at least three, two of them uncorrelated techniques of category B; III B 3.3: only
positive results count. A technique used twice is one technique.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.records.analysis_shapes import Technique

RULE: Final = "swgdrug-8/III-B-3"
NO_PLACE: Final = "none"  # stands after A, B and C

_A = frozenset({"IRS", "MS", "NMR", "RAM", "XRD"})
_B = frozenset({"CE", "GC", "IMS", "LC", "MCT", "SFC", "TLC", "UVV"})
_B_OF_CANNABIS = frozenset({"MAC", "MIC"})
_C = frozenset({"COL", "FLU", "IMM", "MPT", "PHI"})

_NO_TEST = "no positive result"
_OTHER = "a second technique of any category, which exploits other properties of the analyte"
_A_OR = "one technique of category A"


@dataclass(frozen=True, slots=True)
class Scheme:
    """Whether the minimum is met, by which part, and if not what is missing."""

    met: bool
    part: str
    missing: tuple[str, ...]

    def document(self) -> dict[str, object]:
        return {"rule": RULE, "part": self.part, "met": self.met, "missing": list(self.missing)}


def category_of(technique: str, *, cannabis: bool = False) -> str | None:
    """A, B or C; None for what has no place in the table (macroscopic examination of anything but cannabis)."""
    if technique in _A:
        return "A"
    if technique in _B or (cannabis and technique in _B_OF_CANNABIS):
        return "B"
    return "C" if technique in _C else None


def scheme(techniques: Iterable[Technique], *, cannabis: bool = False) -> Scheme:
    """What the positive ones among the techniques that a finding rests on amount to."""
    positive = {use.technique for use in techniques if use.result == "POS"}
    categories = {name: category_of(name, cannabis=cannabis) for name in positive}
    counted = {name for name, category in categories.items() if category is not None}
    if "A" in categories.values():
        met = len(counted) >= 2
        return Scheme(met, "III B 3.1", () if met else (_OTHER,))
    second = sum(category == "B" for category in categories.values())
    if second >= 2 and len(counted) >= 3:
        return Scheme(True, "III B 3.2", ())
    missing = [_NO_TEST] if not positive else []
    wanted = []
    if second < 2:
        wanted.append(f"{2 - second} more uncorrelated of category B")
    if (lacking := 3 - len(counted) - (2 - min(second, 2))) > 0:
        wanted.append(f"{lacking} more of any category")
    return Scheme(False, "III B 3.2", (*missing, f"{_A_OR} and another, or: " + ", ".join(wanted)))


def only_class(techniques: Iterable[Technique], *, cannabis: bool = False, result: str = "POS") -> bool:
    """Whether nothing but category C, or nothing at all, has this result."""
    return best_category(techniques, result, cannabis=cannabis) not in ("A", "B")


def best_category(techniques: Iterable[Technique], result: str, *, cannabis: bool = False) -> str | None:
    """The one that tells most, A before B before C before no place in the table, among those with this result."""
    given = [category_of(use.technique, cannabis=cannabis) or NO_PLACE for use in techniques if use.result == result]
    return min(given, default=None)
