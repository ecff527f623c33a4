"""Hard rules of an analysis: its facets may not contradict each other, nor claim more than the evidence. Pure.

Each refusal stands by its rule and says where. What findings may claim by their results is in `evidence.py`, what may
be measured in `contents.py`; what is merely unusual is a caution (`cautions.py`).
"""

from collections.abc import Iterable
from fractions import Fraction
from http import HTTPStatus

from service.analyses import sampling, swgdrug
from service.analyses.contents import MeasurementImpossible, check_contents
from service.problems import Problem
from service.records.analysis_shapes import AnalysisFacets, Examination, Finding, Technique
from service.records.rules import LinesDisagree
from service.seizures.exhibits import ForeignExhibit


class NumbersDisagree(Problem):
    """A number stands twice in the facet, or names an exhibit or technique that is not there."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class DatesDisagree(Problem):
    """Received, examined and issued do not follow one another."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class CategoryDisagrees(Problem):
    """The technique has another category in that edition of the SWGDRUG recommendations."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SamplingImpossible(Problem):
    """The numbers of the sampling cannot be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SamplingClaimUnsupported(Problem):
    """The sample does not support the claim about the whole."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def check(facets: AnalysisFacets) -> None:
    """Raises the first contradiction found in a whole analysis."""
    laboratory, findings = facets.laboratory, facets.items or []
    if laboratory is None:
        return
    exhibits = _numbers((entry.n for entry in laboratory.exhibits), "/laboratory/exhibits")
    techniques = _numbers((entry.n for entry in laboratory.techniques), "/laboratory/techniques")
    check_custody(laboratory)
    check_categories(laboratory.techniques)
    check_samplings(laboratory, exhibits)
    check_findings(findings, exhibits, techniques)
    check_contents(facets)
    check_profiles(facets)
    check_marks(facets, exhibits)


def _numbers(given: Iterable[int], pointer: str) -> set[int]:
    numbers: set[int] = set()
    for index, n in enumerate(given):
        if n in numbers:
            raise NumbersDisagree(f"Number {n} stands twice.", pointer=f"{pointer}/{index}/n")
        numbers.add(n)
    return numbers


def check_custody(laboratory: Examination) -> None:
    """An exhibit's number begins with the code of the agency that it came from; time runs forwards."""
    seen: set[str] = set()
    for index, exhibit in enumerate(laboratory.exhibits):
        at = f"/laboratory/exhibits/{index}"
        agency = exhibit.number.partition("/")[0]
        if agency != exhibit.received_from:
            raise ForeignExhibit(
                f"A number of {exhibit.received_from} begins with {exhibit.received_from}/; this is one of {agency}.",
                pointer=f"{at}/number",
                expected=f"{exhibit.received_from}/…",
            )
        if exhibit.number in seen:
            raise NumbersDisagree(f"Exhibit {exhibit.number} stands twice.", pointer=f"{at}/number")
        seen.add(exhibit.number)
        if exhibit.received > (laboratory.started or laboratory.issued):
            raise DatesDisagree("Received after the examination began.", pointer=f"{at}/received")
    if laboratory.started is not None and laboratory.started > laboratory.issued:
        raise DatesDisagree("Issued before the examination began.", pointer="/laboratory/issued")


def check_categories(techniques: Iterable[Technique]) -> None:
    for index, use in enumerate(techniques):
        possible = {swgdrug.category_of(use.technique, cannabis=c) for c in (False, True)} - {None}
        if use.category not in possible:
            expected = sorted(filter(None, possible))
            raise CategoryDisagrees(
                f"{use.technique} is of category {expected[0]} in edition {use.edition}.",
                pointer=f"/laboratory/techniques/{index}/category",
                expected=expected[0],
            )


def check_samplings(laboratory: Examination, exhibits: set[int]) -> None:
    for index, drawn in enumerate(laboratory.sampling or ()):
        at = f"/laboratory/sampling/{index}"
        if drawn.exhibit not in exhibits:
            raise NumbersDisagree(f"There is no exhibit {drawn.exhibit}.", pointer=f"{at}/exhibit")
        if not 1 <= drawn.sampled <= drawn.population:
            raise SamplingImpossible(
                f"Of {drawn.population} units between 1 and {drawn.population} are sampled.", pointer=f"{at}/sampled"
            )
        if drawn.positive > drawn.sampled:
            raise SamplingImpossible(f"Of {drawn.sampled} at most all are positive.", pointer=f"{at}/positive")
        if drawn.plan == "ALL" and drawn.sampled != drawn.population:
            raise SamplingImpossible("The plan says every unit.", pointer=f"{at}/sampled", expected=drawn.population)
        if drawn.plan == "HYPERGEOMETRIC" and drawn.claim is None:
            raise SamplingImpossible("A hypergeometric plan says what it is to show.", pointer=f"{at}/claim")
        if drawn.claim is not None and drawn.sampled > sampling.LARGEST_SAMPLE:
            raise SamplingImpossible(
                f"A claim rests on at most {sampling.LARGEST_SAMPLE} units.", pointer=f"{at}/sampled"
            )
        if drawn.claim is not None:
            proportion, claimed = Fraction(drawn.claim.proportion), Fraction(drawn.claim.confidence)
            reached = sampling.confidence(drawn.population, drawn.sampled, drawn.positive, proportion)
            if not sampling.supports(reached, claimed):
                negatives = drawn.sampled - drawn.positive
                raise SamplingClaimUnsupported(
                    f"{drawn.positive} positive of {drawn.sampled} out of {drawn.population} support"
                    f" “at least {drawn.claim.proportion}” with confidence {sampling.rounded(reached)}.",
                    pointer=f"{at}/claim/confidence",
                    confidence=sampling.rounded(reached),
                    smallest_sample=sampling.smallest_sample(drawn.population, negatives, proportion, claimed),
                    rule=sampling.RULE,
                )


def check_findings(findings: list[Finding], exhibits: set[int], techniques: set[int]) -> None:
    lines: set[int] = set()
    for index, finding in enumerate(findings):
        if finding.line in lines:
            raise LinesDisagree(f"Line {finding.line} stands twice.", pointer=f"/items/{index}/line")
        lines.add(finding.line)
        if finding.exhibit not in exhibits:
            raise NumbersDisagree(f"There is no exhibit {finding.exhibit}.", pointer=f"/items/{index}/exhibit")
        for position, n in enumerate(finding.techniques):
            if n not in techniques:
                raise NumbersDisagree(f"There is no technique {n}.", pointer=f"/items/{index}/techniques/{position}")


def check_profiles(facets: AnalysisFacets) -> None:
    """A profile is of a finding, and its method measures something."""
    lines = {finding.line for finding in facets.items or ()}
    for index, measured in enumerate(facets.spectra or ()):
        if measured.profile is None:
            continue
        if measured.line not in lines:
            raise LinesDisagree(f"There is no finding {measured.line}.", pointer=f"/spectra/{index}/line")
        if not any(measured.profile.areas.values()):
            raise MeasurementImpossible("A profile of nothing.", pointer=f"/spectra/{index}/profile/areas")


def check_marks(facets: AnalysisFacets, exhibits: set[int]) -> None:
    for index, appearance in enumerate(facets.marks or ()):
        at = f"/marks/{index}"
        if appearance.exhibit not in exhibits:
            raise NumbersDisagree(f"There is no exhibit {appearance.exhibit}.", pointer=f"{at}/exhibit")
        mass = appearance.mass_mg
        if mass is None:
            continue
        if mass.mean == 0:
            raise MeasurementImpossible("Units of no mass.", pointer=f"{at}/mass_mg/mean")
        if mass.sd is not None and mass.n < 2:
            raise MeasurementImpossible("One unit has no standard deviation.", pointer=f"{at}/mass_mg/sd")
        if mass.sd is not None and mass.sd > mass.mean:
            raise MeasurementImpossible("They vary more than they weigh.", pointer=f"{at}/mass_mg/sd")
