"""A policy is proposed by one officer, approved by another over its digest, in force from its instant, superseded."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sarhad import Client, ProblemError
from sarhad.policies import sign_approval, sign_policy
from sqlalchemy import Engine, text

from tests.exchange import Exchange, heroin
from tests.policies.reports import refused

OWNER = "AZ"
FIRST, SECOND, PARTNER = f"{OWNER}-DCA/policy", f"{OWNER}-DCA/policy2", "TM-DCA"
SHARE = {
    "id": "share",
    "effect": "permit",
    "audience": {"countries": ["TM"]},
    "handling_up_to": "TLP:AMBER",
    "facets": ["items"],
    "time": "month",
    "place": "country",
}


def problem(call: Callable[..., Any], *arguments: Any) -> tuple[int, str]:
    refusal = refused(lambda: call(*arguments))
    return refusal.status, refusal.kind


@pytest.fixture
def first(exchange: Exchange) -> Client:
    return exchange.client(FIRST, None)


@pytest.fixture
def second(exchange: Exchange) -> Client:
    return exchange.client(SECOND, None)


@pytest.fixture
def document(first: Client) -> Iterator[dict[str, Any]]:
    """The next version of the owner's policy; whatever a test proposes and leaves is withdrawn after it."""
    version = first.get_policy(OWNER)["latest"] + 1
    yield {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": [SHARE]}
    if waiting := first.get_policy(OWNER)["proposed"]:
        first.reject_policy(OWNER, waiting["version"], "the test is over")


@pytest.fixture(scope="module")
def record(exchange: Exchange) -> str:
    return exchange.client(f"{OWNER}-CUS").submit(exchange.sign(heroin(f"{OWNER}-CUS"))).id


def sees(exchange: Exchange, record: str) -> bool:
    return record in {item["id"] for item in exchange.client(PARTNER).search_all(owner=OWNER)}


def test_a_country_without_a_policy_has_an_empty_history(exchange: Exchange) -> None:
    empty = {"latest": 0, "in_force": None, "next": None, "proposed": None, "history": []}
    officer = exchange.client(FIRST, None)
    assert officer.get_policy(f"{OWNER}-LAB") == {"owner": f"{OWNER}-LAB", **empty}
    assert problem(officer.get_policy, "KG") == (404, "not-found")
    assert problem(officer.policy_version, "KG", 1) == problem(officer.policy_version, OWNER, 9999)


def test_a_proposal_has_no_effect_until_another_officer_approves_it(
    exchange: Exchange, first: Client, document: dict[str, Any], record: str
) -> None:
    exchange.adopt(OWNER)
    document["version"] += 1
    assert not sees(exchange, record)
    signed = exchange.propose(document)
    assert first.get_policy(OWNER)["proposed"]["state"] == "proposed"
    assert not sees(exchange, record)
    approved = exchange.approve(OWNER, document["version"], signed)
    assert approved["state"] == "in-force"
    assert sees(exchange, record)
    found = first.get_policy(OWNER)
    assert found["in_force"]["version"] == document["version"]
    assert found["in_force"]["document"] == document
    assert found["proposed"] is None
    states = {version["version"]: version["state"] for version in found["history"]}
    assert states[document["version"] - 1] == "superseded"


def test_the_officer_who_proposed_does_not_approve(
    exchange: Exchange, first: Client, second: Client, document: dict[str, Any]
) -> None:
    signed = exchange.propose(document)
    version = document["version"]
    keys = {name: exchange.region.profiles[name].load_record_key() for name in (FIRST, SECOND)}
    own = sign_approval(keys[SECOND], OWNER, version, signed)
    assert problem(first.approve_policy, OWNER, version, own) == (403, "second-officer-required")
    lent = sign_approval(keys[FIRST], OWNER, version, signed)
    assert problem(second.approve_policy, OWNER, version, lent) == (403, "second-officer-required")
    assert first.get_policy(OWNER)["proposed"]["version"] == version


def test_an_approval_is_of_these_bytes_and_no_others(
    exchange: Exchange, second: Client, document: dict[str, Any]
) -> None:
    signed = exchange.propose(document)
    version, key = document["version"], exchange.region.profiles[SECOND].load_record_key()
    other = sign_policy(exchange.region.profiles[FIRST].load_record_key(), {**document, "rules": []})
    for wrong in (
        sign_approval(key, OWNER, version, other),
        sign_approval(key, OWNER, version + 1, signed),
        sign_approval(key, "KG", version, signed),
        sign_approval(key, f"{OWNER}-CUS", version, signed),
    ):
        assert problem(second.approve_policy, OWNER, version, wrong) == (422, "approval-of-another")
    for no_approval in (signed, sign_policy(key, document)):
        answer = problem(second.approve_policy, OWNER, version, no_approval)
        assert answer == (422, "policy-signature-invalid")
    stranger = exchange.region.profiles["KG-DCA/policy"].load_record_key()
    assert problem(second.approve_policy, OWNER, version, sign_approval(stranger, OWNER, version, signed)) == (
        422,
        "policy-signature-invalid",
    )
    assert exchange.approve(OWNER, version, signed)["state"] == "in-force"


def test_a_proposal_is_the_next_version_of_ones_own_country(
    exchange: Exchange, first: Client, document: dict[str, Any]
) -> None:
    def proposing(owner: str = OWNER, **changes: Any) -> tuple[int, str]:
        signed = sign_policy(exchange.region.profiles[FIRST].load_record_key(), document | changes)
        return problem(first.propose_policy, owner, signed)

    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert proposing(version=document["version"] + 1) == (409, "policy-out-of-turn")
    assert proposing(version=document["version"] - 1 or 9) == (409, "policy-out-of-turn")
    assert proposing(owner="KG") == (403, "not-your-policy")
    assert proposing(country="KG") == (422, "malformed-policy")
    assert proposing(owner=f"{OWNER}-CUS") == (422, "malformed-policy")
    assert proposing(effective=past) == (422, "effective-in-the-past")
    assert proposing(effective="tomorrow") == (422, "malformed-policy")
    assert proposing(rules=[{**SHARE, "substance_groups": ["unheard-of"]}]) == (422, "malformed-policy")
    ending = [{**SHARE, "id": f"r{n}", "valid_until": f"2090-01-01T00:00:{n:02}Z"} for n in range(49)]
    assert proposing(rules=ending) == (422, "malformed-policy")
    assert proposing(owner=f"{OWNER}-NONE", agency=f"{OWNER}-NONE") == (404, "not-found")
    assert problem(lambda: exchange.client("KG-DCA/policy2", None).approve_policy(OWNER, 1, "a.b.c")) == (
        403,
        "not-your-policy",
    )
    assert problem(lambda: exchange.client(f"{OWNER}-CUS").propose_policy(OWNER, "a.b.c")) == (403, "role-required")
    exchange.propose(document)
    assert proposing(version=document["version"] + 1) == (409, "proposal-pending")


def test_a_proposal_ends_by_withdrawal_or_rejection_and_its_number_is_spent(
    exchange: Exchange, first: Client, second: Client, document: dict[str, Any]
) -> None:
    version = document["version"]
    signed = exchange.propose(document)
    assert first.reject_policy(OWNER, version, "a rule too many")["state"] == "withdrawn"
    with pytest.raises(ProblemError, match="withdrawn"):
        exchange.approve(OWNER, version, signed)
    assert problem(exchange.propose, document) == (409, "policy-out-of-turn")
    exchange.propose({**document, "version": version + 1})
    assert second.reject_policy(OWNER, version + 1, "not yet")["state"] == "rejected"
    told = first.policy_version(OWNER, version + 1)
    assert (told["state"], told["rejected"]["reason"]) == ("rejected", "not yet")
    assert problem(second.reject_policy, OWNER, version + 1, "again") == (409, "proposal-decided")
    assert problem(second.reject_policy, OWNER, version + 5, "what?") == (404, "not-found")


def test_a_proposal_that_waits_too_long_lapses(
    exchange: Exchange, first: Client, document: dict[str, Any], superuser: Engine
) -> None:
    signed = exchange.propose(document)
    version = document["version"]
    with superuser.begin() as connection:
        connection.execute(
            text(
                "UPDATE core.policy SET proposed_at = proposed_at - interval '30 days'"
                " WHERE country = :owner AND version = :version"
            ),
            {"owner": OWNER, "version": version},
        )
    assert problem(exchange.approve, OWNER, version, signed) == (409, "proposal-lapsed")
    assert problem(first.reject_policy, OWNER, version, "too late") == (409, "proposal-lapsed")
    assert first.policy_version(OWNER, version)["state"] == "lapsed"
    following = {**document, "version": version + 1}
    exchange.approve(OWNER, version + 1, exchange.propose(following))


def test_of_two_approvals_at_once_one_counts(exchange: Exchange, document: dict[str, Any], superuser: Engine) -> None:
    signed = exchange.propose(document)
    version = document["version"]
    exchange.client(SECOND, None).get_policy(OWNER)

    def approve(_: int) -> str:
        try:
            return str(exchange.approve(OWNER, version, signed)["state"])
        except ProblemError as refusal:
            return str(refusal.status)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(approve, range(4))) == ["409", "409", "409", "in-force"]
    with superuser.connect() as connection:
        leaves = connection.scalar(
            text(
                "SELECT count(*) FROM core.governance_event WHERE country = :owner"
                " AND document LIKE '%\"approve-policy\"%' AND document LIKE :version"
            ),
            {"owner": OWNER, "version": f'%"version":{version}}}%'},
        )
    assert leaves == 1


def test_a_policy_takes_effect_at_its_instant_and_no_sooner(
    exchange: Exchange, first: Client, document: dict[str, Any], record: str
) -> None:
    exchange.adopt(OWNER)
    instant = datetime.now(UTC) + timedelta(seconds=6)
    version = document["version"] + 1
    signed = exchange.propose({**document, "version": version, "effective": instant.isoformat()})
    assert exchange.approve(OWNER, version, signed)["state"] == "scheduled"
    assert first.get_policy(OWNER)["next"]["version"] == version
    assert first.get_policy(OWNER)["in_force"]["version"] == version - 1
    shown = False
    while not shown and datetime.now(UTC) < instant + timedelta(seconds=30):
        asked = datetime.now(UTC)
        shown = sees(exchange, record)
        assert not shown or datetime.now(UTC) >= instant
        assert shown or asked < instant + timedelta(seconds=10)
    assert shown
    assert first.get_policy(OWNER)["in_force"]["version"] == version
