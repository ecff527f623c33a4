"""An officer whom its country's OpenID Connect provider identifies signs in without a passkey, for its keys alone."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from pydantic import ValidationError
from sarhad import PrivateKey
from sqlalchemy import create_engine, text

from service.base64url import encode
from service.settings import Provider as Configured
from service.settings import Settings
from service.signin.providers import IdentityRefused, subject_of
from tests.exchange import Exchange, Region
from tests.signin.conftest import Browser, add_officer, call, proof
from tests.signin.provider import Provider, provider


@dataclass
class Desk:
    """An exchange with a provider of Tajikistan, and browsers at it."""

    exchange: Exchange
    at: Provider
    said: Path  # by the service, as it runs
    officers: list[str] = field(default_factory=list)

    def post(self, path: str, country: str = "TJ", **document: Any) -> httpx.Response:
        origin = self.exchange.settings.console
        return httpx.post(f"{origin}/v1/sign-in/providers/{country}/{path}", json=document)

    def enrol(self, who: str, code: str) -> httpx.Response:
        begun = self.post("enrolments", code=code).raise_for_status().json()
        back = self.at.visit(begun["url"], who)
        assert back["state"] == begun["ticket"]
        return self.post("identities", code=code, ticket=begun["ticket"], authorization=back["code"])

    def answer(self, browser: Browser, who: str) -> dict[str, Any]:
        """What a browser sends when it comes back."""
        begun = self.post("challenges", **browser.keys()).raise_for_status().json()
        return self.returned(browser, begun["ticket"], self.at.visit(begun["url"], who)["code"])

    def returned(self, browser: Browser, ticket: str, authorization: str) -> dict[str, Any]:
        proofs = [
            proof(key, ticket=ticket, use=use, kid=key.kid)
            for key, use in ((browser.requests, "request-signing"), (browser.records, "record-signing"))
        ]
        return browser.keys() | {"ticket": ticket, "authorization": authorization, "proofs": proofs}

    def sign_in(self, browser: Browser, who: str) -> httpx.Response:
        return self.post("sessions", **self.answer(browser, who))


@pytest.fixture(scope="module", params=[None, "a secret of the client"], ids=["public", "confidential"])
def desk(
    settings: Settings, region: Region, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    at = provider(request.param)
    said = tmp_path_factory.mktemp("desk") / "service.log"
    exchange = Exchange.start(settings, region, workers=1, output=said, SARHAD_PROVIDERS=json.dumps([at.settings]))
    try:
        with at.running(exchange.settings.console):
            yield Desk(exchange, at, said)
    finally:
        exchange.stop()


@pytest.fixture
def who(desk: Desk) -> str:
    """Somebody who is enrolled as an officer of TJ-CUS."""
    name = f"officer-{secrets.token_hex(6)}"
    officer = add_officer(desk.exchange)
    enrolled = desk.enrol(name, officer["code"])
    assert (enrolled.status_code, enrolled.json()["agency"]) == (201, "TJ-CUS"), enrolled.text
    desk.officers.append(officer["id"])
    return name


def kind(response: Any) -> tuple[int, str]:
    document = response.json()
    return document["status"], str(document["type"]).removeprefix("/problems/")


def test_the_console_says_who_identifies(desk: Desk, exchange: Exchange) -> None:
    told = httpx.get(f"{desk.exchange.settings.console}/v1/console").json()
    assert told["providers"] == [{"country": "TJ", "name": "Tajik ID"}]
    assert httpx.get(f"{exchange.settings.console}/v1/console").json()["providers"] == []


def test_whoever_is_identified_signs_with_the_keys_of_its_browser_until_it_signs_out(desk: Desk, who: str) -> None:
    browser = Browser(desk.exchange)
    made = desk.sign_in(browser, who)
    assert made.status_code == 201, made.text
    assert (made.json()["agency"], made.json()["roles"]) == ("TJ-CUS", ["reporter"])
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 200
    assert browser.ask("POST", "/v1/sign-out").status == 204
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 401


def test_what_the_provider_calls_somebody_stands_in_no_log(desk: Desk, who: str, settings: Settings) -> None:
    stranger = f"stranger-{secrets.token_hex(6)}"
    assert desk.sign_in(Browser(desk.exchange), who).status_code == 201
    assert desk.sign_in(Browser(desk.exchange), stranger).status_code == 403
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'core'")).scalars().all()
        held = {
            table
            for table in tables
            for row in connection.execute(text(f'SELECT t::text FROM core."{table}" t')).scalars()
            if who in row or stranger in row
        }
    engine.dispose()
    assert held == {"national_identity"}
    logged = desk.said.read_text(encoding="utf-8")
    assert "/v1/sign-in/providers/{country}/sessions" in logged
    assert who not in logged
    assert stranger not in logged


def test_what_came_back_certifies_no_other_keys_and_nothing_twice(desk: Desk, who: str) -> None:
    browser, thief = Browser(desk.exchange), Browser(desk.exchange)
    answer = desk.answer(browser, who)
    stolen = desk.returned(thief, answer["ticket"], answer["authorization"])
    assert kind(desk.post("sessions", **stolen)) == (409, "challenge-not-valid")
    own = desk.post("challenges", **thief.keys()).raise_for_status().json()
    swapped = desk.returned(thief, own["ticket"], answer["authorization"])
    assert kind(desk.post("sessions", **swapped)) == (403, "identity-refused"), "the code is of another sign-in"
    assert desk.post("sessions", **answer).status_code == 201
    assert kind(desk.post("sessions", **answer)) == (403, "identity-refused"), "the provider takes a code once"


def test_a_ticket_of_a_passkey_is_none_of_a_provider(desk: Desk, who: str) -> None:
    browser = Browser(desk.exchange)
    answer = desk.answer(browser, who)
    asked = browser.challenge()
    mixed = desk.returned(browser, asked["ticket"], answer["authorization"])
    assert kind(desk.post("sessions", **mixed)) == (409, "challenge-not-valid")


def test_keys_that_the_browser_does_not_hold_are_not_certified(desk: Desk, who: str) -> None:
    browser = Browser(desk.exchange)
    answer = desk.answer(browser, who)
    other = PrivateKey.generate("p256")
    false = proof(other, ticket=answer["ticket"], use="record-signing", kid=browser.records.kid)
    refused = desk.post("sessions", **answer | {"proofs": [answer["proofs"][0], false]})
    assert kind(refused) == (422, "possession-not-proven")


def test_somebody_who_is_no_officer_does_not_enter(desk: Desk) -> None:
    assert kind(desk.sign_in(Browser(desk.exchange), "a stranger")) == (403, "identity-refused")


def test_an_officer_who_was_ended_does_not_enter(desk: Desk, who: str) -> None:
    browser, late = Browser(desk.exchange), Browser(desk.exchange)
    assert desk.sign_in(browser, who).status_code == 201
    administrator = desk.exchange.region.profiles["TJ-DCA/admin1"]
    key, path = administrator.load_request_key(), f"/v1/people/{desk.officers[-1]}/end"
    assert call(desk.exchange.settings.origin, key, "POST", path, {"reason": "moved"}).status == 200
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 401
    assert kind(desk.sign_in(late, who)) == (403, "identity-refused")


def test_a_code_enrols_one_identity_of_one_officer(desk: Desk, who: str) -> None:
    officer = add_officer(desk.exchange)
    assert kind(desk.enrol(who, officer["code"])) == (403, "identity-refused"), "it is another officer's already"
    assert desk.enrol(f"{who}-two", officer["code"]).status_code == 201, "what was refused has used nothing up"
    assert kind(desk.post("enrolments", code=officer["code"])) == (403, "code-not-valid")


def test_a_code_of_another_country_enrols_nobody_here(desk: Desk) -> None:
    code = add_officer(desk.exchange, "KZ-CUS")["code"]
    assert kind(desk.post("enrolments", code=code)) == (403, "code-not-valid")


def test_a_country_without_a_provider_has_none(desk: Desk) -> None:
    assert kind(desk.post("challenges", country="KZ", **Browser(desk.exchange).keys())) == (404, "not-found")


def test_a_provider_that_does_not_answer_changes_nothing(settings: Settings, region: Region) -> None:
    at = provider()
    exchange = Exchange.start(settings, region, workers=1, SARHAD_PROVIDERS=json.dumps([at.settings]))
    try:
        refused = Desk(exchange, at).post("challenges", **Browser(exchange).keys())
        assert kind(refused) == (502, "provider-unavailable")
    finally:
        exchange.stop()


@pytest.mark.parametrize("issuer", ["http://id.example", "ftp://id.example", "http://127.0.0.1.example"])
def test_a_provider_is_spoken_with_over_tls_alone(issuer: str) -> None:
    with pytest.raises(ValidationError):
        Configured(country="TJ", name="ID", issuer=issuer, client_id="x")


NONCE = b"n" * 32
PROVIDER = Configured(country="TJ", name="ID", issuer="https://id.example", client_id="sarhad")
KEY = ECKey.generate_key("P-256", {"kid": "one"})


def token(header: dict[str, str] | None = None, key: Any = KEY, **claims: Any) -> str:
    """A token as the provider signs it, but for claims given: times in seconds from now, None for a claim left out."""
    now = int(time.time())
    right = {"iss": PROVIDER.issuer, "sub": "s", "aud": "sarhad", "iat": now, "exp": now + 60, "nonce": encode(NONCE)}
    header = header or {"alg": "ES256", "kid": "one"}
    times = {name: now + claims[name] for name in ("iat", "exp") if claims.get(name) is not None}
    given = {name: value for name, value in (right | claims | times).items() if value is not None}
    return jwt.encode(header, given, key, algorithms=[header["alg"]])


def test_a_token_that_holds_names_its_subject() -> None:
    keys = KeySet([KEY])
    assert subject_of(PROVIDER, keys, token(), NONCE) == "s"
    assert subject_of(PROVIDER, keys, token(aud=["sarhad", "other"], azp="sarhad"), NONCE) == "s"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["sarhad", "other"], "azp": "other"},
        {"exp": -60},
        {"iat": 600},
        {"nonce": encode(b"m" * 32)},
        *({name: None} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(IdentityRefused):
        subject_of(PROVIDER, KeySet([KEY]), token(**claims), NONCE)


def test_a_token_that_the_provider_did_not_sign_is_refused() -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "one"})
    unsigned = f"{token().split('.')[0]}.{token().split('.')[1]}."
    forged = token({"alg": "HS256", "kid": "one"}, key=OctKey.import_key("a shared secret of nobody, long enough"))
    for given in (token(key=stranger), forged, unsigned, "", "a.b", "a.b.c"):
        with pytest.raises(IdentityRefused):
            subject_of(PROVIDER, KeySet([KEY]), given, NONCE)
