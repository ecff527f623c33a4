"""What the service says of an analysis: derived from what is disclosed of it, never asserted by anyone. Pure.

A reader who is not given `items` or `laboratory` gets no word about identification, because none can be derived.
"""

from fractions import Fraction
from typing import Any

from service.analyses import sampling, swgdrug
from service.analyses.evidence import supporting
from service.records.analysis_shapes import AnalysisFacets, Examination, Finding
from service.substances.catalogue import Catalogue

CANNABIS = "cannabis"


def derived(facets: AnalysisFacets, catalogue: Catalogue) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if facets.items is not None:
        document["findings"] = [_finding(finding, facets.laboratory, catalogue) for finding in facets.items]
    if facets.laboratory is not None and (samplings := _samplings(facets.laboratory)):
        document["sampling"] = samplings
    return document


def _finding(finding: Finding, laboratory: Examination | None, catalogue: Catalogue) -> dict[str, Any]:
    code = substance_of(finding, catalogue)
    document: dict[str, Any] = {"line": finding.line, "substance": code}
    if laboratory is not None and finding.level != "NOT_DETECTED":
        document["scheme"] = scheme_of(finding, laboratory, catalogue).document()
    return document


def substance_of(finding: Finding, catalogue: Catalogue) -> str | None:
    """The catalogue's code, from the code or the words; None where neither is an entry."""
    if finding.substance is not None:
        return finding.substance if catalogue.get(finding.substance) else None
    match = catalogue.resolve(finding.reported)
    return match.code if match else None


def is_cannabis(code: str | None, catalogue: Catalogue) -> bool:
    return code is not None and catalogue.group(code) == CANNABIS


def scheme_of(finding: Finding, laboratory: Examination, catalogue: Catalogue) -> swgdrug.Scheme:
    cannabis = is_cannabis(substance_of(finding, catalogue), catalogue)
    return swgdrug.scheme(supporting(finding, laboratory), cannabis=cannabis)


def _samplings(laboratory: Examination) -> list[dict[str, Any]]:
    return [
        {
            "exhibit": drawn.exhibit,
            "rule": sampling.RULE,
            "proportion": drawn.claim.proportion,
            "claimed": drawn.claim.confidence,
            "confidence": sampling.rounded(
                sampling.confidence(drawn.population, drawn.sampled, drawn.positive, Fraction(drawn.claim.proportion))
            ),
        }
        for drawn in laboratory.sampling or ()
        if drawn.claim is not None
    ]
