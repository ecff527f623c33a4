"""An analysis goes the way of every record: filed once, corrected, retracted, read under the gate."""

from dataclasses import replace

from sarhad.analyses import verify_review
from sarhad.records import correction, read, redact, retraction

from tests.analyses.laboratory import CAFFEINE, HEROIN, Laboratory, exhibit_number, heroin_found
from tests.exchange import Exchange
from tests.seizures.wiring import Agency, line, refusal, statuses, verdicts


def id_of(record: str) -> str:
    return str(read(record).payload["jti"])


def test_an_analysis_is_accepted_with_what_is_derived(lab: Laboratory) -> None:
    record = lab.found()
    reply = lab.file(record)
    assert reply.status == 201, reply.body
    answer = reply.json()
    heroin, caffeine = answer["derived"]["findings"]
    assert (heroin["substance"], caffeine["substance"]) == (HEROIN, CAFFEINE)
    assert heroin["scheme"] == {"rule": "swgdrug-8/III-B-3", "part": "III B 3.1", "met": True, "missing": []}
    (drawn,) = answer["derived"]["sampling"]
    assert (drawn["confidence"], drawn["claimed"]) == ("0.9545", "0.95")
    assert answer["warnings"] == []
    again = lab.file(record)
    assert (again.status, again.json()["receipt"]) == (200, answer["receipt"])


def test_the_laboratory_reads_it_back(lab: Laboratory) -> None:
    record = lab.found()
    lab.file(record)
    path = f"/v1/analyses/{id_of(record)}"
    shown = lab.get(path).json()
    assert (shown["kind"], shown["own"], shown["agency"]) == ("analysis", True, "KZ-LAB")
    assert shown["facets"] == read(record).facets
    assert shown["derived"]["findings"][0]["scheme"]["met"]
    assert lab.get(path, accept="application/sd-jwt").body.decode().split("~")[0] == record.split("~")[0]
    (version,) = lab.get(f"{path}/versions").json()["items"]
    assert (version["version"], version["latest"]) == (1, True)
    placed = lab.get(f"{path}/proof")
    assert placed.status == 200 or placed.problem == "leaf-not-yet-merged"


def test_the_routes_of_seizures_do_not_show_analyses(lab: Laboratory) -> None:
    record = lab.found()
    lab.file(record)
    reference = read(record).facets["reference"]
    absent = lab.get("/v1/seizures/00000000-0000-4000-8000-000000000000")
    for path in ("", "/versions", "/proof"):
        hidden = lab.get(f"/v1/seizures/{id_of(record)}{path}")
        assert (hidden.status, hidden.json()["type"]) == (404, absent.json()["type"])
    assert lab.search(reference=reference) == []
    assert lab.file(lab.sign(retraction(record, reason="Mixed up.", language="en"))).status == 201
    assert lab.search(reference=reference, retracted="true") == []
    assert lab.get(f"/v1/seizures/{id_of(record)}").status == 404


def test_the_routes_of_analyses_do_not_show_seizures(customs: Agency) -> None:
    report = customs.report()
    customs.post(report)
    assert customs.get(f"/v1/analyses/{id_of(report)}").status == 404
    assert refusal(customs.post(report, "/v1/analyses")) == (422, "kind-elsewhere", "/payload/kind")


def test_an_analysis_is_no_seizure(lab: Laboratory, nothing_stored: None) -> None:
    assert refusal(lab.post(lab.found())) == (422, "kind-elsewhere", "/payload/kind")


def test_a_corrected_analysis_is_reviewed_again(lab: Laboratory) -> None:
    first = lab.found()
    lab.file(first)
    purity = [{**read(first).facets["purity"][0], "value": "40.8"}]
    unreviewed = correction(first, purity=purity)
    assert refusal(lab.file(lab.sign(unreviewed))) == (422, "review-invalid", "/laboratory/review")
    second = lab.reviewed(unreviewed)
    reply = lab.post(second, f"/v1/analyses/{id_of(first)}/versions")
    assert (reply.status, reply.json()["version"]) == (201, 2)
    shown = lab.get(f"/v1/analyses/{id_of(first)}").json()
    assert shown["facets"]["purity"][0]["value"] == "40.8"
    assert lab.analyses(reference=read(first).facets["reference"], max_purity="41")[0]["version"] == 2
    assert lab.analyses(reference=read(first).facets["reference"], min_purity="41") == []


def test_a_retracted_analysis_leaves_the_searches(lab: Laboratory) -> None:
    record = lab.found()
    lab.file(record)
    reference = read(record).facets["reference"]
    reply = lab.file(lab.sign(retraction(record, reason="Exhibits were mixed up.", language="en")))
    assert (reply.status, reply.json()["version"]) == (201, 2)
    assert lab.analyses(reference=reference) == []
    (found,) = lab.analyses(reference=reference, retracted="true")
    assert (found["kind"], found["status"]) == ("retraction", "retracted")
    assert "derived" not in found


def test_analyses_and_reports_share_a_batch(lab: Laboratory, customs: Agency) -> None:
    one, two = lab.found(), lab.found()
    lines, summary = verdicts(lab.batch([line(one), line(two), line(one), line(lab.sign(heroin_found()))]))
    assert statuses(lines) == [201, 201, 200, 422]
    assert lines[3]["problem"]["pointer"] == "/laboratory/analyst"
    assert summary["accepted"] == 2


def test_a_dry_run_judges_and_stores_nothing(lab: Laboratory, nothing_stored: None) -> None:
    lines, summary = verdicts(lab.batch([line(lab.found())], dry_run="true"))
    assert lines[0]["derived"]["findings"][0]["scheme"]["met"]
    assert "receipt" not in lines[0]
    assert not summary["committed"]


def test_only_a_laboratory_files_analyses(customs: Agency, lab: Laboratory, nothing_stored: None) -> None:
    record = replace(heroin_found(), agency="KZ-CUS")
    posing = Laboratory(customs.exchange, "KZ-CUS", lab.reviewer_key)
    assert refusal(posing.file(posing.reviewed(record)))[1] == "role-required"


def test_questions_are_answered_by_what_was_found(lab: Laboratory) -> None:
    number = exhibit_number()
    record = lab.found(number)
    lab.file(record)
    for question in (
        {"exhibit": number},
        {"exhibit": number, "substance": HEROIN},
        {"exhibit": number, "substance": "SAR-000002"},  # opiates
        {"exhibit": number, "technique": "MS"},
        {"exhibit": number, "substance": CAFFEINE, "role": "ADULTERANT"},
        {"exhibit": number, "min_purity": "41.2", "max_purity": "41.2", "substance": HEROIN},
        {"exhibit": number, "owner": "KZ", "agency": "KZ-LAB", "country": "KZ"},
        {"exhibit": number, "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"},
    ):
        assert [found["id"] for found in lab.analyses(**question)] == [id_of(record)], question
    for question in (
        {"technique": "NMR"},
        {"substance": CAFFEINE, "role": "MAIN"},
        {"substance": CAFFEINE, "min_purity": "1"},  # measured was the heroin
        {"level": "UNKNOWN"},
        {"max_purity": "41.1"},
        {"agency": "KG-LAB"},
    ):
        assert lab.analyses(exhibit=number, **question) == [], question


def test_a_partner_sees_what_the_policy_gives_and_verifies_the_review(
    bench: dict[str, Laboratory], neighbour: Agency
) -> None:
    lab, exchange = bench["KZ-LAB"], neighbour.exchange
    record = lab.found()
    lab.file(record)
    path = f"/v1/analyses/{id_of(record)}"
    exchange.adopt("KZ")
    assert neighbour.get(path, purpose="forensic").status == 404
    to_kg = {"effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER"}
    exchange.adopt("KZ", {"id": "reports", **to_kg, "kinds": ["seizure"], "facets": ["items", "laboratory"]})
    assert neighbour.get(path, purpose="forensic").status == 404
    exchange.adopt("KZ", {"id": "labs", **to_kg, "kinds": ["analysis"], "facets": ["laboratory"], "time": "month"})
    shown = neighbour.get(path, purpose="forensic").json()
    assert shown["facets"].keys() == {"laboratory", "when.month"}
    assert shown["derived"].keys() == {"sampling"}, "nothing is derived from findings that are withheld"
    copy = neighbour.get(path, accept="application/sd-jwt", purpose="forensic").body.decode()
    verify_review(copy, lab.reviewer_key.public)
    assert redact(record, {"laboratory", "when.month"}).split("~")[0] == copy.split("~")[0]
    assert neighbour.get("/v1/analyses", purpose="forensic", substance=HEROIN, owner="KZ").json()["items"] == []
    exchange.adopt("KZ")


def test_a_recalled_analysis_is_flagged_for_its_owner(lab: Laboratory, exchange: Exchange) -> None:
    record = lab.found()
    lab.file(record)
    path = f"/v1/analyses/{id_of(record)}"
    assert "recalled" not in lab.get(path).json()
    exchange.client("KZ-LAB").recall({"records": [id_of(record)], "reason": "the wrong exhibit"})
    assert lab.get(path).json()["recalled"] is True
    assert lab.get(f"{path}/versions").json()["items"][0]["recalled"] is True
    assert [item["recalled"] for item in lab.analyses() if item["id"] == id_of(record)] == [True]
