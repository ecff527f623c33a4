"""A likelihood ratio in words: the scale of the ENFSI Guideline for Evaluative Reporting (2015), section on LRs. Pure.

The words follow the end of the interval that is nearer to 1: never more than the data carry.
"""

from dataclasses import dataclass
from typing import Any

_STEPS = (
    (6.0, "extremely strong support"),
    (4.0, "very strong support"),
    (3.0, "strong support"),
    (2.0, "moderately strong support"),
    (1.0, "moderate support"),
    (0.30103, "weak support"),
)
SAME = "the profiles are of one source"
DIFFERENT = "the profiles are of different sources"


@dataclass(frozen=True, slots=True)
class Ratio:
    """log10 of the likelihood ratio of one source to different sources, with its 95 % interval."""

    log10: float
    low: float
    high: float

    @property
    def band(self) -> str:
        """`very strong support`, for the proposition that `words` names; `no support` where the interval has 1."""
        return _step(self._nearest)

    @property
    def words(self) -> str:
        band = self.band
        if band == "no support":
            return "no support for one proposition over the other"
        proposition, other = (SAME, DIFFERENT) if self._nearest > 0 else (DIFFERENT, SAME)
        return f"{band} that {proposition} rather than that {other}"

    @property
    def _nearest(self) -> float:
        if self.low <= 0 <= self.high:
            return 0.0
        return self.low if self.low > 0 else self.high

    def document(self) -> dict[str, Any]:
        shown = {"value": self.log10, "low": self.low, "high": self.high}
        return {name: _number(value) for name, value in shown.items()} | {"words": self.words}


def _step(log10: float) -> str:
    return next((words for least, words in _STEPS if abs(log10) >= least), "no support")


def _number(log10: float) -> str:
    """Two significant digits: more would be pretence."""
    value = 10**log10
    return f"{float(f'{value:.2g}'):.10f}".rstrip("0").rstrip(".") if value < 1e9 else f"{value:.1e}"
