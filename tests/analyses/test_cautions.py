"""What is accepted with a word of caution: claims that the evidence does not quite carry."""

from typing import Any

import pytest
from sarhad.analyses import finding

from service.analyses.evidence import doubts
from service.records.analysis_shapes import Examination, Finding
from tests.analyses.laboratory import HEROIN, Laboratory, examination, exhibit_number, tablets

RESULTS = ("COL:POS", "TLC:POS", "GC:POS", "IRS:POS", "MS:POS", "COL:NEG", "GC:NEG", "MS:NEG", "MS:INC")
CATEGORY = {"COL": "C", "TLC": "B", "GC": "B", "IRS": "A", "MS": "A"}


def doubted(level: str, *results: str, **members: str) -> list[str]:
    """Kinds of cautions on a finding that rests on these results, each a technique and its result."""
    techniques = [
        {"n": n, "technique": name, "category": CATEGORY[name], "edition": "8.1", "result": result}
        for n, (name, _, result) in enumerate((given.partition(":") for given in RESULTS), start=1)
    ]
    signed = {"analyst": "a" * 42 + "A", "reviewer": "b" * 42 + "A", "review": "a.b.c"}
    laboratory = Examination.model_validate(examination("KZ-CUS/1", techniques=techniques) | signed)
    rests = [RESULTS.index(result) + 1 for result in results]
    claimed = Finding.model_validate({"line": 1, **finding(HEROIN, "heroin", techniques=rests, level=level, **members)})
    return [kind for kind, _, _ in doubts(claimed, laboratory, cannabis=False)]


@pytest.mark.parametrize(
    ("level", "results", "members", "expected"),
    [
        ("IDENTIFIED", ("GC:POS", "MS:POS"), {}, []),
        ("IDENTIFIED", ("GC:POS", "MS:POS", "COL:NEG"), {}, []),
        ("IDENTIFIED", ("IRS:POS", "GC:POS", "MS:NEG"), {}, ["conflicting-results"]),
        ("CONSISTENT_WITH", ("COL:POS", "GC:NEG"), {}, ["conflicting-results"]),
        ("NOT_DETECTED", ("GC:NEG", "MS:NEG"), {}, []),
        ("NOT_DETECTED", ("COL:POS", "MS:NEG"), {}, []),
        ("NOT_DETECTED", ("GC:POS", "MS:NEG"), {}, ["conflicting-results"]),
        ("NOT_DETECTED", ("COL:NEG",), {}, ["excluded-by-class-tests"]),
        ("UNKNOWN", ("GC:NEG", "MS:INC"), {}, []),
        ("IDENTIFIED", ("GC:POS", "MS:POS"), {"isomer": "RESOLVED", "stereo": "D"}, []),
        ("IDENTIFIED", ("IRS:POS", "COL:POS"), {"isomer": "RESOLVED"}, []),
        ("IDENTIFIED", ("MS:POS", "COL:POS"), {"isomer": "NOT_RESOLVED", "stereo": "UNK"}, []),
        ("IDENTIFIED", ("MS:POS", "COL:POS"), {"isomer": "RESOLVED"}, ["isomer-not-told"]),
        ("IDENTIFIED", ("MS:POS", "TLC:POS"), {"stereo": "L"}, ["stereo-not-told"]),
        ("IDENTIFIED", ("MS:POS", "TLC:POS"), {"stereo": "RAC"}, ["stereo-not-told"]),
    ],
)
def test_a_claim_is_doubted_by_its_results(
    level: str, results: tuple[str, ...], members: dict[str, str], expected: list[str]
) -> None:
    assert doubted(level, *results, **members) == expected


def warned(lab: Laboratory, **facets: Any) -> list[tuple[str, str]]:
    reply = lab.file(lab.found(**facets))
    assert reply.status == 201, reply.body
    return [(warning["type"].removeprefix("/warnings/"), warning["pointer"]) for warning in reply.json()["warnings"]]


@pytest.mark.parametrize(("intact", "expected"), [(True, []), (None, []), (False, ["seals-not-intact"])])
def test_broken_seals_are_a_word_on_what_was_found(lab: Laboratory, intact: bool | None, expected: list[str]) -> None:
    laboratory = examination(exhibit_number())
    laboratory["exhibits"][0]["seals_intact"] = intact
    if intact is None:
        del laboratory["exhibits"][0]["seals_intact"]
    told = warned(lab, laboratory=laboratory)
    assert told == [(kind, "/laboratory/exhibits/0/seals_intact") for kind in expected]


def test_a_class_is_not_called_by_one_of_its_substances(lab: Laboratory) -> None:
    only_class = finding(HEROIN, "opiates", techniques=[1], level="CLASS_ONLY")
    assert warned(lab, items=[only_class], purity=None) == [("class-names-a-substance", "/items/0/substance")]


@pytest.mark.parametrize("level", ["UNKNOWN", "CLASS_ONLY"])
def test_a_content_is_of_a_known_substance(lab: Laboratory, level: str) -> None:
    unknown = finding(None, "opiate, unspecified", techniques=[1], level=level)
    measured = [{"line": 1, "value": "4", "unit": "%", "basis": "AS_BASE", "uncertainty": "1", "k": "2"}]
    assert warned(lab, items=[unknown], purity=measured) == [("content-of-unidentified", "/purity/0/line")]


def test_a_content_below_detection_is_told_by_nought_and_its_limit(lab: Laboratory) -> None:
    absent = finding(HEROIN, "heroin", techniques=[4, 5], level="NOT_DETECTED")
    measured = [{"line": 1, "value": "0", "unit": "%", "basis": "AS_BASE", "lod": "0.1"}]
    assert warned(lab, items=[absent], purity=measured) == []


def content(line: int, value: str, unit: str = "%", **members: str) -> dict[str, Any]:
    return {"line": line, "value": value, "unit": unit, "basis": "AS_BASE", "uncertainty": "2", "k": "2", **members}


def test_contents_that_make_more_than_the_whole_only_by_their_uncertainty_are_doubted(lab: Laboratory) -> None:
    together = [content(1, "70"), content(2, "32")]
    assert warned(lab, purity=together) == [("more-than-the-whole", "/purity/1/value")]
    assert warned(lab, purity=[content(1, "70"), content(2, "30")]) == []


def test_one_content_said_as_base_and_as_salt_counts_once(lab: Laboratory) -> None:
    assert warned(lab, purity=[content(1, "70"), content(1, "77", basis="AS_SALT"), content(2, "29")]) == []


def test_contents_of_different_looks_do_not_add_up(lab: Laboratory) -> None:
    two = [*tablets(colour="pink")["marks"], *tablets(colour="blue")["marks"]]
    assert warned(lab, purity=[content(1, "70"), content(2, "90")], marks=two) == []


def test_what_a_tablet_holds_is_compared_with_what_it_weighs(lab: Laboratory) -> None:
    """Ten tablets of 280 mg, standard deviation 8 mg: one of 290 mg would be no wonder, one of 310 mg would."""
    assert warned(lab, purity=[content(1, "290", "mg/unit")], marks=tablets()["marks"]) == [
        ("more-than-the-whole", "/purity/0/value")
    ]
    assert warned(lab, purity=[content(1, "120", "mg/unit")], marks=tablets()["marks"]) == []


@pytest.mark.parametrize(
    ("value", "expected"), [("0.05", ["below-detection"]), ("0.2", ["below-quantification"]), ("0.4", [])]
)
def test_a_value_below_a_limit_is_doubted(lab: Laboratory, value: str, expected: list[str]) -> None:
    measured = content(1, value, uncertainty="0.01", lod="0.1", loq="0.4")
    assert [kind for kind, _ in warned(lab, purity=[measured])] == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, []),
        ({"diameter_mm": None, "length_mm": "11", "width_mm": "6"}, []),
        ({"diameter_mm": None, "length_mm": "11"}, [("tablet-not-measured", "/marks/0")]),
        ({"mass_mg": None}, [("tablet-not-measured", "/marks/0")]),
        ({"mass_mg": None, "form": "PWD"}, []),
        ({"mass_mg": {"mean": "900", "n": 10}}, [("unusual-tablet-mass", "/marks/0/mass_mg/mean")]),
        ({"mass_mg": {"mean": "49.9", "n": 10}}, [("unusual-tablet-mass", "/marks/0/mass_mg/mean")]),
    ],
)
def test_tablets_are_measured_and_weigh_what_tablets_weigh(
    lab: Laboratory, members: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    (appearance,) = tablets(**members)["marks"]
    given = {name: value for name, value in appearance.items() if value is not None}
    assert warned(lab, marks=[given]) == expected
