"""Before it signs, an agency is told what others will be given of its report: what they really get once it is filed."""

import json
from typing import Any

import pytest
from sarhad.records import item
from sqlalchemy import create_engine, text

from tests.exchange import Exchange, heroin
from tests.seizures.wiring import Agency, Stored, stored

OWNER, NEIGHBOUR = "RU", "AZ"
PATH = "/v1/seizures/preview"
CONTEXTS, GIVEN = "SELECT count(*) FROM gate.context", "SELECT last_value FROM gate.context_id_seq"


def rule(**members: Any) -> dict[str, Any]:
    return {
        "id": "r", "effect": "permit", "audience": {"countries": [NEIGHBOUR], "roles": ["analyst"]},
        "purposes": ["operational"], "handling_up_to": "TLP:AMBER", "facets": ["items", "transport"], "time": "month",
        "place": "country", **members,
    }  # fmt: skip


DENIED = {"id": "d", "effect": "deny", "audience": {}, "substance_groups": ["heroin-opiates"]}


@pytest.fixture(scope="module")
def customs(exchange: Exchange) -> Agency:
    return Agency(exchange, f"{OWNER}-CUS")


@pytest.fixture(scope="module")
def analyst(exchange: Exchange) -> Agency:
    """An analyst and nothing else, of an agency that no rule names."""
    return Agency(exchange, f"{NEIGHBOUR}-DCA")


def report(agency: Agency, **facets: Any) -> str:
    given = {"instant": "2026-05-10T10:00:00+03:00", "items": [item(None, "heroin", "1", "kg", status="PRES")]}
    return agency.sign(heroin(agency.name, **(given | facets)))


def foreseen(agency: Agency, record: str) -> list[dict[str, Any]]:
    reply = agency.post(record, PATH)
    assert reply.status == 200, reply.body
    return list(reply.json()["items"])


@pytest.mark.parametrize(
    "rules",
    [
        [rule()],
        [rule(time="day", place="point", facets=["items", "narrative"])],
        [rule(), DENIED],
        [rule(handling_up_to="TLP:GREEN")],
        [rule(purposes=["health"])],
        [],
    ],
    ids=["month", "finer", "denied by group", "label too strict", "another purpose", "no rule"],
)
def test_it_is_what_the_neighbour_gets(
    exchange: Exchange, customs: Agency, analyst: Agency, rules: list[dict[str, Any]]
) -> None:
    exchange.adopt(OWNER, *rules)
    record = report(customs)
    told = {(one["country"], one["purpose"]): one for one in foreseen(customs, record)}
    assert {country for country, _ in told} <= {NEIGHBOUR}
    id_ = customs.post(record).json()["id"]
    for purpose in ("operational", "health"):
        reply = analyst.get(f"/v1/seizures/{id_}", purpose=purpose)
        assert (reply.status == 200) == ((NEIGHBOUR, purpose) in told)
        if reply.status == 200:
            assert set(told[NEIGHBOUR, purpose]["facets"]) == reply.json()["facets"].keys()


def test_what_waits_says_from_when_and_what_only_counts_says_so(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule(delay_days=3650))
    (told,) = foreseen(customs, report(customs))
    assert (told["since"], told["counted"]) == ("2036-05-28", False)
    exchange.adopt(OWNER, {**rule(), "gives": "aggregates"})
    (told,) = foreseen(customs, report(customs))
    assert (told["facets"], told["counted"]) == ([], True)


def test_a_stop_is_foreseen_too(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule())
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    stopped = officer.suspend({"towards_country": NEIGHBOUR, "reason": "A leak."})
    assert foreseen(customs, report(customs)) == []
    exchange.client(f"{OWNER}-DCA/policy2", None).lift_suspension(stopped["id"], "None.")
    assert foreseen(customs, report(customs))


def test_nothing_is_filed_and_nothing_stays(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule())
    kept: Stored = stored(exchange.settings)
    foreseen(customs, report(customs))
    with create_engine(exchange.settings.database_as()).connect() as connection:
        contexts, given = (connection.execute(text(query)).scalar_one() for query in (CONTEXTS, GIVEN))
        for _ in range(3):
            assert foreseen(customs, report(customs))
        assert connection.execute(text(CONTEXTS)).scalar_one() == contexts
        assert connection.execute(text(GIVEN)).scalar_one() == given, "no number of a context is used up"
    assert stored(exchange.settings) == kept


def test_it_is_told_to_the_agency_that_files_alone(exchange: Exchange, customs: Agency, analyst: Agency) -> None:
    record = report(customs)
    assert analyst.post(record, PATH).problem == "role-required"
    assert Agency(exchange, f"{NEIGHBOUR}-CUS").post(record, PATH).problem == "foreign-record"
    broken = customs.sign(heroin(customs.name, items=[item("SAR-999999", "heroin", "1", "kg")]))
    refused = customs.post(broken, PATH)
    assert (refused.status, json.loads(refused.body)["status"]) == (422, 422)
