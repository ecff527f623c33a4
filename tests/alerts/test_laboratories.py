"""What laboratories find warns those who may see it: profiles that match, logos that are new."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sarhad.analyses import finding
from sqlalchemy import create_engine, text

from service.alerts.past import known_logos
from tests.alerts.conftest import PERMIT, Call
from tests.analyses.conftest import enrol
from tests.analyses.laboratory import AMPHETAMINE_TYPE, Laboratory
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.links.test_sources import TABLET, filed, measured
from tests.links.wiring import post
from tests.policies.test_plans import plans, scans
from tests.profiles.specimens import MARKERS, specimen, study
from tests.seizures.wiring import Agency

XYLAZINE = "SAR-000221"
METHOD = f"AMP-{time.time_ns() % 10**9}.2"


@pytest.fixture(scope="module")
def labs(warned: Exchange) -> Iterator[tuple[Laboratory, Laboratory]]:
    """KZ-LAB, whose analyses Kyrgyzstan is given with spectra and marks, and KG-LAB; a calibrated method of both."""
    warned.adopt("KZ", {**PERMIT, "facets": ["marks", "spectra"]})
    bench = asyncio.run(enrol(warned))
    kz, kg = bench["KZ-LAB"], bench["KG-LAB"]
    method = {
        "code": METHOD,
        "substance": AMPHETAMINE_TYPE,
        "technique": "GC",
        "markers": MARKERS,
        "description": "GC.",
    }
    assert post(kz, "/v1/profile-methods", method, None).status == 201
    assert post(kz, f"/v1/profile-methods/{METHOD}/calibrations", dict(study()), None).status == 201
    yield kz, kg
    warned.adopt("KZ", PERMIT)


@pytest.fixture(scope="module", autouse=True)
def watching(labs: tuple[Laboratory, Laboratory], call: Call) -> None:
    """Orders of an agency that is given what both laboratories file, and of one that is given nothing."""
    order = {
        "name": "laboratories",
        "delivery": "digest",
        "rules": ["PROFILE_MATCH", "NEW_LOGO", "DANGEROUS_SUBSTANCE"],
    }
    for name in ("KG-LAB", "TJ-CUS"):
        assert call(name, "POST", "/v1/subscriptions", order).status == 201


def candidates(call: Call, rule: str, name: str = "KG-LAB") -> list[dict[str, Any]]:
    found = call(name, "GET", "/v1/alerts/candidates", limit="200").json()["items"]
    return [candidate for candidate in found if candidate["rule"] == rule]


def test_profiles_that_match_warn_who_sees_both_and_only_while_it_does(
    warned: Exchange, labs: tuple[Laboratory, Laboratory], call: Call
) -> None:
    one, other = (filed(lab, spectra=[measured(specimen(21, n), METHOD)]) for n, lab in enumerate(labs))
    unlike = filed(labs[1], spectra=[measured(specimen(22), METHOD)])

    def of(record: str) -> list[dict[str, Any]]:
        found = candidates(call, "PROFILE_MATCH")
        return [candidate for candidate in found if record in (candidate["record"], candidate["facts"]["other"])]

    (candidate,) = eventually(lambda: of(one))
    assert {candidate["record"], candidate["facts"]["other"]} == {one, other}
    assert candidate["facts"]["method"] == METHOD
    assert candidate["facts"]["state"] == "proposed"
    assert float(candidate["facts"]["score"]) > 0.95
    assert of(unlike) == []
    assert candidates(call, "PROFILE_MATCH", "TJ-CUS") == [], "Tajikistan is given neither"
    warned.adopt("KZ", PERMIT)  # without spectra
    assert of(one) == []
    warned.adopt("KZ", {**PERMIT, "facets": ["marks", "spectra"]})


def test_what_a_match_names_stands_in_its_owners_statement_and_is_gone_with_either_side(
    warned: Exchange, labs: tuple[Laboratory, Laboratory], call: Call
) -> None:
    kg, kz = (filed(lab, spectra=[measured(specimen(31, n), METHOD)]) for n, lab in enumerate(reversed(labs)))

    def of_both() -> list[dict[str, Any]]:
        found = candidates(call, "PROFILE_MATCH")
        return [one for one in found if {one["record"], one["facts"]["other"]} == {kz, kg}]

    (candidate,) = eventually(of_both)
    for owner, record in (("KZ", kz), ("KG", kg)):
        assert record in json.dumps(candidate)
        entries = warned.client(f"{owner}-DCA/auditor", None).statement(owner, record=record, agency="KG-LAB").items
        assert "/v1/alerts/candidates" in {entry["route"] for entry in entries}
    withdrawal = {"records": [kz], "reason": "A wrong sample."}
    assert call("KZ-LAB", "POST", "/v1/recalls", withdrawal).status == 201
    assert of_both() == []
    (told,) = (one for one in call("KG-LAB", "GET", "/v1/recalls").json()["items"] if kz in one["records"])
    assert told["owner"] == "KZ"


def test_a_dangerous_adulterant_that_is_not_identified_warns_as_what_it_is(
    labs: tuple[Laboratory, Laboratory], call: Call
) -> None:
    perhaps = finding(XYLAZINE, "xylazine", techniques=[2], level="CONSISTENT_WITH")
    record = filed(labs[1], items=[perhaps], purity=None)
    (candidate,) = eventually(lambda: [c for c in candidates(call, "DANGEROUS_SUBSTANCE") if c["record"] == record])
    assert (candidate["substance"], candidate["facts"]["level"]) == (XYLAZINE, "CONSISTENT_WITH")
    assert "naloxone" in candidate["facts"]["why"]


def test_a_logo_that_nobody_has_named_is_new_once(labs: tuple[Laboratory, Laboratory], call: Call) -> None:
    kz, kg = labs
    logo = f"Griffin {time.time_ns()}"
    first = filed(kz, marks=[{**TABLET, "logo": logo}])
    (candidate,) = eventually(lambda: [c for c in candidates(call, "NEW_LOGO") if c["record"] == first])
    assert candidate["facts"]["logo"] == logo.casefold()
    again = filed(kg, marks=[{**TABLET, "logo": "plain", "logo_back": logo.replace(" ", "-").upper()}])
    fresh = filed(kz, marks=[{**TABLET, "logo": f"{logo} II"}])
    eventually(lambda: [c for c in candidates(call, "NEW_LOGO") if c["record"] == fresh])
    named = [c["facts"]["logo"] for c in candidates(call, "NEW_LOGO") if c["record"] == again]
    assert logo.casefold() not in named


def test_a_logo_that_a_border_post_names_is_new_too(
    customs: Agency, labs: tuple[Laboratory, Laboratory], call: Call
) -> None:
    logo = f"Viking {time.time_ns()}"

    def seized(kind: str, words: str) -> str:
        record = heroin(customs.name, handling="TLP:GREEN", marks=[{"kind": kind, "text": words}])
        assert customs.post(customs.sign(record)).status == 201
        return str(record.id)

    def of(record: str) -> list[str]:
        return [c["facts"]["logo"] for c in candidates(call, "NEW_LOGO") if c["record"] == record]

    first = seized("STAMP", logo)
    assert eventually(lambda: of(first)) == [logo.casefold()]
    again = filed(labs[1], marks=[{**TABLET, "logo": logo.upper()}])
    taped, fresh = seized("TAPE", f"{logo} tape"), seized("LOGO", f"{logo} II")
    eventually(lambda: of(fresh))
    assert of(again) == []
    assert of(taped) == []


def test_whether_a_logo_is_new_is_told_by_an_index(labs: tuple[Laboratory, Laboratory], warned: Exchange) -> None:
    """Among many appearances, as first asked and with the plan that the driver keeps."""
    record = filed(labs[0], marks=[{**TABLET, "logo": "many"}])
    with create_engine(warned.settings.database_as()).connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(COPIES), {"record": record})
        connection.execute(text("ANALYZE core.appearance"))
        connection.execute(text("SET LOCAL ROLE sarhad_read"))
        for plan in plans(connection, known_logos(["many 7"], [uuid4()])):
            used, whole = scans(plan)
            assert used == {"appearance_logo_idx", "appearance_logo_back_idx"}
            assert not whole
        connection.rollback()


COPIES = """
INSERT INTO core.appearance (record_id, version, n, scope_id, month_end, exhibit, logo, logo_back)
SELECT gen_random_uuid(), a.version, a.n, a.scope_id, a.month_end, a.exhibit, 'many ' || v, 'back ' || v
FROM core.appearance a CROSS JOIN generate_series(1, 20000) v WHERE a.record_id = :record"""
