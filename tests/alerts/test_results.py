"""What a result or a resolution changes of records that were filed before warns at once, as far as it may be seen."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.records import item

from tests.alerts.conftest import PERMIT, Call
from tests.analyses.conftest import enrol
from tests.analyses.laboratory import Laboratory, exhibit_number
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.links.wiring import post
from tests.seizures.wiring import Agency

CANNABINOID, RARE = "SAR-000037", "SAR-000695"  # a class, and one of it that no other test of the suite files
METONITAZENE = "SAR-000549"
RULES = ["FIRST_IN_REGION", "DANGEROUS_SUBSTANCE"]


@pytest.fixture(scope="module")
def lab(warned: Exchange) -> Iterator[Laboratory]:
    """KZ-LAB, none of whose analyses Kyrgyzstan is given: of seizures it sees what was found."""
    warned.adopt("KZ", {**PERMIT, "kinds": ["seizure"]})
    yield asyncio.run(enrol(warned))["KZ-LAB"]
    warned.adopt("KZ", PERMIT)


@pytest.fixture(scope="module")
def resolver(warned: Exchange, lab: Laboratory) -> Agency:
    """Another request key of KZ-LAB."""
    return Agency(warned, warned.add_holder("KZ-LAB/resolver", "laboratory"))


@pytest.fixture(scope="module", autouse=True)
def watching(lab: Laboratory, call: Call) -> None:
    order = {"name": "results", "delivery": "digest", "rules": RULES}
    assert call("KG-CUS", "POST", "/v1/subscriptions", order).status == 201


def told(call: Call, substance: str) -> list[tuple[str, str]]:
    """(rule, record) of what these rules found of this substance in the eyes of the Kyrgyz customs, whatever others
    its agency has ordered.
    """
    found = call("KG-CUS", "GET", "/v1/alerts/candidates", limit="200").json()["items"]
    return [(one["rule"], one["record"]) for one in found if one["substance"] == substance and one["rule"] in RULES]


def seized(customs: Agency, code: str, **members: Any) -> str:
    """A report of something that is marked green."""
    record = heroin(
        customs.name, handling="TLP:GREEN", items=[item(code, "powder", "0.5", "kg", status="PRES", **members)]
    )
    assert customs.post(customs.sign(record)).status == 201
    return str(record.id)


def test_a_line_that_a_result_changes_warns_whoever_sees_the_line(customs: Agency, lab: Laboratory, call: Call) -> None:
    number = exhibit_number()
    report = seized(customs, CANNABINOID, exhibit=number)
    found = [finding(RARE, "powder", techniques=[2, 3])]
    assert lab.file(lab.found(number, items=found, purity=None, handling="TLP:GREEN")).status == 201
    assert eventually(lambda: told(call, RARE)) == [("FIRST_IN_REGION", report)]


def test_an_unknown_that_turns_out_to_be_dangerous_warns_of_the_records_that_carry_it(
    customs: Agency, lab: Laboratory, resolver: Agency, call: Call
) -> None:
    made = post(lab, "/v1/provisional", {"name": f"powder {time.time_ns()}", "formula": "C21H26N4O3"}, None)
    code = made.json()["code"]
    path = f"/v1/provisional/{code}"
    assert post(Agency(customs.exchange, "KZ-DCA/policy"), f"{path}/publication", {}, None).status == 200
    report = seized(customs, code)
    assert told(call, METONITAZENE) == []
    resolution = {"substance": METONITAZENE, "reason": "NMR"}
    assert post(resolver, f"{path}/resolution", resolution, None).status == 200
    # each order of the agency finds in its own turn
    eventually(lambda: len(told(call, METONITAZENE)) > 1)
    assert sorted(told(call, METONITAZENE)) == [("DANGEROUS_SUBSTANCE", report), ("FIRST_IN_REGION", report)]
