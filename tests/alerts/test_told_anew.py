"""What was told of a record that is gone is told anew of the next: whoever takes a record back silences nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from sarhad.records import correction, item, retraction

from tests.alerts.conftest import Call
from tests.awaiting import eventually
from tests.exchange import heroin
from tests.seizures.test_versions import id_of
from tests.seizures.wiring import Agency

OTHER = "SAR-000355"  # no other test of the suite files these
RULES = {"FIRST_IN_REGION", "FIRST_IN_COUNTRY", "NEW_LOGO"}


@pytest.fixture(scope="module", autouse=True)
def watching(call: Call) -> None:
    order = {"name": "firsts", "delivery": "digest", "rules": sorted(RULES)}
    assert call("KG-CUS", "POST", "/v1/subscriptions", order).status == 201


def facets(code: str) -> dict[str, Any]:
    """What a report of this substance says, and no other."""
    return {
        "items": [{"line": 1, **item(code, "powder", "0.5", "kg", status="PRES")}],
        "marks": [{"kind": "LOGO", "text": f"Anew {code}"}],
    }


def seized(customs: Agency, code: str) -> str:
    """A signed record that is marked green, filed."""
    record = customs.sign(heroin(customs.name, handling="TLP:GREEN", **facets(code)))
    assert customs.post(record).status == 201
    return record


def told(call: Call, record: str) -> dict[str, dict[str, Any]]:
    """What these rules found of a record in the eyes of the Kyrgyz customs; {} until all of them have."""
    found = call("KG-CUS", "GET", "/v1/alerts/candidates", limit="200").json()["items"]
    of_it = {one["rule"]: one for one in found if one["record"] == id_of(record) and one["rule"] in RULES}
    return of_it if of_it.keys() == RULES else {}


def recalled(customs: Agency, call: Call, record: str) -> None:
    withdrawal = {"records": [id_of(record)], "reason": "A wrong sample."}
    assert call(customs.name, "POST", "/v1/recalls", withdrawal).status == 201


def retracted(customs: Agency, call: Call, record: str) -> None:
    version = customs.sign(retraction(record, reason="Entered twice.", language="en"))
    assert customs.post(version, f"/v1/seizures/{id_of(record)}/versions").status == 201


def corrected(customs: Agency, call: Call, record: str) -> None:
    version = customs.sign(correction(record, **facets(OTHER)))
    assert customs.post(version, f"/v1/seizures/{id_of(record)}/versions").status == 201


@pytest.mark.parametrize(
    ("code", "undo"), [("SAR-000347", recalled), ("SAR-000349", retracted), ("SAR-000352", corrected)]
)
def test_a_first_that_is_gone_keeps_no_later_one_from_being_told(
    customs: Agency, call: Call, code: str, undo: Callable[[Agency, Call, str], None]
) -> None:
    first = seized(customs, code)
    before = eventually(lambda: told(call, first))
    settled = before["FIRST_IN_REGION"]["id"]
    assert call("KG-CUS", "POST", f"/v1/alerts/candidates/{settled}/review", {"decision": "dismiss"}).status == 200
    undo(customs, call, first)
    later = seized(customs, code)
    after = eventually(lambda: told(call, later))
    assert {one["state"] for one in after.values()} == {"candidate"}
    still = {one["id"] for one in (*after.values(), *told(call, first).values())}
    assert not still & {one["id"] for one in before.values()}
