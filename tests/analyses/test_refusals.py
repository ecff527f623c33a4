"""What is refused, with the place of the fault, and nothing stored."""

from typing import Any

from sarhad.analyses import complete, countersign, finding, prepare
from sarhad.keys import PrivateKey

from tests.analyses.laboratory import HEROIN, METHAMPHETAMINE, OPIATES, Laboratory, changed, heroin_found, tablets
from tests.seizures.wiring import line, refusal, verdicts

METH = {"items": [finding(METHAMPHETAMINE, "meth", techniques=[2, 3], salt="HCL", isomer="NAP", stereo="D")]}
COLOUR_ONLY = {"items": [finding(HEROIN, "heroin", techniques=[1])]}


def heroin_line(level: str, *techniques: int, **members: Any) -> dict[str, Any]:
    return {"items": [finding(HEROIN, "heroin", techniques=techniques, level=level, **members)], "purity": None}


def content(**members: str) -> dict[str, Any]:
    return {"purity": [{"line": 1, "value": "41.2", "unit": "%", "basis": "AS_BASE", **members}]}


CASES: list[tuple[str, dict[str, Any], str, Any, str, str]] = [
    ("colour test alone", COLOUR_ONLY, "", None, "identification-unsupported", "/items/0/level"),
    (
        "not detected by what found it",
        heroin_line("NOT_DETECTED", 2, 3), "", None, "exclusion-unsupported", "/items/0/level",
    ),
    (
        "a colour that did not show, against a mass spectrum",
        heroin_line("NOT_DETECTED", 3, 6), "", None, "exclusion-unsupported", "/items/0/level",
    ),
    (
        "consistent with what no test found",
        heroin_line("CONSISTENT_WITH", 4, 5), "", None, "identification-unsupported", "/items/0/level",
    ),
    (
        "a class that no test found",
        heroin_line("CLASS_ONLY", 6), "", None, "identification-unsupported", "/items/0/level",
    ),
    (
        "isomers told by a colour",
        heroin_line("CONSISTENT_WITH", 1, isomer="RESOLVED"), "", None, "identification-unsupported", "/items/0/isomer",
    ),
    (
        "enantiomer told by a colour",
        heroin_line("CONSISTENT_WITH", 1, stereo="D"), "", None, "identification-unsupported", "/items/0/stereo",
    ),
    (
        "content of what was not detected",
        {**heroin_line("NOT_DETECTED", 4, 5), **content()}, "", None, "measurement-impossible", "/purity/0/value",
    ),
    ("more than all", content(value="100.1"), "", None, "measurement-impossible", "/purity/0/value"),
    (
        "more base than the salt holds",
        {**METH, **content(value="93.5", uncertainty="2.1", k="2")},
        "", None, "measurement-impossible", "/purity/0/value",
    ),
    (
        "uncertainty larger than the value",
        content(uncertainty="41.3", k="2"), "", None, "measurement-impossible", "/purity/0/uncertainty",
    ),
    ("uncertainty without k", content(uncertainty="1"), "", None, "measurement-impossible", "/purity/0/k"),
    (
        "more of all than there is",
        {"purity": [
            {"line": 1, "value": "71", "unit": "%", "basis": "AS_BASE", "uncertainty": "2", "k": "2"},
            {"line": 2, "value": "35", "unit": "%", "basis": "AS_BASE", "uncertainty": "2", "k": "2"},
        ]},
        "", None, "measurement-impossible", "/purity/1/value",
    ),
    (
        "more in a tablet than it weighs",
        {**content(value="320", unit="mg/unit", uncertainty="10", k="2"), **tablets()},
        "", None, "measurement-impossible", "/purity/0/value",
    ),
    ("LOQ below LOD", content(lod="0.4", loq="0.1"), "", None, "measurement-impossible", "/purity/0/loq"),
    ("negative purity", content(value="-1"), "", None, "invalid-quantity", "/purity/0/value"),
    ("purity of no finding", content() , "purity/0/line", 7, "lines-disagree", "/purity/0/line"),
    (
        "number of another agency", {}, "laboratory/exhibits/0/received_from", "KZ-DCA",
        "foreign-exhibit", "/laboratory/exhibits/0/number",
    ),
    (
        "number without its agency", {}, "laboratory/exhibits/0/number", "2026-17",
        "invalid-facet", "/laboratory/exhibits/0/number",
    ),
    (
        "more sampled than there are", {}, "laboratory/sampling/0/sampled", 13,
        "sampling-impossible", "/laboratory/sampling/0/sampled",
    ),
    (
        "more positive than sampled", {}, "laboratory/sampling/0/positive", 10,
        "sampling-impossible", "/laboratory/sampling/0/positive",
    ),
    (
        "a negative population", {}, "laboratory/sampling/0/population", -1,
        "invalid-facet", "/laboratory/sampling/0/population",
    ),
    (
        "a claim beyond the sample", {}, "laboratory/sampling/0/claim/confidence", "0.96",
        "sampling-claim-unsupported", "/laboratory/sampling/0/claim/confidence",
    ),
    (
        "all sampled, but fewer than there are", {}, "laboratory/sampling/0/plan", "ALL",
        "sampling-impossible", "/laboratory/sampling/0/sampled",
    ),
    (
        "a hypergeometric plan without a claim", {}, "laboratory/sampling/0/claim", ...,
        "sampling-impossible", "/laboratory/sampling/0/claim",
    ),
    (
        "an edition of SWGDRUG that is not known", {}, "laboratory/techniques/0/edition", "7.1",
        "unknown-code", "/laboratory/techniques/0/edition",
    ),
    (
        "another category", {}, "laboratory/techniques/0/category", "A",
        "category-disagrees", "/laboratory/techniques/0/category",
    ),
    (
        "issued before received", {}, "laboratory/exhibits/0/received", "2026-03-19",
        "dates-disagree", "/laboratory/exhibits/0/received",
    ),
    ("technique that is not there", {}, "items/0/techniques", [9], "numbers-disagree", "/items/0/techniques/0"),
    ("exhibit that is not there", {}, "items/0/exhibit", 2, "numbers-disagree", "/items/0/exhibit"),
    ("unknown substance", {}, "items/0/substance", "SAR-999999", "unknown-substance", "/items/0/substance"),
    ("isomers not told", METH, "items/0/isomer", ..., "isomer-status-missing", "/items/0/isomer"),
    (
        "looks of an exhibit that is not there",
        tablets(exhibit=2), "", None, "numbers-disagree", "/marks/0/exhibit",
    ),
    (
        "tablets of no mass",
        tablets(mass_mg={"mean": "0", "n": 3}), "", None, "measurement-impossible", "/marks/0/mass_mg/mean",
    ),
    (
        "a deviation of one tablet",
        tablets(mass_mg={"mean": "280", "sd": "8", "n": 1}), "", None, "measurement-impossible", "/marks/0/mass_mg/sd",
    ),
    (
        "tablets that vary more than they weigh",
        tablets(mass_mg={"mean": "280", "sd": "281", "n": 5}),
        "", None, "measurement-impossible", "/marks/0/mass_mg/sd",
    ),
    ("a seizure's facet", {"persons": {"arrested": 0, "groups": []}}, "", None, "facet-not-allowed", "/persons"),
    ("an invented member", {}, "laboratory/colour", "red", "unknown-member", "/laboratory/colour"),
]  # fmt: skip


def test_each_fault_is_refused_where_it_stands(lab: Laboratory, nothing_stored: None) -> None:
    records = []
    for _, facets, path, value, _, _ in CASES:
        record = heroin_found("KZ-LAB", None, **facets)
        if path:
            record = record.with_facets(
                **{path.partition("/")[0]: changed(record.facets, path, value)[path.split("/")[0]]}
            )
        records.append(line(lab.reviewed(record)))
    lines, summary = verdicts(lab.batch(records))
    for (name, _, _, _, kind, pointer), verdict in zip(CASES, lines, strict=True):
        problem = verdict.get("problem", {"type": "accepted"})
        assert (problem["type"], problem.get("pointer")) == (f"/problems/{kind}", pointer), (name, verdict)
    assert summary["accepted"] == 0


def test_the_refusal_of_a_claim_says_what_would_support_it(lab: Laboratory) -> None:
    examined = changed(heroin_found().facets["laboratory"], "sampling/0/claim/confidence", "0.99")
    reply = lab.file(lab.found(laboratory=examined))
    assert (reply.json()["confidence"], reply.json()["smallest_sample"]) == ("0.9545", 11)


def test_a_colour_test_may_say_class_only(lab: Laboratory) -> None:
    reply = lab.file(lab.found(items=[finding(OPIATES, "opiates", techniques=[1], level="CLASS_ONLY")], purity=None))
    assert reply.status == 201, reply.body
    assert not reply.json()["derived"]["findings"][0]["scheme"]["met"]
    assert reply.json()["warnings"] == []


def test_the_reviewer_is_another_key_of_the_laboratory(lab: Laboratory, nothing_stored: None) -> None:
    record = heroin_found()
    draft = prepare(record, analyst=lab.record_key.public, reviewer=lab.reviewer_key.kid)
    review = countersign(lab.reviewer_key, draft)
    alone = {**draft.record.facets["laboratory"], "reviewer": lab.record_key.kid, "review": review}
    assert refusal(lab.file(lab.sign(record.with_facets(laboratory=alone))))[1:] == (
        "reviewer-is-analyst", "/laboratory/reviewer",
    )  # fmt: skip
    stranger = PrivateKey.generate()
    other = prepare(record, analyst=lab.record_key.public, reviewer=stranger.kid)
    unknown = complete(lab.record_key, other, countersign(stranger, other))
    assert refusal(lab.file(unknown))[1:] == ("reviewer-unknown", "/laboratory/reviewer")
    swapped = prepare(heroin_found(), analyst=lab.record_key.public, reviewer=lab.reviewer_key.kid)
    assert refusal(lab.file(complete(lab.record_key, swapped, review)))[1:] == ("review-invalid", "/laboratory/review")
