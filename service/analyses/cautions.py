"""Soft rules: what is accepted, but a laboratory should look at again. Never a refusal. Pure."""

from collections.abc import Iterator

from service.analyses.contents import wholes
from service.analyses.derive import is_cannabis, scheme_of, substance_of
from service.analyses.evidence import doubts
from service.analyses.purity import most_base
from service.records.analysis_shapes import AnalysisFacets, Appearance
from service.records.cautions import TABLET_MASS_MG
from service.substances.catalogue import Catalogue

MOLECULES = frozenset({"substance", "precursor", "adulterant"})  # kinds of entries

Caution = tuple[str, str, str]


def cautions(facets: AnalysisFacets, catalogue: Catalogue) -> list[dict[str, str]]:
    """Warnings: `type` is stable, `pointer` points into the facets."""
    return [
        {"type": f"/warnings/{kind}", "pointer": pointer, "detail": detail}
        for found in (
            _custody(facets),
            _schemes(facets, catalogue),
            _claims(facets, catalogue),
            _contents(facets, catalogue),
            _units(facets),
        )
        for kind, pointer, detail in found
    ]


def _custody(facets: AnalysisFacets) -> Iterator[Caution]:
    for index, exhibit in enumerate(facets.laboratory.exhibits if facets.laboratory else ()):
        if exhibit.seals_intact is False:
            detail = f"What was examined may not be what {exhibit.received_from} seized: tell it."
            yield "seals-not-intact", f"/laboratory/exhibits/{index}/seals_intact", detail


def _schemes(facets: AnalysisFacets, catalogue: Catalogue) -> Iterator[Caution]:
    for index, finding in enumerate(facets.items or ()):
        if facets.laboratory is None or finding.level != "IDENTIFIED":
            continue
        scheme = scheme_of(finding, facets.laboratory, catalogue)
        if not scheme.met:
            yield "scheme-not-met", f"/items/{index}", f"SWGDRUG {scheme.part}: missing {'; '.join(scheme.missing)}."


def _claims(facets: AnalysisFacets, catalogue: Catalogue) -> Iterator[Caution]:
    for index, finding in enumerate(facets.items or ()):
        code = substance_of(finding, catalogue)
        if facets.laboratory is not None:
            for kind, member, detail in doubts(finding, facets.laboratory, cannabis=is_cannabis(code, catalogue)):
                yield kind, f"/items/{index}/{member}", detail
        entry = catalogue.get(code or "")
        if finding.level == "CLASS_ONLY" and entry is not None and entry.substance.kind in MOLECULES:
            named = "reported" if finding.substance is None else "substance"
            detail = f"{code} is one substance: name the class that was told, or say CONSISTENT_WITH."
            yield "class-names-a-substance", f"/items/{index}/{named}", detail


def _contents(facets: AnalysisFacets, catalogue: Catalogue) -> Iterator[Caution]:
    findings = {finding.line: finding for finding in facets.items or ()}
    for index, content in enumerate(facets.purity or ()):
        at, finding = f"/purity/{index}", findings[content.line]
        if finding.level in ("UNKNOWN", "CLASS_ONLY"):
            yield "content-of-unidentified", f"{at}/line", "Measured against what standard? The substance is not known."
        if content.uncertainty is None and content.value > 0:
            yield "no-uncertainty", f"{at}/uncertainty", "A quantity without its uncertainty cannot be compared."
        if finding.level == "NOT_DETECTED":
            continue
        if content.lod is not None and content.value < content.lod:
            yield "below-detection", f"{at}/value", "Below the limit of detection: hardly told from none."
        elif content.loq is not None and content.value < content.loq:
            yield "below-quantification", f"{at}/value", "Below the limit of quantification: detected, not measured."
        entry = catalogue.get(substance_of(finding, catalogue) or "")
        if content.unit == "%" and content.basis == "AS_BASE" and entry is not None:
            bound = most_base(entry.substance.formula, finding.salt)
            if content.value > bound:
                detail = f"As base this salt holds at most {bound} %; within the uncertainty, but look again."
                yield "more-than-the-salt-holds", f"{at}/value", detail
    for whole in wholes(facets):
        if whole.total > whole.mean:
            detail = f"Together {whole.total} {whole.unit} of {whole.mean}; within the uncertainty, but look again."
            yield "more-than-the-whole", f"/purity/{whole.last}/value", detail


def _units(facets: AnalysisFacets) -> Iterator[Caution]:
    low, high = TABLET_MASS_MG
    for index, appearance in enumerate(facets.marks or ()):
        mass = appearance.mass_mg
        if appearance.form != "TAB":
            continue
        if mass is not None and not low <= mass.mean <= high:
            yield "unusual-tablet-mass", f"/marks/{index}/mass_mg/mean", f"Tablets weigh {low} to {high} mg as a rule."
        if absent := _unmeasured(appearance):
            detail = f"Tablets are compared by their measures; not given: {', '.join(absent)}."
            yield "tablet-not-measured", f"/marks/{index}", detail


def _unmeasured(tablet: Appearance) -> list[str]:
    """Which of mass, thickness and outline are missing; the outline is a diameter, or a length and a width."""
    outline = tablet.diameter_mm is not None or (tablet.length_mm is not None and tablet.width_mm is not None)
    given = {"mass_mg": tablet.mass_mg is not None, "thickness_mm": tablet.thickness_mm is not None}
    return [name for name, there in {**given, "diameter_mm": outline}.items() if not there]
