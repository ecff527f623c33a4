"""A group of countries is who the operator put into it; rules follow it, and one that there is not is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sarhad import ProblemError
from sarhad.policies import sign_approval
from sqlalchemy import create_engine, text

from service.identity import groups
from tests.exchange import Exchange, heroin, operator
from tests.policies.reports import call, ids, refused

OWNER, FILER, READER = "TM", "TM-CUS", "AZ-CUS"
TO_CASPIAN: dict[str, Any] = {
    "id": "caspian", "effect": "permit", "audience": {"groups": ["caspian"]}, "handling_up_to": "TLP:AMBER",
    "time": "month", "place": "country", "facets": ["items"],
}  # fmt: skip


def act(exchange: Exchange, name: str, *countries: str) -> None:
    operator(exchange, lambda session: getattr(groups, name)(session, "caspian", countries))


@pytest.fixture
def caspian(exchange: Exchange) -> Iterator[str]:
    """The group, without the reader."""
    act(exchange, "create_group", "KZ", OWNER)
    yield "caspian"
    act(exchange, "remove_from_group", "KZ", OWNER)


@pytest.fixture
def document(exchange: Exchange) -> Iterator[dict[str, Any]]:
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    version = officer.get_policy(OWNER)["latest"] + 1
    yield {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": [TO_CASPIAN]}
    if waiting := officer.get_policy(OWNER)["proposed"]:
        officer.reject_policy(OWNER, waiting["version"], "the test is over")


def test_a_rule_follows_who_is_in_the_group(exchange: Exchange, caspian: str) -> None:
    exchange.adopt(OWNER, TO_CASPIAN)
    record = exchange.client(FILER).submit(exchange.sign(heroin(FILER))).id
    reader = exchange.client(READER)
    assert record in ids(exchange.client("KZ-CUS"), owner=OWNER)
    assert ids(reader, owner=OWNER) == []
    act(exchange, "add_to_group", "AZ", "KZ")
    assert record in ids(reader, owner=OWNER)
    act(exchange, "remove_from_group", "AZ")
    assert ids(reader, owner=OWNER) == []
    exchange.adopt(OWNER)


def test_every_change_of_a_group_is_a_leaf_of_each_country(exchange: Exchange, caspian: str) -> None:
    act(exchange, "add_to_group", "AZ", "KZ")
    act(exchange, "remove_from_group", "AZ")
    with create_engine(exchange.settings.database_as()).connect() as connection:
        said = connection.execute(text("SELECT document FROM core.governance_event WHERE country = 'AZ' ORDER BY at"))
        acts = [(one["act"], one.get("group"), one["by"]) for one in map(json.loads, said.scalars())]
    assert acts[-2:] == [("join-group", caspian, "operator"), ("leave-group", caspian, "operator")]


def test_a_group_that_there_is_not_is_refused_wherever_a_document_is_judged(
    exchange: Exchange, document: dict[str, Any]
) -> None:
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    draft = officer.begin_draft(OWNER, "For the coast", document)
    fault = {key: draft["fault"][key] for key in ("pointer", "expected")}
    assert fault == {"pointer": "/rules/0/audience/groups/0", "expected": ["members"]}
    officer.discard_draft(OWNER, draft["id"])
    for judge in (lambda: exchange.propose(document), lambda: officer.check_policy(OWNER, document)):
        problem = refused(judge)
        assert (problem.kind, problem.document["pointer"]) == ("malformed-policy", fault["pointer"])
        assert "there is no group caspian" in problem.document["detail"]


def test_a_proposal_whose_group_has_ended_is_not_approved(exchange: Exchange, document: dict[str, Any]) -> None:
    act(exchange, "create_group", "KZ")
    signed = exchange.propose(document)
    act(exchange, "remove_from_group", "KZ")
    second = f"{OWNER}-DCA/policy2"
    key = exchange.region.profiles[second].load_record_key()
    approval = sign_approval(key, OWNER, document["version"], signed)
    with pytest.raises(ProblemError, match="there is no group caspian"):
        exchange.client(second, None).approve_policy(OWNER, document["version"], approval)
    act(exchange, "create_group", "KZ")
    assert exchange.approve(OWNER, document["version"], signed)["state"] == "in-force"
    act(exchange, "remove_from_group", "KZ")
    exchange.adopt(OWNER)


def test_the_register_says_who_is_in_which_group(exchange: Exchange, caspian: str) -> None:
    found = {one["code"]: one["groups"] for one in call(exchange, READER, "/v1/countries").json()["items"]}
    assert (found["KZ"], found["AZ"]) == ([caspian], [])
