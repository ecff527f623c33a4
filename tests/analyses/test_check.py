"""A laboratory asks what an analysis would be answered with, while it still writes it."""

import json
from typing import Any

from sarhad.records import read

from tests.analyses.laboratory import METHAMPHETAMINE, Laboratory, changed, examination, exhibit_number, heroin_found
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply, send, sign


def asked(agency: Agency, *analyses: Any) -> Reply:
    origin = agency.exchange.settings.origin
    body = json.dumps({"analyses": analyses}).encode()
    return send(origin, sign(agency.request_key, origin, "POST", "/v1/analyses/check", body))


def test_it_is_told_what_filing_it_would_tell(lab: Laboratory) -> None:
    record = lab.found()
    (told,) = asked(lab, read(record).facets).json()["items"]
    filed = lab.file(record).json()
    assert told == {"derived": filed["derived"], "warnings": filed["warnings"]}


def test_nobody_has_signed_yet_and_each_is_judged_by_itself(lab: Laboratory, nothing_stored: None) -> None:
    good = dict(heroin_found("KZ-LAB").facets)
    colour = changed(good, "/items/0/techniques", [1])
    missing = changed(good, "/items", ...)
    unsure = changed(good, "/items/0/techniques", [3])
    reply = asked(lab, good, colour, missing, unsure)
    assert reply.status == 200, reply.body
    met, exceeds, absent, short = reply.json()["items"]
    assert met["derived"]["findings"][0]["scheme"]["met"]
    assert met["warnings"] == []
    assert exceeds["problem"]["type"] == "/problems/identification-unsupported"
    assert exceeds["problem"]["pointer"] == "/items/0/level"
    assert not exceeds["problem"]["scheme"]["met"]
    assert absent["problem"]["type"] == "/problems/facet-missing"
    assert [warning["type"] for warning in short["warnings"]] == ["/warnings/scheme-not-met"]


def test_a_claim_of_isomers_is_asked_for(lab: Laboratory) -> None:
    facets = changed(dict(heroin_found("KZ-LAB").facets), "/items/0/substance", METHAMPHETAMINE)
    (told,) = asked(lab, facets).json()["items"]
    assert told["problem"]["type"] == "/problems/isomer-status-missing"


def test_what_is_no_analysis_is_a_problem_of_its_own(lab: Laboratory) -> None:
    facets = {**heroin_found("KZ-LAB").facets, "laboratory": examination(exhibit_number(), exhibits="none")}
    told = asked(lab, facets, {}, {"laboratory": 7}).json()["items"]
    assert [one["problem"]["type"].rpartition("/")[2] for one in told] == [
        "invalid-facet", "facet-missing", "facet-missing",
    ]  # fmt: skip


def test_only_a_laboratory_asks(customs: Agency) -> None:
    assert asked(customs, {}).problem == "role-required"
