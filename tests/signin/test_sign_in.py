"""An officer signs in with a passkey, acts as its agency, and is gone at once when it, or an administrator, says so."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sarhad import Client, PrivateKey, ProblemError
from sarhad.keys import b64url_decode
from sarhad.policies import sign_approval, sign_policy
from sarhad.records import issue
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.signin.authenticator import PRESENT, Authenticator
from tests.signin.conftest import Browser, add_officer, call, proof
from tests.signing.wire import Reply, send, sign

SHARED = {
    "id": "shared", "effect": "permit", "audience": {"countries": ["TJ"]}, "handling_up_to": "TLP:AMBER",
    "facets": ["items"], "time": "month", "place": "country",
}  # fmt: skip


@pytest.fixture(scope="module")
def superuser(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture
def browser(exchange: Exchange, code: str) -> Browser:
    """With a passkey enrolled."""
    made = Browser(exchange)
    assert made.enrol(code).status_code == 201
    return made


def kind(response: Any) -> str:
    return str(response.json()["type"]).removeprefix("/problems/")


def test_a_signed_in_officer_files_a_report_with_keys_of_its_browser(exchange: Exchange, browser: Browser) -> None:
    session = browser.sign_in()
    assert session.status_code == 201
    signed_in = session.json()
    assert (signed_in["agency"], signed_in["roles"]) == ("TJ-CUS", ["reporter"])
    assert signed_in["kid"] == browser.requests.public.kid
    record = issue(browser.records, heroin("TJ-CUS"))
    wire = sign(
        browser.requests, browser.origin, "POST", "/v1/seizures", record.encode(), content_type="application/sd-jwt"
    )
    filed = send(browser.origin, wire)
    assert filed.status == 201, filed.body
    known = call(
        exchange.settings.origin, exchange.region.profiles["KZ-CUS"].load_request_key(), "GET",
        f"/v1/keys?kid={json.loads(b64url_decode(record.partition('.')[0]))['kid']}",
    ).json()["items"]  # fmt: skip
    (mine,) = known
    assert mine["kid"] == browser.records.public.kid
    assert mine["not_after"] is not None, "others verify the record with a key of one working day"


def test_no_directory_tells_others_who_is_signed_in(exchange: Exchange, browser: Browser) -> None:
    origin, profiles = exchange.settings.origin, exchange.region.profiles

    def listed(name: str, query: str = "agency=TJ-CUS&limit=200") -> dict[str, dict[str, Any]]:
        answer = call(origin, profiles[name].load_request_key(), "GET", f"/v1/keys?{query}")
        return {key["kid"]: key for key in answer.json()["items"]}

    def public() -> bytes:
        return httpx.get(f"{origin}/.well-known/http-message-signatures-directory").content

    before = public(), listed("KZ-CUS")
    browser.sign_in()
    requests, records = browser.requests.public.kid, browser.records.public.kid
    assert (public(), listed("KZ-CUS")) == before
    assert {requests, records} <= listed("TJ-DCA/admin1").keys()
    assert listed("KZ-CUS", f"kid={requests}") == {}
    named = listed("KZ-CUS", f"kid={records}")
    (shown,) = named.values()
    assert [shown[name][10:] for name in ("not_before", "not_after")] == ["T00:00:00Z"] * 2
    exact = listed("TJ-DCA/admin1", f"kid={records}")[records]
    assert shown["not_before"] <= exact["not_before"] < exact["not_after"] < shown["not_after"]
    for kid in (requests, records):
        answer = call(origin, profiles["KZ-CUS"].load_request_key(), "GET", f"/v1/keys?cursor={kid}")
        assert answer.problem == "invalid-cursor"
    assert browser.ask("POST", "/v1/sign-out").status == 204
    assert listed("KZ-CUS", f"kid={records}") == named
    assert listed("TJ-DCA/admin1", f"kid={records}")[records]["revocation_reason"] == "signed out"


def test_others_are_told_at_once_that_the_key_of_a_session_was_revoked(exchange: Exchange, browser: Browser) -> None:
    browser.sign_in()
    kid, origin, profiles = browser.records.public.kid, exchange.settings.origin, exchange.region.profiles
    admin = profiles["TJ-DCA/admin1"].load_request_key()
    assert call(origin, admin, "POST", f"/v1/keys/{kid}/revocation", {"reason": "a lost computer"}).status == 200
    known = call(origin, profiles["KZ-CUS"].load_request_key(), "GET", f"/v1/keys?kid={kid}").json()["items"]
    assert [(key["revocation_reason"], key["revoked_at"] is None) for key in known] == [("a lost computer", False)]


def test_signing_out_ends_both_keys_with_the_next_request(browser: Browser) -> None:
    browser.sign_in()
    assert browser.ask("GET", "/v1/countries").status == 200
    assert browser.ask("POST", "/v1/sign-out").status == 204
    assert browser.ask("GET", "/v1/countries").problem == "key-not-usable"


def test_a_sixth_session_ends_the_oldest(exchange: Exchange, browser: Browser) -> None:
    keys = []
    for _ in range(6):
        browser.renew()
        assert browser.sign_in().status_code == 201
        keys.append(browser.requests)
    answers = [call(browser.origin, key, "GET", "/v1/countries") for key in keys]
    assert [answer.status for answer in answers[1:]] == [200] * 5
    assert answers[0].problem == "key-not-usable"


def test_an_administrator_ends_an_officer_with_all_its_sessions(exchange: Exchange) -> None:
    officer = add_officer(exchange)
    browser = Browser(exchange)
    browser.enrol(officer["code"])
    browser.sign_in()
    admin = exchange.region.profiles["TJ-DCA/admin1"].load_request_key()
    ended = call(exchange.settings.origin, admin, "POST", f"/v1/people/{officer['id']}/end", {"reason": "moved"})
    assert (ended.status, ended.json()["end_reason"]) == (200, "moved")
    assert browser.ask("GET", "/v1/countries").problem == "key-not-usable"
    assert kind(browser.sign_in()) == "passkey-refused"
    again = call(exchange.settings.origin, admin, "POST", f"/v1/people/{officer['id']}/code")
    assert again.problem == "person-ended"


def test_roles_of_an_officer_are_changed_for_good_by_two_administrators(exchange: Exchange) -> None:
    officer = add_officer(exchange, roles=("reporter", "analyst"))
    browser = Browser(exchange)
    browser.enrol(officer["code"])
    session = browser.sign_in().json()
    assert session["roles"] == ["analyst", "reporter"]
    for kind_ in ("withdraw-role", "grant-role"):
        refused = changed(exchange, {"kind": kind_, "kid": session["kid"], "role": "analyst"})
        assert (refused.status, refused.problem) == (409, "roles-of-person")
        assert refused.json()["expected"] == officer["id"]
    assert changed(exchange, {"kind": "set-person-roles", "person": officer["id"], "roles": ["reporter"]}).status == 200
    assert browser.ask("GET", "/v1/countries").problem == "key-not-usable"
    browser.renew()
    assert browser.sign_in().json()["roles"] == ["reporter"]
    refused = changed(exchange, {"kind": "set-person-roles", "person": officer["id"], "roles": ["laboratory"]})
    assert refused.problem == "role-not-for-key"


def test_who_is_ended_while_signing_in_is_not_signed_in(exchange: Exchange, superuser: Engine) -> None:
    officer = add_officer(exchange)
    browser = Browser(exchange)
    browser.enrol(officer["code"])
    answer = browser.answer(browser.challenge())
    with superuser.connect() as ending, superuser.connect() as watching, ThreadPoolExecutor(1) as other:
        ending.execute(
            text("UPDATE core.person SET ended_at = now(), end_reason = 'x' WHERE id = :id"), {"id": officer["id"]}
        )
        signing_in = other.submit(browser.post, "sessions", **answer)
        blocked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'core.person'")
        while not signing_in.done() and not watching.execute(blocked).scalar_one():
            watching.rollback()
        ending.commit()
        assert kind(signing_in.result()) == "passkey-refused"


def test_a_key_of_who_was_ended_opens_nothing(exchange: Exchange, browser: Browser, superuser: Engine) -> None:
    """Also where the key itself was left in force."""
    session = browser.sign_in().json()
    record = exchange.client("TJ-CUS").submit(exchange.sign(heroin("TJ-CUS"))).id
    assert browser.ask("GET", f"/v1/seizures/{record}", purpose="operational").status == 200
    end = text("""UPDATE core.person SET ended_at = now(), end_reason = 'x'
                  WHERE id = (SELECT person FROM core.session_key WHERE kid = :kid)""")
    with superuser.begin() as connection:
        connection.execute(end, {"kid": session["kid"]})
    assert browser.ask("GET", f"/v1/seizures/{record}", purpose="operational").status == 404


def changed(exchange: Exchange, change: dict[str, Any]) -> Reply:
    """The answer to the approval of a change by two administrators of Tajikistan."""
    first, second = (exchange.region.profiles[f"TJ-DCA/{name}"].load_request_key() for name in ("admin1", "admin2"))
    origin = exchange.settings.origin
    proposed = call(origin, first, "POST", "/v1/changes", {"change": change})
    return call(origin, second, "POST", f"/v1/changes/{proposed.json()['id']}/approval")


def test_a_suspension_follows_a_person_who_signs_in_again(exchange: Exchange) -> None:
    exchange.adopt("KG", SHARED)
    record = exchange.client("KG-CUS").submit(exchange.sign(heroin("KG-CUS"))).id
    browsers = []
    for _ in range(2):
        browsers.append(Browser(exchange))
        browsers[-1].enrol(add_officer(exchange)["code"])
        browsers[-1].sign_in()

    def status(browser: Browser) -> int:
        return browser.ask("GET", f"/v1/seizures/{record}", purpose="operational").status

    named, other = browsers
    assert (status(named), status(other)) == (200, 200)
    order = {"towards_key": named.requests.public.kid, "reason": "copies have leaked"}
    made = exchange.client("KG-DCA/policy", None).suspend(order)
    assert (status(named), status(other)) == (404, 200)
    named.renew()
    named.sign_in()
    assert (status(named), status(other)) == (404, 200)
    exchange.client("KG-DCA/policy2", None).lift_suspension(made["id"], "trust is back")
    assert status(named) == 200


def test_a_code_enrols_one_passkey(exchange: Exchange, code: str) -> None:
    assert Browser(exchange).enrol(code).status_code == 201
    assert kind(Browser(exchange).enrol(code)) == "code-not-valid"
    assert kind(Browser(exchange).enrol("a" * 24)) == "code-not-valid"


def test_half_a_code_enrols_nothing_and_one_hand_issues_no_whole(exchange: Exchange) -> None:
    officer, other = add_officer(exchange), add_officer(exchange)
    origin, profiles = exchange.settings.origin, exchange.region.profiles

    def half(admin: str, person: str = officer["id"]) -> str:
        key = profiles[f"TJ-DCA/{admin}"].load_request_key()
        return str(call(origin, key, "POST", f"/v1/people/{person}/code").json()["code"])

    first, second, again = half("admin1"), half("admin2"), half("admin1")
    for code in (first, second, f"{first}-{again}", f"{first}-{first}", f"{first}-{half('admin2', other['id'])}"):
        assert kind(Browser(exchange).enrol(code)) == "code-not-valid"
    assert Browser(exchange).enrol(f"{second}-{first}").status_code == 201
    assert kind(Browser(exchange).enrol(f"{second}-{again}")) == "code-not-valid", "the other half was used"


def test_an_administrator_who_signs_in_twice_issues_one_half(exchange: Exchange) -> None:
    officer, admin = add_officer(exchange), add_officer(exchange, "TJ-DCA", ("key_administrator",))
    browser, halves = Browser(exchange), []
    browser.enrol(admin["code"])
    for _ in range(2):
        browser.renew()
        browser.sign_in()
        halves.append(browser.ask("POST", f"/v1/people/{officer['id']}/code").json()["code"])
    assert kind(Browser(exchange).enrol("-".join(halves))) == "code-not-valid"


def test_another_passkey_ends_what_the_officer_is_signed_in_with(exchange: Exchange) -> None:
    officer = add_officer(exchange)
    browser, stolen = Browser(exchange), Browser(exchange)
    browser.enrol(officer["code"])
    browser.sign_in()
    halves = [
        call(exchange.settings.origin, exchange.region.profiles[f"TJ-DCA/{name}"].load_request_key(), "POST",
             f"/v1/people/{officer['id']}/code").json()["code"]
        for name in ("admin1", "admin2")
    ]  # fmt: skip
    assert browser.ask("GET", "/v1/countries").status == 200
    assert stolen.enrol("-".join(halves)).status_code == 201
    assert browser.ask("GET", "/v1/countries").problem == "key-not-usable"


def test_a_code_may_be_typed_as_it_was_read_out(exchange: Exchange, code: str) -> None:
    assert Browser(exchange).enrol(code.upper().replace("-", " ")).status_code == 201


def test_another_countrys_administrator_neither_sees_nor_ends_the_officer(exchange: Exchange) -> None:
    officer = add_officer(exchange)
    origin, stranger = exchange.settings.origin, exchange.region.profiles["UZ-DCA/admin1"].load_request_key()
    assert call(origin, stranger, "POST", f"/v1/people/{officer['id']}/end", {"reason": "x"}).problem == "not-found"
    assert call(origin, stranger, "POST", f"/v1/people/{officer['id']}/code").problem == "not-found"
    assert call(origin, stranger, "GET", f"/v1/people?cursor={officer['id']}").problem == "invalid-cursor"
    listed = call(origin, stranger, "GET", "/v1/people").json()["items"]
    assert officer["id"] not in {one["id"] for one in listed}


def test_an_assertion_certifies_the_keys_it_was_asked_for_and_no_others(browser: Browser) -> None:
    answer = browser.answer(browser.challenge())
    thief = PrivateKey.generate("p256")
    stolen = {
        **answer,
        "requests": thief.public.jwk,
        "proofs": [
            proof(thief, ticket=answer["ticket"], use="request-signing", kid=thief.public.kid),
            answer["proofs"][1],
        ],
    }
    assert kind(browser.post("sessions", **stolen)) == "challenge-not-valid"


def test_a_key_that_the_browser_does_not_hold_is_not_certified(browser: Browser) -> None:
    answer = browser.answer(browser.challenge())
    swapped = {**answer, "proofs": answer["proofs"][::-1]}
    assert kind(browser.post("sessions", **swapped)) == "possession-not-proven"


def test_a_sign_in_is_not_repeated(browser: Browser) -> None:
    answer = browser.answer(browser.challenge())
    assert browser.post("sessions", **answer).status_code == 201
    again = browser.post("sessions", **answer)
    assert kind(again) in {"passkey-refused", "challenge-not-valid"}


@pytest.mark.parametrize("wrong", ["origin", "unverified", "unknown", "forged"])
def test_a_wrong_answer_of_an_authenticator_is_refused(exchange: Exchange, browser: Browser, wrong: str) -> None:
    match wrong:
        case "origin":
            browser.passkey.origin = "https://sarhad.example"
        case "unverified":
            browser.passkey.flags = PRESENT
        case "unknown":
            browser.passkey = Authenticator(browser.origin)
        case "forged":
            browser.passkey.key = Authenticator(browser.origin).key
    assert kind(browser.sign_in()) == "passkey-refused"
    assert browser.ask("GET", "/v1/countries").problem == "signature-refused"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "invalid-request"),
        ({"code": "a" * 24, "more": 1}, "invalid-request"),
        ({"code": "a" * 40_000}, "body-too-large"),
    ],
)
def test_what_cannot_be_read_is_refused(exchange: Exchange, document: dict[str, Any], problem: str) -> None:
    assert kind(Browser(exchange).post("enrolments", **document)) == problem


def test_every_step_is_in_the_governance_log(exchange: Exchange) -> None:
    officer = add_officer(exchange)
    browser = Browser(exchange)
    browser.enrol(officer["code"])
    browser.sign_in()
    browser.ask("POST", "/v1/sign-out")
    with create_engine(exchange.settings.database_as()).connect() as connection:
        documents = connection.scalars(text("SELECT document FROM core.governance_event WHERE country = 'TJ'"))
        events = [event for event in map(json.loads, documents) if event.get("person") == officer["id"]]
    acts = {event["act"] for event in events}
    assert acts == {"add-person", "issue-enrolment-code", "enrol-passkey", "sign-in", "sign-out"}
    assert officer["code"] not in json.dumps(events)


def test_a_person_who_signs_in_twice_is_one_hand(exchange: Exchange) -> None:
    officer = add_officer(exchange, "TJ-DCA", ("key_administrator", "policy_officer"))
    first = Browser(exchange)
    first.enrol(officer["code"])
    assert first.sign_in().status_code == 201
    change = {"kind": "add-person", "agency": "TJ-CUS", "handle": f"own-{officer['id'][:8]}", "roles": ["reporter"]}
    proposed = first.ask("POST", "/v1/changes", {"change": change}).json()
    order = {"towards_agency": "KZ-CUS", "reason": "a doubt"}
    stopped = first.ask("POST", "/v1/suspensions", order)
    assert stopped.status == 201, stopped.body
    client = exchange.client("TJ-DCA/policy", None)
    version = client.get_policy("TJ")["latest"] + 1
    document = {"policy": "sarhad-policy/1", "country": "TJ", "version": version, "rules": [SHARED]}
    signed = sign_policy(first.records, document)
    Client(service=first.origin, key=first.requests, purpose=None).propose_policy("TJ", signed)
    keys = first.requests, first.records
    first.renew()
    assert first.sign_in().status_code == 201
    assert keys[0].kid != first.requests.kid
    assert first.ask("POST", f"/v1/changes/{proposed['id']}/approval").problem == "second-officer-required"
    lifted = first.ask("POST", f"/v1/suspensions/{stopped.json()['id']}/lifting", {"reason": "no doubt"})
    assert lifted.problem == "second-officer-required"
    approval = sign_approval(first.records, "TJ", version, signed)
    with pytest.raises(ProblemError, match="another policy officer"):
        Client(service=first.origin, key=first.requests, purpose=None).approve_policy("TJ", version, approval)
    crosswise = sign_approval(first.records, "TJ", version, signed)
    with pytest.raises(ProblemError, match="hand that proposed"):
        client.approve_policy("TJ", version, crosswise)
    exchange.client("TJ-DCA/policy2", None).lift_suspension(stopped.json()["id"], "no doubt")
    exchange.approve("TJ", version, signed)
