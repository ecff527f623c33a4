"""A laboratory's result finds its line, whichever comes first; both values stay; withdrawn, it leaves the line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.records import correction, item, read, retraction

from tests.analyses.laboratory import HEROIN, METHAMPHETAMINE, Laboratory, examination, exhibit_number
from tests.analyses.test_filing import id_of
from tests.links.wiring import post
from tests.seizures.wiring import Agency, refusal

MORPHINE = "SAR-000553"
NEGATIVE = [finding(HEROIN, "heroin", techniques=[4, 5], level="NOT_DETECTED")]


def reported(customs: Agency, number: str, word: str = "heroin", **facets: Any) -> str:
    entry = item(None, word, "11.840", "kg", status="PRES", exhibit=number)
    return customs.report(**({"items": [entry]} | facets))


def only_line(agency: Agency, record: str, **query: Any) -> dict[str, Any]:
    (found,) = agency.get(f"/v1/seizures/{id_of(record)}", **query).json()["derived"]["items"]
    return dict(found)


@pytest.mark.parametrize("first", ["report", "analysis"])
def test_a_result_confirms_its_line_whichever_comes_first(customs: Agency, lab: Laboratory, first: str) -> None:
    number = exhibit_number()
    report, analysis = reported(customs, number), lab.found(number)
    steps = [lambda: customs.post(report), lambda: lab.file(analysis)]
    for step in steps if first == "report" else steps[::-1]:
        assert step().status == 201
    line = only_line(customs, report)
    assert (line["substance"], line["status"]) == (HEROIN, "CONF")
    assert (line["substance_reported"], line["status_reported"]) == (HEROIN, "PRES")
    assert line["result"] == {"analysis": id_of(analysis), "version": 1}
    reference = read(report).facets["reference"]
    assert [found["id"] for found in customs.search(reference=reference, status="CONF")] == [id_of(report)]
    assert customs.search(reference=reference, status="PRES") == []


def test_what_waits_for_its_other_half_stands_in_the_queue(customs: Agency, lab: Laboratory, neighbour: Agency) -> None:
    first, second = exhibit_number(), exhibit_number()

    def waiting(who: Agency, side: str, **asked: Any) -> dict[str, list[str]]:
        items = who.get("/v1/exhibits", side=side, limit=500, **asked).json()["items"]
        return {item["record"]: item["exhibits"] for item in items}

    report, analysis = reported(customs, first), lab.found(second)
    customs.post(report)
    lab.file(analysis)
    assert waiting(lab, "analysis", agency="KZ-LAB")[id_of(analysis)] == [second]
    assert waiting(customs, "report")[id_of(report)] == [first]
    assert id_of(analysis) not in waiting(neighbour, "analysis")
    assert id_of(report) not in waiting(neighbour, "report")
    lab.file(lab.found(first))
    customs.post(reported(customs, second))
    assert id_of(analysis) not in waiting(lab, "analysis")
    assert id_of(report) not in waiting(customs, "report")


def test_the_border_agency_learns_of_it_in_its_inbox(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report, analysis = reported(customs, number), lab.found(number)
    customs.post(report)
    lab.file(analysis)
    about = f"/v1/seizures/{id_of(report)}"

    def told() -> list[dict[str, Any]]:
        notices = customs.get("/v1/inbox", kind="result-changed", limit="500").json()["items"]
        return [notice["facts"] for notice in notices if notice["subject"] == about]

    assert told() == [{"line": 1, "status": "CONF", "substance": HEROIN}]
    lab.file(lab.sign(retraction(analysis, reason="Mixed up.", language="en")))
    assert [facts["status"] for facts in told()] == ["PRES", "CONF"]


def test_a_result_names_another_substance(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    lab.file(lab.found(number, items=[finding(MORPHINE, "morphine", techniques=[2, 3])], purity=None))
    line = only_line(customs, report)
    assert (line["substance"], line["status"], line["substance_reported"]) == (MORPHINE, "CONF", HEROIN)
    assert line["kg"] == "11.840"


def test_a_negative_result_keeps_the_substance(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    lab.file(lab.found(number, items=NEGATIVE, purity=None))
    line = only_line(customs, report)
    assert (line["substance"], line["status"], line["status_reported"]) == (HEROIN, "NEGA", "PRES")


def test_a_colour_that_did_not_show_takes_no_line_away(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    unseen = finding(HEROIN, "heroin", techniques=[6], level="NOT_DETECTED")
    reply = lab.file(lab.found(number, items=[unseen], purity=None))
    assert [warning["type"] for warning in reply.json()["warnings"]] == ["/warnings/excluded-by-class-tests"]
    assert only_line(customs, report)["status"] == "PRES"


def test_an_identification_below_the_minimum_confirms_nothing(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    reply = lab.file(lab.found(number, items=[finding(HEROIN, "heroin", techniques=[3])], purity=None))
    assert [warning["type"] for warning in reply.json()["warnings"]] == ["/warnings/scheme-not-met"]
    assert only_line(customs, report)["status"] == "PRES"


def test_a_corrected_analysis_changes_the_line_and_a_retracted_one_leaves_it(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report, first = reported(customs, number), lab.found(number)
    customs.post(report)
    lab.file(first)
    second = lab.reviewed(correction(first, items=[{"line": 1, **NEGATIVE[0]}], purity=None))
    assert lab.file(second).status == 201
    assert only_line(customs, report)["status"] == "NEGA"
    assert only_line(customs, report)["result"]["version"] == 2
    assert lab.file(lab.sign(retraction(second, reason="Mixed up.", language="en"))).status == 201
    line = only_line(customs, report)
    assert (line["status"], line["substance"]) == ("PRES", HEROIN)
    assert not line.keys() & {"result", "status_reported", "substance_reported"}


def test_a_corrected_report_is_confirmed_again(customs: Agency, lab: Laboratory) -> None:
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    lab.file(lab.found(number))
    heavier = item(None, "heroin", "12.5", "kg", status="SUSP", exhibit=number)
    second = customs.sign(correction(report, items=[{"line": 1, **heavier}]))
    assert customs.post(second).status == 201
    line = only_line(customs, report)
    assert (line["kg"], line["status"], line["status_reported"]) == ("12.5", "CONF", "SUSP")


def test_a_neighbours_laboratory_counts_only_where_it_was_asked(
    neighbour: Agency, customs: Agency, lab: Laboratory
) -> None:
    """KZ-LAB examines exhibits of KG-CUS: one report names the laboratory, the other does not."""
    neighbour.exchange.adopt("KZ")
    for asked, status in ((True, "CONF"), (False, "PRES")):
        number = exhibit_number("KG-CUS")
        facets = {"laboratory": {"agency": "KZ-LAB", "case": "884"}} if asked else {}
        report = reported(neighbour, number, **facets)
        assert neighbour.post(report).status == 201
        assert lab.file(lab.found(laboratory=examination(number))).status == 201
        line = only_line(neighbour, report)
        assert line["status"] == status
        assert "result" not in line, "the analysis itself stays under the policy of its owner"


def waits(agency: Agency, record: str) -> list[dict[str, Any]]:
    """What the agency was told of results that stand off lines of a report of its own, newest first."""
    notices = agency.get("/v1/inbox", kind="result-waits", limit="500").json()["items"]
    return [notice["facts"] for notice in notices if notice["subject"] == f"/v1/seizures/{id_of(record)}"]


def held(agency: Agency, record: str) -> list[dict[str, Any]]:
    """What the queue says of the results that have come for a report which awaits one."""
    items = agency.get("/v1/exhibits", side="report", limit=500).json()["items"]
    return [result for item in items if item["record"] == id_of(record) for result in item["held"]]


@pytest.mark.parametrize("first", ["report", "analysis"])
def test_a_result_marked_more_strictly_stays_off_the_line_and_its_agency_is_told(
    customs: Agency, lab: Laboratory, first: str
) -> None:
    number = exhibit_number()
    report, analysis = reported(customs, number), lab.found(number, handling="TLP:RED")
    steps = [lambda: customs.post(report), lambda: lab.file(analysis)]
    for step in steps if first == "report" else steps[::-1]:
        assert step().status == 201
    assert only_line(customs, report)["status"] == "PRES"
    said = {"line": 1, "analysis": id_of(analysis), "reason": "handling"}
    assert waits(customs, report) == [said]
    assert held(customs, report) == [said | {"exhibit": number}]
    lab.file(lab.found(exhibit_number()))  # another exhibit: nothing is told twice
    assert waits(customs, report) == [said]
    lab.file(lab.sign(retraction(analysis, reason="Mixed up.", language="en")))
    assert held(customs, report) == []


def permit(country: str, *groups: str) -> dict[str, Any]:
    """A rule that shows reports of these groups, in full, to a country."""
    return {
        "id": f"to-{country.lower()}",
        "effect": "permit",
        "audience": {"countries": [country]},
        "substance_groups": list(groups),
        "handling_up_to": "TLP:RED",
        "facets": ["reference", "items"],
        "time": "day",
        "place": "country",
    }


OPIATE_GROUP, STIMULANTS = "heroin-opiates", "amphetamine-type"
SIMPLE = {"items": [finding(METHAMPHETAMINE, "methamphetamine", techniques=[2, 3], isomer="NAP", stereo="D")]}


@pytest.mark.parametrize("first", ["report", "analysis"])
def test_a_result_in_another_group_counts_and_the_owners_rules_are_asked_about_both(
    customs: Agency, lab: Laboratory, neighbour: Agency, first: str
) -> None:
    """KG is shown opiates, RU opiates and stimulants, TJ stimulants: with the result RU alone sees the report."""
    customs.exchange.adopt(
        "KZ", permit("KG", OPIATE_GROUP), permit("RU", OPIATE_GROUP, STIMULANTS), permit("TJ", STIMULANTS)
    )
    readers = {"KG": neighbour, "RU": Agency(customs.exchange, "RU-CUS"), "TJ": Agency(customs.exchange, "TJ-CUS")}
    number = exhibit_number()
    report, analysis = reported(customs, number), lab.found(number, **SIMPLE, purity=None)

    def seen_by() -> list[str]:
        path = f"/v1/seizures/{id_of(report)}"
        return [country for country, reader in readers.items() if reader.get(path).status == 200]

    steps = [lambda: customs.post(report), lambda: lab.file(analysis)]
    for step in steps if first == "report" else steps[::-1]:
        assert step().status == 201
    line = only_line(customs, report)
    assert (line["substance"], line["status"], line["substance_reported"]) == (METHAMPHETAMINE, "CONF", HEROIN)
    told = customs.get("/v1/inbox", kind="result-changed", limit="500").json()["items"]
    assert f"/v1/seizures/{id_of(report)}" in [notice["subject"] for notice in told]
    assert (waits(customs, report), held(customs, report)) == ([], [])
    assert seen_by() == ["RU"]
    reference = read(report).facets["reference"]
    found = readers["RU"].search(reference=reference, substance=METHAMPHETAMINE, status="CONF")
    assert [item["id"] for item in found] == [id_of(report)]
    assert neighbour.search(reference=reference) == []
    corrected = item(None, "heroin", "12.5", "kg", status="SUSP", exhibit=number)
    second = customs.sign(correction(report, items=[{"line": 1, **corrected}]))
    assert customs.post(second).status == 201
    assert (only_line(customs, report)["status"], seen_by()) == ("CONF", ["RU"])
    lab.file(lab.sign(retraction(analysis, reason="Mixed up.", language="en")))
    assert (only_line(customs, report)["status"], seen_by()) == ("SUSP", ["KG", "RU"])
    customs.exchange.adopt("KZ")


def test_a_report_with_rules_of_its_own_keeps_them_when_a_result_moves_it(
    customs: Agency, lab: Laboratory, neighbour: Agency
) -> None:
    customs.exchange.adopt("KZ", permit("RU", OPIATE_GROUP))
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    path, officer = f"/v1/seizures/{id_of(report)}", customs.exchange.client("KZ-DCA/policy")
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    grant = {"kind": "grant", "countries": ["KG"], "facets": ["items"], "until": until, "reason": "as agreed"}
    officer.put_sharing(id_of(report), {"version": officer.sharing(id_of(report))["version"], "add": [grant]})
    russia = Agency(customs.exchange, "RU-CUS")
    assert [reader.get(path).status for reader in (neighbour, russia)] == [200, 200]
    lab.file(lab.found(number, **SIMPLE, purity=None))
    assert only_line(neighbour, report)["status"] == "CONF"
    assert russia.get(path).status == 404, "what was granted stands; the policy was asked about stimulants"
    officer.put_sharing(id_of(report), {"version": officer.sharing(id_of(report))["version"]})
    assert neighbour.get(path).status == 404
    customs.exchange.adopt("KZ")


def test_a_neighbours_laboratory_that_was_asked_decides_nothing_about_who_sees_the_report(
    neighbour: Agency, lab: Laboratory
) -> None:
    """What it finds in another group stays off the line, and hides nothing that the country's own laboratory found."""
    neighbour.exchange.adopt("KG", permit("RU", OPIATE_GROUP))
    number, russia = exhibit_number("KG-CUS"), Agency(neighbour.exchange, "RU-CUS")
    report = reported(neighbour, number, laboratory={"agency": "KZ-LAB", "case": "884"})
    assert neighbour.post(report).status == 201
    assert lab.file(lab.found(laboratory=examination(number))).status == 201
    assert only_line(neighbour, report)["status"] == "CONF"
    assert lab.file(lab.found(laboratory=examination(number), **SIMPLE, purity=None)).status == 201
    assert (only_line(neighbour, report)["substance"], only_line(neighbour, report)["status"]) == (HEROIN, "CONF")
    assert russia.get(f"/v1/seizures/{id_of(report)}").status == 200
    neighbour.exchange.adopt("KG")


def test_an_unknown_waits_until_it_is_published(customs: Agency, lab: Laboratory) -> None:
    structure = {"smiles": f"CNC(C)C(=O)c1ccc(C{'CC' * 9}N)cc1"}
    code = post(lab, "/v1/provisional", {"name": "exhibit 4", "structure": structure}, None).json()["code"]
    number = exhibit_number()
    report = reported(customs, number)
    customs.post(report)
    unknown = finding(code, "unknown", techniques=[2, 3], isomer="NAP", stereo="UNK")
    assert lab.file(lab.found(number, items=[unknown], purity=None)).status == 201
    assert [result["reason"] for result in held(customs, report)] == ["unpublished"]
    officer = Agency(customs.exchange, "KZ-DCA/policy")
    assert post(officer, f"/v1/provisional/{code}/publication", {}, None).status == 200
    assert (only_line(customs, report)["status"], held(customs, report)) == ("CONF", [])
    assert [facts["reason"] for facts in waits(customs, report)] == ["unpublished"]


def test_nobody_is_told_of_results_of_another_country_that_stand_off_the_line(
    neighbour: Agency, customs: Agency, lab: Laboratory
) -> None:
    """Of two reports that asked KZ-LAB, the exhibit of one was examined: a hidden result is as good as none."""
    neighbour.exchange.adopt("KZ")
    examined, not_examined = (exhibit_number("KG-CUS") for _ in range(2))
    laboratory = {"agency": "KZ-LAB", "case": "884"}
    reports = [reported(neighbour, number, laboratory=laboratory) for number in (examined, not_examined)]
    analysis = lab.found(laboratory=examination(examined), handling="TLP:RED")
    assert lab.file(analysis).status == 201
    for report in reports:
        assert neighbour.post(report).status == 201
        assert only_line(neighbour, report)["status"] == "PRES"
        assert waits(neighbour, report) == []
        assert held(neighbour, report) == []
        assert waits(customs, report) == []


def test_an_agency_gives_its_own_numbers(customs: Agency, nothing_stored: None) -> None:
    for number in ("KZ-DCA/2026-1", "KG-CUS/2026-1"):
        assert refusal(customs.post(reported(customs, number))) == (422, "foreign-exhibit", "/items/0/exhibit")
    assert refusal(customs.post(reported(customs, "2026-1")))[1:] == ("invalid-facet", "/items/0/exhibit")
