"""Countries keep their own registry: two officers for a change, one for an emergency, a leaf for each act."""

import base64
import hashlib
import json
import secrets
from typing import Any

import pytest
from sarhad import PrivateKey
from sarhad.enrolment import enrolment
from sqlalchemy import create_engine, text

from tests.exchange import Exchange
from tests.identity.enrolment import enrol_now
from tests.signing.wire import Reply, send, send_bytes, sign


class Officer:
    """Somebody who signs by hand."""

    def __init__(self, exchange: Exchange, key: PrivateKey) -> None:
        self.exchange, self.key = exchange, key

    def post(self, target: str, document: Any = None) -> Reply:
        body = None if document is None else json.dumps(document).encode()
        origin = self.exchange.settings.origin
        return send(origin, sign(self.key, origin, "POST", target, body))

    def get(self, target: str) -> Reply:
        origin = self.exchange.settings.origin
        return send(origin, sign(self.key, origin, "GET", target))

    def propose(self, **change: Any) -> Reply:
        return self.post("/v1/changes", {"change": change})

    def approve(self, change: Reply) -> Reply:
        return self.post(f"/v1/changes/{change.json()['id']}/approval")


def _officer(exchange: Exchange, name: str) -> Officer:
    return Officer(exchange, exchange.region.profiles[name].load_request_key())


@pytest.fixture
def first(exchange: Exchange) -> Officer:
    return _officer(exchange, "TJ-DCA/admin1")


@pytest.fixture
def second(exchange: Exchange) -> Officer:
    return _officer(exchange, "TJ-DCA/admin2")


@pytest.fixture
def stranger(exchange: Exchange) -> Officer:
    return _officer(exchange, "TM-DCA/admin1")


def test_a_key_comes_into_use_when_a_second_officer_approves(
    exchange: Exchange, first: Officer, second: Officer
) -> None:
    key = PrivateKey.generate()
    newcomer = Officer(exchange, key)
    proposed = first.propose(**enrolment("TJ-CUS", "request-signing", key, ["reporter"]))
    assert (proposed.status, proposed.json()["state"]) == (201, "proposed")
    assert newcomer.get("/v1/keys").status == 401

    approved = second.approve(proposed)
    assert (approved.status, approved.json()["approved_by"]) == (200, second.key.public.kid)
    mine = next(k for k in newcomer.get("/v1/keys?agency=TJ-CUS").json()["items"] if k["kid"] == key.public.kid)
    assert mine["roles"] == ["reporter"]
    assert second.approve(proposed).problem == "change-already-applied"


def test_the_proposer_may_not_approve(first: Officer) -> None:
    proposed = first.propose(kind="add-agency", code="TJ-AAA", type="BG", name="Post A")
    refused = first.approve(proposed)
    assert (refused.status, refused.problem) == (403, "second-officer-required")
    assert "TJ-AAA" not in [agency["code"] for agency in first.get("/v1/agencies").json()["items"]]


def test_the_proposals_of_a_lost_key_lapse(exchange: Exchange, second: Officer) -> None:
    lost = Officer(exchange, enrol_now(exchange.settings, PrivateKey.generate(), "TJ-DCA", ("key_administrator",)))
    proposed = lost.propose(kind="add-agency", code="TJ-BBB", type="BG", name="Post of nobody")
    second.post(f"/v1/keys/{lost.key.public.kid}/revocation", {"reason": "lost"})
    refused = second.approve(proposed)
    assert (refused.status, refused.problem) == (409, "proposer-no-longer-officer")
    assert "TJ-BBB" not in [agency["code"] for agency in second.get("/v1/agencies").json()["items"]]


def test_a_proposed_key_is_kept_without_what_stood_beside_it(first: Officer) -> None:
    key = PrivateKey.generate()
    jwk = {**key.public.jwk, "key_ops": ["verify" * 1000] * 20}
    proposed = first.propose(**{**enrolment("TJ-CUS", "witness", key), "jwk": jwk})
    assert proposed.json()["change"]["jwk"] == key.public.jwk


def test_a_key_proves_that_its_holder_has_it(exchange: Exchange, first: Officer, second: Officer) -> None:
    asked = enrolment("TJ-CUS", "witness", PrivateKey.generate())
    stolen = enrolment("TJ-CUS", "witness", PrivateKey.generate())["proof"]
    other = enrolment("TJ-DCA", "witness", PrivateKey.generate())
    for wrong in ({**asked, "proof": stolen}, {**asked, "proof": "x"}, {**other, "agency": "TJ-CUS"}):
        refused = first.propose(**wrong)
        assert (refused.status, refused.problem) == (422, "possession-not-proven")
        assert refused.json()["pointer"] == "/change/proof"
    del asked["proof"]
    assert first.propose(**asked).problem == "possession-not-proven"


def test_a_proposal_is_rejected_with_a_reason_and_never_applies(first: Officer, second: Officer) -> None:
    proposed = first.propose(kind="add-agency", code="TJ-RJT", type="BG", name="Nobody's post")
    target = f"/v1/changes/{proposed.json()['id']}/rejection"
    rejected = second.post(target, {"reason": "no such post"}).json()
    assert (rejected["state"], rejected["rejection_reason"]) == ("rejected", "no such post")
    assert rejected["rejected_by"] == second.key.public.kid
    assert second.approve(proposed).problem == "change-already-rejected"
    assert second.post(target, {"reason": "again"}).problem == "change-already-rejected"
    assert "TJ-RJT" not in [agency["code"] for agency in first.get("/v1/agencies").json()["items"]]
    own = first.propose(kind="add-agency", code="TJ-RJT", type="BG", name="Withdrawn")
    withdrawn = first.post(f"/v1/changes/{own.json()['id']}/rejection", {"reason": "mine"})
    assert withdrawn.json()["state"] == "rejected"


def test_a_stranger_rejects_nothing(first: Officer, stranger: Officer) -> None:
    proposed = first.propose(kind="add-agency", code="TJ-RJS", type="BG", name="Post")
    target = f"/v1/changes/{proposed.json()['id']}/rejection"
    assert stranger.post(target, {"reason": "x"}).problem == "not-found"


@pytest.mark.parametrize(
    "name",
    ["Customs\u202e", "Customs\u200b", "e\u0301", "\u0421ustoms", "Тамо\u0436нa", "Post Kу\u043bma 2"],
)
def test_a_name_that_hides_or_reorders_characters_is_refused(first: Officer, name: str) -> None:
    refused = first.propose(kind="add-agency", code="TJ-HID", type="BG", name=name)
    assert (refused.status, refused.problem, refused.json()["pointer"]) == (422, "unreadable-name", "/change/name")


@pytest.mark.parametrize("target", ["/v1/keys?limit=3", "/v1/changes?limit=1"])
def test_pages_hold_each_entry_once_and_in_order(first: Officer, target: str) -> None:
    for number in range(2):
        first.propose(kind="add-agency", code=f"TJ-PG{number}", type="BG", name="Post")
    name = "kid" if "keys" in target else "id"
    whole, cursor = [], ""
    while True:
        page = first.get(target + cursor).json()
        assert 0 < len(page["items"]) <= 3
        whole += [entry[name] for entry in page["items"]]
        if page["next"] is None or len(whole) > 60:
            break
        cursor = f"&cursor={page['next']}"
    assert len(set(whole)) == len(whole)
    longest = first.get(target.partition("?")[0] + "?limit=200").json()["items"]
    assert whole == [entry[name] for entry in longest][: len(whole)]


def test_a_cursor_of_another_country_opens_nothing(first: Officer, stranger: Officer) -> None:
    theirs = first.propose(kind="add-agency", code="TJ-CUR", type="BG", name="Post").json()["id"]
    assert stranger.get(f"/v1/changes?cursor={theirs}").problem == "invalid-cursor"
    nobodys = "0" * 8 + "-0000-4000-8000-" + "0" * 12
    assert stranger.get(f"/v1/changes?cursor={nobodys}").body == stranger.get(f"/v1/changes?cursor={theirs}").body


def test_the_reading_role_sees_no_other_countrys_changes_or_governance(exchange: Exchange) -> None:
    with create_engine(exchange.settings.database_as("sarhad_read")).connect() as connection:
        for table in ("change", "governance_event"):
            assert connection.scalar(text(f"SELECT count(*) FROM core.{table}")) == 0  # no context, no country


def test_a_key_that_ends_before_it_begins_is_refused(first: Officer, second: Officer) -> None:
    proposed = first.propose(
        **enrolment("TJ-CUS", "witness", PrivateKey.generate()),
        not_after="2020-01-01T00:00:00Z",
    )
    assert (second.approve(proposed).status, second.approve(proposed).problem) == (422, "never-valid")


def test_an_agency_joins_and_a_role_comes_and_goes(exchange: Exchange, first: Officer, second: Officer) -> None:
    code = f"TJ-{secrets.token_hex(3).upper()}"
    second.approve(first.propose(kind="add-agency", code=code, type="BG", name="Post B"))
    assert code in [agency["code"] for agency in first.get("/v1/agencies?country=TJ").json()["items"]]

    key = enrol_now(exchange.settings, PrivateKey.generate(), code)
    holder = Officer(exchange, key)
    assert holder.get("/v1/changes").problem == "role-required"
    second.approve(first.propose(kind="grant-role", kid=key.public.kid, role="auditor"))
    assert holder.get("/v1/changes").status == 200
    second.approve(first.propose(kind="withdraw-role", kid=key.public.kid, role="auditor"))
    assert holder.get("/v1/changes").problem == "role-required"


def test_another_country_neither_proposes_nor_approves_nor_sees(first: Officer, stranger: Officer) -> None:
    proposed = first.propose(kind="add-agency", code="TJ-BBB", type="BG", name="Post C")
    assert stranger.approve(proposed).problem == "not-found"
    assert stranger.propose(kind="add-agency", code="TJ-CCC", type="BG", name="x").problem == "not-your-country"
    assert proposed.json()["id"] not in [change["id"] for change in stranger.get("/v1/changes").json()["items"]]
    kid = first.key.public.kid
    assert stranger.post(f"/v1/keys/{kid}/revocation", {"reason": "x"}).problem == "not-found"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "add-agency", "code": "tj-x", "type": "BG", "name": "x"}, "/change/add-agency/code"),
        ({"kind": "enrol-key", "agency": "TJ-CUS", "use": "witness", "jwk": {"kty": "RSA"}}, "/jwk/kty"),
        ({"kind": "grant-role", "kid": "A" * 43, "role": "auditor"}, "/change/kid"),
        ({"kind": "grant-role", "kid": "A" * 43, "role": "operator"}, "/change/grant-role/role"),
        ({"kind": "abolish"}, "/change"),
        (
            {"kind": "add-agency", "code": "TJ-X1", "type": "BG", "name": "x", "more": 1},
            "/change/add-agency/more",
        ),
    ],
)
def test_a_change_that_cannot_be(first: Officer, change: dict[str, Any], pointer: str) -> None:
    refused = first.propose(**change)
    assert (refused.status, refused.json()["pointer"]) == (422, pointer)


def test_roles_that_do_not_fit_the_key_are_refused_when_they_would_apply(
    exchange: Exchange, first: Officer, second: Officer
) -> None:
    key = enrol_now(exchange.settings, PrivateKey.generate(), "TJ-CUS")
    for role in ("laboratory", "coordinator"):
        proposed = first.propose(kind="grant-role", kid=key.public.kid, role=role)
        assert second.approve(proposed).problem == "role-not-for-key"
        assert second.get("/v1/changes?state=proposed").status == 200


def test_every_act_leaves_an_opening_of_its_leaf(exchange: Exchange, first: Officer, second: Officer) -> None:
    """SHA-256(salt ‖ SHA-256(document)) is the entry that waits for, or stands in, the governance log."""
    second.approve(first.propose(kind="add-agency", code=f"TJ-{secrets.token_hex(3).upper()}", type="BG", name="P"))
    with create_engine(exchange.settings.database_as()).connect() as connection:
        events = connection.execute(
            text("SELECT document, salt, leaf_hash FROM core.governance_event WHERE country = 'TJ'")
        ).all()
        logged = set(
            connection.scalars(
                text(
                    "SELECT entry FROM core.log_pending WHERE log = 'governance'"
                    " UNION SELECT entry FROM core.log_leaf WHERE log = 'governance'"
                )
            )
        )
    acts = sorted((json.loads(event.document) for event in events), key=lambda act: act["at"])
    assert [act["act"] for act in acts[-3:]] == ["propose", "approve", "add-agency"]
    for document, salt, leaf_hash in events:
        entry = hashlib.sha256(salt + hashlib.sha256(document.encode()).digest()).digest()
        assert hashlib.sha256(b"\0" + entry).digest() == leaf_hash
        assert entry in {bytes(one) for one in logged}


def test_the_key_directory_is_public_and_names_keys_by_thumbprint(exchange: Exchange) -> None:
    host = exchange.settings.origin.split("//")[1].encode()
    path = b"/.well-known/http-message-signatures-directory"
    reply = send_bytes(exchange.settings.origin, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert reply.headers["content-type"] == "application/http-message-signatures-directory+json"
    for jwk in reply.json()["keys"]:
        members = {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
        assert hashlib.sha256(canonical).digest() == _unpadded(jwk["kid"])
        assert "d" not in jwk


def _unpadded(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=")
