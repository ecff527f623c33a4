"""Before it signs, an agency is told what others will be given of its report: what they really get once it is filed."""

from dataclasses import dataclass
from typing import Any

import pytest
from sarhad import ProblemError
from sarhad.records import Record, item, zero
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.seizures.wiring import Agency, Stored, stored

OWNER, NEIGHBOUR = "RU", "AZ"


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


def report(agency: Agency, **facets: Any) -> Record:
    given = {"instant": "2026-05-10T10:00:00+03:00", "items": [item(None, "heroin", "1", "kg", status="PRES")]}
    return heroin(agency.name, **(given | facets))


def checked(agency: Agency, record: Record) -> dict[str, Any]:
    return agency.exchange.client(agency.name, None).check_report(record.facets, record.handling, kind=record.kind)


def foreseen(agency: Agency, record: Record) -> list[dict[str, Any]]:
    told = checked(agency, record)
    assert told["problem"] is None
    return list(told["foreseen"])


@pytest.mark.parametrize(
    "rules",
    [
        [rule()],
        [rule(time="day", place="point", facets=["items", "narrative"])],
        [rule(), DENIED],
        [rule(handling_up_to="TLP:GREEN")],
        [rule(purposes=["health"])],
        [rule(time="none", place="none", facets=["case"])],
        [],
    ],
    ids=["month", "finer", "denied by group", "label too strict", "another purpose", "no facet of it", "no rule"],
)
def test_it_is_what_the_neighbour_gets(
    exchange: Exchange, customs: Agency, analyst: Agency, rules: list[dict[str, Any]]
) -> None:
    exchange.adopt(OWNER, *rules)
    record = report(customs)
    told = {(one["country"], one["purpose"]): one for one in foreseen(customs, record)}
    assert {country for country, _ in told} <= {NEIGHBOUR}
    id_ = customs.post(customs.sign(record)).json()["id"]
    for purpose in ("operational", "health"):
        reply = analyst.get(f"/v1/seizures/{id_}", purpose=purpose)
        assert (reply.status == 200) == ((NEIGHBOUR, purpose) in told)
        if reply.status == 200:
            assert told[NEIGHBOUR, purpose]["rows"]
            assert set(told[NEIGHBOUR, purpose]["facets"]) == reply.json()["facets"].keys()


def test_what_waits_says_from_when_and_what_only_counts_says_so(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule(delay_days=3650))
    (told,) = foreseen(customs, report(customs))
    assert (told["since"], told["rows"], told["counted"]) == ("2036-05-28", True, False)
    for gives, member in (("aggregates", "counted"), ("hits", "hits")):
        exchange.adopt(OWNER, {**rule(), "gives": gives})
        (told,) = foreseen(customs, report(customs))
        assert (told["facets"], told["rows"], told[member]) == ([], False, True)


def test_it_is_told_what_filing_it_would_tell(customs: Agency) -> None:
    filed = report(customs, items=[item(None, "heroin", "25000", "g", status="PRES")])
    told, answer = checked(customs, filed), customs.post(customs.sign(filed)).json()
    assert (told["derived"], told["warnings"]) == (answer["derived"], answer["warnings"])
    assert told["derived"]["items"][0]["kg"] == "25.000"
    nothing = zero(customs.name, reference="none in May", country="RU", month="2026-05")
    assert checked(customs, nothing)["derived"] == customs.post(customs.sign(nothing)).json()["derived"]


@pytest.mark.parametrize(
    "facets",
    [
        {"items": [item("SAR-999999", "heroin", "1", "kg", status="PRES")]},
        {"items": [item(None, "heroin", "1", "kg", status="PRES", exhibit="KZ-CUS/2026-1/1")]},
        {"laboratory": {"agency": "RU-NOBODY", "case": "1"}},
        {"instant": "2099-05-10T10:00:00+03:00"},
    ],
    ids=["substance", "exhibit", "laboratory", "time"],
)
def test_it_is_refused_for_what_filing_it_would_be_refused_for(customs: Agency, facets: dict[str, Any]) -> None:
    record = report(customs, **facets)
    reply = customs.post(customs.sign(record))
    problem = checked(customs, record)["problem"]
    assert (problem["type"], problem["pointer"], problem["detail"]) == tuple(
        reply.json()[member] for member in ("type", "pointer", "detail")
    )
    assert reply.status == 422


def test_a_stop_is_foreseen_too(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule())
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    stopped = officer.suspend({"towards_country": NEIGHBOUR, "reason": "A leak."})
    assert foreseen(customs, report(customs)) == []
    exchange.client(f"{OWNER}-DCA/policy2", None).lift_suspension(stopped["id"], "None.")
    assert foreseen(customs, report(customs))


@dataclass(frozen=True)
class Held:
    """What the database holds that a look at a report might leave behind."""

    filed: Stored
    scopes: int
    contexts: int
    last_context: int  # numbers of contexts are four bytes long: none is used up


def held(settings: Settings) -> Held:
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        scopes, contexts = (
            connection.execute(text(f"SELECT count(*) FROM gate.{table}")).scalar_one()
            for table in ("scope", "context")
        )
        last = connection.execute(text("SELECT last_value FROM gate.context_id_seq")).scalar_one()
    engine.dispose()
    return Held(stored(settings), scopes, contexts, last)


def test_nothing_is_filed_and_of_a_report_like_others_nothing_stays(exchange: Exchange, customs: Agency) -> None:
    exchange.adopt(OWNER, rule())
    assert customs.post(customs.sign(report(customs))).status == 201
    assert foreseen(customs, report(customs))
    before = held(exchange.settings)
    assert foreseen(customs, report(customs))
    assert held(exchange.settings) == before


def test_it_is_told_to_agencies_that_file_alone(customs: Agency, analyst: Agency) -> None:
    with pytest.raises(ProblemError) as refused:
        checked(analyst, report(customs))
    assert refused.value.kind == "role-required"
