"""The kind `analysis` of record: how one is judged and what is stored beside it for questions and links.

Reads as an argument: (1) a laboratory files it; (2) its facets have their form and do not contradict each other, its
substances are in the catalogue, and no finding claims more than its evidence; (3) analyst and reviewer are two keys of
this laboratory, and both signed. What is derived is never taken from the record.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.analyses import rules, store
from service.analyses.appearance import looks
from service.analyses.cautions import cautions
from service.analyses.contents import MeasurementImpossible
from service.analyses.derive import derived, is_cannabis, substance_of
from service.analyses.evidence import check_evidence
from service.analyses.purity import most_base
from service.analyses.results import results
from service.identity.caller import Caller
from service.identity.permission import RoleRequired
from service.identity.record_keys import RecordKey
from service.policies.gate import Scope
from service.problems import Problem
from service.records import facets
from service.records.analysis_shapes import AnalysisFacets, Examination, Finding
from service.records.review import ReviewInvalid, check_review
from service.records.sdjwt import Record
from service.seizures.harmonise import Reference, UnknownPlace, UnknownSubstance
from service.seizures.row import Candidate, columns_of
from service.substances.catalogue import Catalogue

UNKNOWN_GROUP = "unknown"
# Where ring isomers and enantiomers differ in law and in source, a laboratory says whether it told them apart.
ISOMER_GROUPS = frozenset({"amphetamine-type", "ecstasy-type", "synthetic-cathinones", "phenethylamines"})


class ReviewerIsAnalyst(Problem):
    """Four eyes: an analysis is reviewed with another key than the one that signs it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ReviewerUnknown(Problem):
    """The reviewer's key is not a valid record-signing key of the laboratory."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IsomerStatusMissing(Problem):
    """An identification in this group says whether isomers and enantiomers were told apart."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AnalysisKind:
    """`service.seizures.kinds.Kind` for analyses."""

    def judge(
        self, caller: Caller, record: Record, keys: Mapping[str, RecordKey], reference: Reference, now: datetime
    ) -> Candidate:
        if "laboratory" not in caller.roles:
            raise RoleRequired("analyses are filed with the role laboratory", expected=["laboratory"])
        typed, codes = judged(record.facets, reference, now)
        _check_review(record, _examination(typed), keys)
        groups = {_group_bit(code, reference.catalogue) for code in codes}
        return Candidate(
            record=record,
            scope=Scope.of("analysis", sum(1 << bit for bit in groups), record.claims.handling, record.claims.iss),
            columns=columns_of(record, typed),
            lines=[],
            warnings=cautions(typed, reference.catalogue),
            derived=derived(typed, reference.catalogue),
            aside=_aside(record, typed, codes, reference.catalogue),
        )

    async def store(self, session: AsyncSession, aside: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        await store.insert(session, aside)


def judged(given: Mapping[str, Any], reference: Reference, now: datetime) -> tuple[AnalysisFacets, list[str | None]]:
    """What an analysis says, held against every rule but those of signatures; the code of each finding, in order.

    Raises the first refusal.
    """
    typed = facets.validate_analysis(given, now)
    rules.check(typed)
    if typed.admin1 is not None and not reference.atlas.has_admin1(typed.admin1.code):
        raise UnknownPlace(f"{typed.admin1.code} is no ISO 3166-2 code of the atlas", pointer="/where.admin1/code")
    laboratory, findings = _examination(typed), typed.items or []
    codes = [_check_finding(*entry, laboratory, reference.catalogue) for entry in enumerate(findings)]
    _check_bases(typed, dict(zip((f.line for f in findings), codes, strict=True)), reference.catalogue)
    return typed, codes


def _examination(typed: AnalysisFacets) -> Examination:
    assert typed.laboratory is not None  # a required facet
    return typed.laboratory


def _check_review(record: Record, laboratory: Examination, keys: Mapping[str, RecordKey]) -> None:
    if laboratory.analyst != record.header.kid:
        raise ReviewInvalid(
            "The analyst's key signs the record.", pointer="/laboratory/analyst", expected=record.header.kid
        )
    if laboratory.reviewer == laboratory.analyst:
        raise ReviewerIsAnalyst("Analyst and reviewer are one key.", pointer="/laboratory/reviewer")
    key = keys.get(laboratory.reviewer)
    if key is None or key.agency != record.claims.iss:
        raise ReviewerUnknown(
            f"expected a valid record-signing key of {record.claims.iss}", pointer="/laboratory/reviewer"
        )
    analyst = keys.get(laboratory.analyst)
    if key.person is not None and analyst is not None and key.person == analyst.person:
        raise ReviewerIsAnalyst("Analyst and reviewer are one person.", pointer="/laboratory/reviewer")
    check_review(record, key.public_key)


def _check_finding(index: int, finding: Finding, laboratory: Examination, catalogue: Catalogue) -> str | None:
    """The substance's code; None for what is unknown."""
    code = substance_of(finding, catalogue)
    if code is None and (finding.substance is not None or finding.level != "UNKNOWN"):
        at = "substance" if finding.substance is not None else "reported"
        raise UnknownSubstance(
            f"{finding.substance or finding.reported!r} is no entry; give a code, or a class, or say UNKNOWN",
            pointer=f"/items/{index}/{at}",
        )
    check_evidence(index, finding, laboratory, cannabis=is_cannabis(code, catalogue))
    if code is not None and finding.level == "IDENTIFIED" and catalogue.group(code) in ISOMER_GROUPS:
        for member, value in (("isomer", finding.isomer), ("stereo", finding.stereo)):
            if value is None:
                raise IsomerStatusMissing(
                    f"Say whether it was determined; UNK and NAP are answers to stereo, NAP to isomer ({code}).",
                    pointer=f"/items/{index}/{member}",
                )
    return code


def _check_bases(typed: AnalysisFacets, codes: Mapping[int, str | None], catalogue: Catalogue) -> None:
    """A content of base cannot exceed what the salt holds, uncertainty granted."""
    salts = {finding.line: finding.salt for finding in typed.items or ()}
    for index, content in enumerate(typed.purity or ()):
        entry = catalogue.get(codes[content.line] or "")
        if content.unit != "%" or content.basis != "AS_BASE" or entry is None:
            continue
        bound = most_base(entry.substance.formula, salts[content.line])
        if content.value - (content.uncertainty or 0) > bound:
            raise MeasurementImpossible(
                f"As base this salt ({salts[content.line]}) holds at most {bound} %; is the value as salt?",
                pointer=f"/purity/{index}/value",
                expected=str(bound),
            )


def _group_bit(code: str | None, catalogue: Catalogue) -> int:
    return catalogue.groups[UNKNOWN_GROUP].bit if code is None else catalogue.group_bit(code)


def _aside(
    record: Record, typed: AnalysisFacets, codes: Sequence[str | None], catalogue: Catalogue
) -> dict[str, list[dict[str, Any]]]:
    """What questions and links look at, each under the facet that discloses it."""
    laboratory, findings = _examination(typed), typed.items or []
    month_end = columns_of(record, typed)["month_end"]
    key = {"record_id": record.claims.jti, "version": record.claims.ver, "month_end": month_end}
    return {
        "analysis": [
            {
                **key,
                "techniques": sorted({use.technique for use in laboratory.techniques}),
                "exhibits": [exhibit.number for exhibit in laboratory.exhibits],
            }
        ],
        "finding": [
            {**key, "line": finding.line, "substance": code, "role": finding.role, "level": finding.level}
            for finding, code in zip(findings, codes, strict=True)
        ],
        "content": [
            {
                **key,
                "n": n,
                "line": content.line,
                "value": str(content.value),
                "unit": content.unit,
                "basis": content.basis,
            }
            for n, content in enumerate(typed.purity or (), start=1)
        ],
        "exhibit_link": [{**key, **result} for result in results(laboratory, findings, catalogue)],
        "profile": [
            {
                **key,
                "n": n,
                "line": measured.line,
                "method": measured.profile.method,
                "areas": {marker: str(area) for marker, area in measured.profile.areas.items()},
            }
            for n, measured in enumerate(typed.spectra or (), start=1)
            if measured.profile is not None
        ],
        "appearance": [{**key, "n": n, **looks(seen)} for n, seen in enumerate(typed.marks or (), start=1)],
    }
