"""What a finding may claim by the results that it rests on, at every level of identification. Pure.

Scientific Working Group for the Analysis of Seized Drugs, Recommendations, editions 8.x, Part III B: table 1 orders the
techniques by what they tell apart, A before B before C; 3.3: only positive results are of value for an identification,
negative ones rule out a drug or a class. So a claim that no result speaks for is a contradiction, and refused; one that
a result of category A or B speaks against is doubtful, and a caution.

Positional isomers: their electron-ionisation mass spectra are alike; separation, vibrational spectra and NMR tell them
apart (UNODC ST/NAR/49, synthetic cathinones). Enantiomers: separated with a chiral column, selector or derivative, by
NMR with a chiral reagent, by the vibrational spectra or the diffraction of their crystals, by microcrystalline tests
(UNODC ST/NAR/9 and ST/NAR/34, amphetamines); no mass spectrum tells them apart. Polarimetry has no place in table 1, so
that no record can name it: a claim on other techniques is therefore a caution, and refused only on tests of a class.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

from service.analyses import swgdrug
from service.problems import Problem
from service.records.analysis_shapes import Examination, Finding, Technique

TELL_POSITIONS: Final = frozenset({"CE", "GC", "IRS", "LC", "NMR", "RAM", "SFC", "XRD"})
TELL_HANDEDNESS: Final = frozenset({"CE", "GC", "IRS", "LC", "MCT", "NMR", "SFC", "XRD"})
_HANDED: Final = frozenset({"D", "L", "RAC", "NONRAC"})


class IdentificationUnsupported(Problem):
    """No result speaks for what the finding claims, or only such as tell a class of substances."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ExclusionUnsupported(Problem):
    """What was looked for and not detected rests on a negative result that outweighs every positive one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def supporting(finding: Finding, laboratory: Examination) -> list[Technique]:
    """The techniques that a finding rests on."""
    return [use for use in laboratory.techniques if use.n in finding.techniques]


def check_evidence(index: int, finding: Finding, laboratory: Examination, *, cannabis: bool) -> None:
    """Raises where the results contradict the level, or the isomer, of a finding. `cannabis`: what the substance is."""
    used, at = supporting(finding, laboratory), f"/items/{index}"
    if finding.level == "NOT_DETECTED":
        _check_exclusion(used, at, cannabis=cannabis)
        return
    positive = _names(used, "POS")
    only_class = swgdrug.only_class(used, cannabis=cannabis)
    if finding.level != "UNKNOWN" and (not positive or (finding.level == "IDENTIFIED" and only_class)):
        raise IdentificationUnsupported(
            f"Not identified: only {', '.join(positive)} is positive. Colour tests and the like tell a class;"
            " say CLASS_ONLY or CONSISTENT_WITH."
            if positive
            else "No technique it rests on is positive: nothing speaks for it. Say UNKNOWN or NOT_DETECTED.",
            pointer=f"{at}/level",
            scheme=swgdrug.scheme(used, cannabis=cannabis).document(),
        )
    for member, claimed in (("isomer", finding.isomer == "RESOLVED"), ("stereo", finding.stereo in _HANDED)):
        if claimed and only_class:
            raise IdentificationUnsupported("Tests of a class tell no isomers apart.", pointer=f"{at}/{member}")


def _check_exclusion(used: list[Technique], at: str, *, cannabis: bool) -> None:
    negative = swgdrug.best_category(used, "NEG", cannabis=cannabis)
    positive = swgdrug.best_category(used, "POS", cannabis=cannabis)
    if negative is None:
        raise ExclusionUnsupported("No technique it rests on is negative.", pointer=f"{at}/level")
    if positive is not None and positive < negative:
        raise ExclusionUnsupported(
            f"{', '.join(_names(used, 'POS'))} tells more than {', '.join(_names(used, 'NEG'))}, and is positive.",
            pointer=f"{at}/level",
        )


def doubts(finding: Finding, laboratory: Examination, *, cannabis: bool) -> Iterator[tuple[str, str, str]]:
    """`(kind, member, sentence)` of what may be accepted, but not without a second look."""
    used = supporting(finding, laboratory)
    contrary = "POS" if finding.level == "NOT_DETECTED" else "NEG"
    against = [use for use in used if not swgdrug.only_class([use], cannabis=cannabis, result=contrary)]
    if against and finding.level != "UNKNOWN":
        yield "conflicting-results", "level", f"{', '.join(_names(against, contrary))} speaks against it."
    if finding.level == "NOT_DETECTED":
        if swgdrug.only_class(used, cannabis=cannabis, result="NEG"):
            yield "excluded-by-class-tests", "level", "Only tests of a class are negative; the line stays as reported."
        return
    positive = set(_names(used, "POS"))
    if finding.isomer == "RESOLVED" and not positive & TELL_POSITIONS:
        yield "isomer-not-told", "isomer", f"{', '.join(sorted(positive))} does not tell positional isomers apart."
    if finding.stereo in _HANDED and not positive & TELL_HANDEDNESS:
        yield "stereo-not-told", "stereo", f"{', '.join(sorted(positive))} does not tell enantiomers apart."


def excludes(finding: Finding, laboratory: Examination, *, cannabis: bool) -> bool:
    """Whether the substance was looked for, and ruled out by more than tests of a class."""
    used = supporting(finding, laboratory)
    return finding.level == "NOT_DETECTED" and not swgdrug.only_class(used, cannabis=cannabis, result="NEG")


def _names(used: Iterable[Technique], result: str) -> list[str]:
    return sorted({use.technique for use in used if use.result == result})
