"""Totals follow results: what a laboratory files, corrects and withdraws is in the next answer of the trends."""

from typing import Any

import pytest
from sarhad.analyses import finding
from sarhad.records import correction, retraction

from tests.analyses.laboratory import HEROIN, Laboratory, exhibit_number
from tests.analyses.test_links import MORPHINE, NEGATIVE, reported
from tests.seizures.wiring import Agency

MONTH = "2021-03"  # of no other test
PERMIT = {
    "id": "items-to-kg", "effect": "permit", "audience": {"countries": ["KG"]}, "handling_up_to": "TLP:AMBER",
    "kinds": ["seizure"], "facets": ["items"], "time": "month", "place": "country",
}  # fmt: skip


def totals(reader: Agency, **asked: str) -> dict[tuple[str, str], tuple[int, str]]:
    """(substance, status): seizures and kilograms of the month."""
    question = {"by": "substance,status", "from": MONTH, "to": "2021-04", "owner": "KZ", **asked}
    reply = reader.get("/v1/trends", **question)
    assert reply.status == 200, reply.body
    return {
        (cell["key"]["substance"], cell["key"]["status"]): (cell["seizures"], cell["kg"])
        for cell in reply.json()["cells"]
    }


def confirmed(reader: Agency) -> str | None:
    whole = reader.get("/v1/trends", **{"by": "month", "from": MONTH, "to": "2021-04", "owner": "KZ"}).json()["total"]
    return whole and str(whole["pct_confirmed"])


@pytest.mark.parametrize("first", ["report", "analysis"])
def test_totals_follow_what_laboratories_say(customs: Agency, lab: Laboratory, neighbour: Agency, first: str) -> None:
    """Of the owner, and of a neighbour that is given the seizures and not the analyses."""
    customs.exchange.adopt("KZ", PERMIT)
    number = exhibit_number()
    report, found = reported(customs, number, instant=f"{MONTH}-14T04:20:00+05:00"), lab.found(number)
    steps: list[Any] = [lambda: customs.post(report), lambda: lab.file(found)]
    for step in steps if first == "report" else steps[::-1]:
        assert step().status == 201

    def both() -> dict[tuple[str, str], tuple[int, str]]:
        told = totals(customs)
        assert totals(neighbour) == told
        return told

    assert both() == {(HEROIN, "CONF"): (1, "11.84")}
    assert confirmed(neighbour) == "100.0"
    other = lab.reviewed(
        correction(found, items=[{"line": 1, **finding(MORPHINE, "morphine", techniques=[2, 3])}], purity=None)
    )
    assert lab.file(other).status == 201
    assert both() == {(MORPHINE, "CONF"): (1, "11.84")}
    negative = lab.reviewed(correction(other, items=[{"line": 1, **NEGATIVE[0]}]))
    assert lab.file(negative).status == 201
    assert both() == {(HEROIN, "NEGA"): (1, "11.84")}
    assert confirmed(neighbour) == "0.0"
    assert lab.file(lab.sign(retraction(negative, reason="Mixed up.", language="en"))).status == 201
    assert both() == {(HEROIN, "PRES"): (1, "11.84")}
    assert customs.post(customs.sign(retraction(report, reason="Filed twice.", language="en"))).status == 201
    assert both() == {}
    customs.exchange.adopt("KZ")
