"""An observer is enrolled as one, and is given nothing that does not name it until a date; a change is at once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sarhad import Client, ProblemError
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import enrol, groups
from service.identity.enrol import AlreadyEnrolled
from service.identity.status import change_status
from tests.exchange import Exchange, heroin, operator
from tests.policies.reports import call, ids, refused

OWNER, FILER, OBSERVER = "RU", "RU-CUS", "IR-DCA"
EVERYTHING: dict[str, Any] = {
    "effect": "permit", "handling_up_to": "TLP:RED", "time": "instant", "place": "point",
    "facets": ["items", "reference"],
}  # fmt: skip
FOR_ALL = [
    {"id": "all", "audience": {}, **EVERYTHING},
    {"id": "members", "audience": {"groups": ["members"]}, **EVERYTHING},
]


@pytest.fixture(scope="module")
def observer(exchange: Exchange) -> Iterator[Client]:
    """Iran's drug control, which reports and reads; the policies of the owner mean everybody, as long as it does."""

    async def begin(session: AsyncSession) -> None:
        await enrol.enrol_country(session, "IR", "Iran", "observer")
        await enrol.enrol_agency(session, OBSERVER, "OBSERVER", "Drug control")
        directory = exchange.region.profiles[FILER].directory.parent
        await exchange.region.add(session, directory, OBSERVER, ("reporter", "analyst"), name=OBSERVER)

    operator(exchange, begin)
    exchange.adopt(OWNER, *FOR_ALL)
    yield exchange.client(OBSERVER, "analysis")
    exchange.adopt(OWNER)


@pytest.fixture(scope="module")
def record(exchange: Exchange) -> str:
    return exchange.client(FILER).submit(exchange.sign(heroin(FILER))).id


@pytest.fixture
def member(exchange: Exchange, observer: Client) -> Iterator[Client]:
    operator(exchange, lambda session: change_status(session, "IR", "member", "It has joined"))
    yield observer
    operator(exchange, lambda session: change_status(session, "IR", "observer", "It has left"))


def test_an_observer_reads_nothing_by_rules_that_mean_everybody(
    exchange: Exchange, observer: Client, record: str
) -> None:
    assert record in ids(exchange.client("KZ-CUS"), owner=OWNER)
    assert ids(observer, owner=OWNER) == []
    assert refused(lambda: observer.get(record)).status == 404
    answer = observer.trends(by="owner", **{"from": "2026-03", "to": "2026-04"})
    assert answer["cells"] == []
    assert not [owner for owner in answer["coverage"]["owners"] if owner["shares"] and owner["owner"] != "IR"]
    assert observer.aggregates(time="quarter", first_month="2026-01", last_month="2026-03")["cells"] == []
    own = observer.submit(exchange.sign(heroin(OBSERVER))).id
    assert ids(observer, owner="IR") == [own]


def test_an_observer_is_given_what_names_it_until_a_date(exchange: Exchange, observer: Client, record: str) -> None:
    version = exchange.client(f"{OWNER}-DCA/policy", None).get_policy(OWNER)["latest"] + 1
    named = {"id": "observer", "audience": {"countries": ["IR"]}, **EVERYTHING}
    document = {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": [*FOR_ALL, named]}
    with pytest.raises(ProblemError, match="IR is no member") as refusal:
        exchange.propose(document)
    assert (refusal.value.kind, refusal.value.document["pointer"]) == ("malformed-policy", "/rules/2/valid_until")
    now = datetime.now(UTC).replace(microsecond=0)
    until = {
        "valid_from": (now - timedelta(days=1)).isoformat(),
        "valid_until": (now + timedelta(days=300)).isoformat(),
    }
    exchange.adopt(OWNER, *FOR_ALL, named | until)
    assert record in ids(observer, owner=OWNER)
    exchange.adopt(OWNER, *FOR_ALL)
    assert ids(observer, owner=OWNER) == []


def test_a_silence_of_an_observer_is_not_counted(exchange: Exchange, observer: Client) -> None:
    answer = exchange.client("KZ-CUS", "analysis").trends(by="month", **{"from": "2026-03", "to": "2026-04"})
    told = {owner["owner"] for owner in answer["coverage"]["owners"]}
    assert "TM" in told
    assert "IR" not in told


def test_what_is_said_to_all_members_is_not_said_to_an_observer(exchange: Exchange, observer: Client) -> None:
    alert = call(exchange, "KG-CUS", "/v1/alerts", {"title": "A new stamp", "text": "Seen."}).json()["id"]
    order = {"level": "INFO", "handling": "TLP:GREEN"}
    assert call(exchange, "KG-DCA/policy", f"/v1/alerts/{alert}/issue", order).status == 200
    asker = exchange.client("KG-CUS", "analysis")
    question = asker.save_question({"name": "Ours", "shared": "members", "asks": {"by": "month"}})["id"]
    for name, status in (("TM-CUS", 200), (OBSERVER, 404)):
        assert call(exchange, name, f"/v1/alerts/{alert}").status == status
        assert call(exchange, name, f"/v1/questions/{question}").status == status
    assert observer.questions()["items"] == []
    asker.drop_question(question)


def test_a_country_that_joins_or_leaves_is_a_member_from_its_next_request_on(
    exchange: Exchange, member: Client, record: str
) -> None:
    assert record in ids(member, owner=OWNER)
    operator(exchange, lambda session: change_status(session, "IR", "third", "A breach"))
    assert ids(member, owner=OWNER) == []
    with create_engine(exchange.settings.database_as()).connect() as connection:
        said = connection.execute(
            text("SELECT document FROM core.governance_event WHERE country = 'IR' ORDER BY at")
        ).scalars()
        found = [json.loads(document) for document in said]
    changes = [(one["was"], one["status"]) for one in found if one["act"] == "change-country-status"]
    assert changes[-2:] == [("observer", "member"), ("member", "third")]
    assert next(one for one in found if one["act"] == "enrol-country")["status"] == "observer"


def test_the_register_says_who_is_no_member(exchange: Exchange, observer: Client) -> None:
    found = {one["code"]: one["status"] for one in call(exchange, "KZ-CUS", "/v1/countries").json()["items"]}
    assert (found["IR"], found["KZ"]) == ("observer", "member")


def test_enrolling_a_country_again_does_not_change_what_it_is(exchange: Exchange, observer: Client) -> None:
    with pytest.raises(AlreadyEnrolled, match="enrolled as observer"):
        operator(exchange, lambda session: enrol.enrol_country(session, "IR", "Iran"))
    operator(exchange, lambda session: enrol.enrol_country(session, "IR", "Iran", "observer"))


def test_a_refusal_tells_an_observer_its_own_groups_alone(exchange: Exchange, observer: Client) -> None:
    """A group of others and one that there is not are refused in the same words."""
    exchange.add_holder(f"{OBSERVER}/policy", "policy_officer")
    for group, of in {"delta": ["IR", "KZ"], "ridge": ["KZ", OWNER]}.items():
        operator(exchange, partial(groups.create_group, code=group, countries=of))

    def told(name: str, country: str, group: str) -> dict[str, Any]:
        rule = {"id": "one", "audience": {"groups": [group]}, **EVERYTHING}
        document = {"policy": "sarhad-policy/1", "country": country, "version": 1, "rules": [rule]}
        client, period = exchange.client(name, None), {"from": "2031-01-01", "to": "2031-02-01"}
        checked = refused(lambda: client.check_policy(country, document)).document
        assert refused(lambda: client.simulate_policy(country, {"document": document, **period})).document == checked
        return dict(checked)

    try:
        hidden, absent = (told(f"{OBSERVER}/policy", "IR", group) for group in ("ridge", "mirage"))
        assert hidden == json.loads(json.dumps(absent).replace("mirage", "ridge"))
        assert (hidden["pointer"], hidden["expected"]) == ("/rules/0/audience/groups/0", ["delta", "members"])
        member = told(f"{OWNER}-DCA/policy", OWNER, "mirage")
        assert {"delta", "ridge"} <= set(member["expected"])
    finally:
        operator(exchange, partial(groups.remove_from_group, code="delta", countries=["IR", "KZ"]))
        operator(exchange, partial(groups.remove_from_group, code="ridge", countries=["KZ", OWNER]))


def test_an_observer_is_told_its_own_groups_alone(exchange: Exchange, observer: Client) -> None:
    operator(exchange, lambda session: groups.create_group(session, "gulf", ["IR", "KZ"]))
    operator(exchange, lambda session: groups.create_group(session, "steppe", ["KZ", "RU"]))
    try:
        told = {
            name: {one["code"]: one["groups"] for one in call(exchange, name, "/v1/countries").json()["items"]}
            for name in (OBSERVER, FILER)
        }
    finally:
        operator(exchange, lambda session: groups.remove_from_group(session, "gulf", ["IR", "KZ"]))
        operator(exchange, lambda session: groups.remove_from_group(session, "steppe", ["KZ", "RU"]))
    assert {code for code, of in told[OBSERVER].items() if of} == {"IR"}
    assert (told[OBSERVER]["IR"], told[FILER]["KZ"]) == (["gulf"], ["gulf", "steppe"])
    assert told[OBSERVER].keys() == told[FILER].keys()
