"""How much there is: the numbers of a measurement agree with each other, and with the whole that was measured. Pure.

Contents of one exhibit are parts of one mass: together they are at most 100 %, and what a unit holds weighs no more
than the unit. What is given as base and as salt is one content, of which the smaller counts; expanded uncertainties are
granted in full. An exhibit whose appearances differ holds several kinds of units, so that their contents do not add up.
A value below the limit of detection is allowed, and doubtful: with its uncertainty it says more than "none" (Analytical
Methods Committee, Royal Society of Chemistry, Technical Brief 5, 2001).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from service.problems import Problem
from service.records.analysis_shapes import AnalysisFacets, Content
from service.records.rules import LinesDisagree

PERCENT, PER_UNIT = "%", "mg/unit"
SPREAD: Final = 3  # standard deviations above the mean: practically no unit is heavier


class MeasurementImpossible(Problem):
    """The numbers of the measurement cannot be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, slots=True)
class Whole:
    """What was measured of one exhibit in one unit: the sum, the least that it can be, and what there is to hold it.

    `mean` is what the whole weighs as a rule, `most` what it weighs at most, in the unit; `last` a place in `purity`.
    """

    exhibit: int
    unit: str
    total: Decimal
    least: Decimal
    mean: Decimal
    most: Decimal
    last: int


def check_contents(facets: AnalysisFacets) -> None:
    """Raises LinesDisagree, MeasurementImpossible."""
    levels = {finding.line: finding.level for finding in facets.items or ()}
    for index, content in enumerate(facets.purity or ()):
        if content.line not in levels:
            raise LinesDisagree(f"There is no finding {content.line}.", pointer=f"/purity/{index}/line")
        _check_content(content, f"/purity/{index}", levels[content.line])
    for whole in wholes(facets):
        if whole.least > whole.most:
            raise MeasurementImpossible(
                f"The contents of exhibit {whole.exhibit} are {whole.least} {whole.unit} at the least, and it holds"
                f" {whole.most}. What is different is another exhibit, or another appearance of this one.",
                pointer=f"/purity/{whole.last}/value",
                expected=str(whole.most),
            )


def _check_content(content: Content, at: str, level: str) -> None:
    if content.value > 0 and level == "NOT_DETECTED":
        raise MeasurementImpossible("Of what was not detected there is none: 0, with its lod.", pointer=f"{at}/value")
    if content.unit == PERCENT and content.value > 100:
        raise MeasurementImpossible("More than 100 % of the mass.", pointer=f"{at}/value")
    if (content.uncertainty is None) != (content.k is None):
        absent = "k" if content.k is None else "uncertainty"
        raise MeasurementImpossible("Expanded uncertainty and k come together.", pointer=f"{at}/{absent}")
    if content.uncertainty is not None and content.uncertainty > content.value:
        raise MeasurementImpossible("The uncertainty is larger than the value.", pointer=f"{at}/uncertainty")
    if content.k is not None and not 1 <= content.k <= 10:
        raise MeasurementImpossible("A coverage factor is 1 to 10, usually 2.", pointer=f"{at}/k")
    if content.lod is not None and content.loq is not None and content.loq < content.lod:
        raise MeasurementImpossible("The limit of quantification is below that of detection.", pointer=f"{at}/loq")


def wholes(facets: AnalysisFacets) -> Iterator[Whole]:
    """One for each exhibit and unit in which something was measured that has a whole: shares, and milligrams a unit."""
    exhibits = {finding.line: finding.exhibit for finding in facets.items or ()}
    for exhibit in sorted(set(exhibits.values())):
        looks = [seen for seen in facets.marks or () if seen.exhibit == exhibit]
        masses = [seen.mass_mg for seen in looks if seen.mass_mg is not None]
        holds = {PERCENT: (Decimal(100), Decimal(100))}
        if masses:
            means = max(mass.mean for mass in masses)
            holds[PER_UNIT] = (means, max(mass.mean + SPREAD * (mass.sd or 0) for mass in masses))
        for unit, (mean, most) in holds.items():
            measured = [
                (index, content)
                for index, content in enumerate(facets.purity or ())
                if content.unit == unit and exhibits[content.line] == exhibit
            ]
            if not measured:
                continue
            values: dict[int, Decimal] = {}
            least: dict[int, Decimal] = {}
            for _, content in measured:
                low = content.value - (content.uncertainty or 0)
                values[content.line] = min(content.value, values.get(content.line, content.value))
                least[content.line] = min(low, least.get(content.line, low))
            add = sum if len(looks) <= 1 else max
            total, at_least = Decimal(add(values.values())), Decimal(add(least.values()))
            yield Whole(exhibit, unit, total, at_least, mean, most, measured[-1][0])
