"""An officer whom its country's OpenID Connect provider identifies signs in without a passkey, for its keys alone."""

import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
from tests.signin.liar import Liar, liar
from tests.signin.provider import Provider, provider
from tests.signing.wire import Reply


@dataclass
class Desk:
    """An exchange with a provider of Tajikistan and one of Kazakhstan that lies, and browsers at it."""

    exchange: Exchange
    at: Provider
    said: Path  # by the service, as it runs
    lying: Liar
    officers: list[str] = field(default_factory=list)

    def post(self, path: str, country: str = "TJ", **document: Any) -> httpx.Response:
        origin = self.exchange.settings.console
        return httpx.post(f"{origin}/v1/sign-in/providers/{country}/{path}", json=document)

    def enrol(self, who: str, code: str) -> httpx.Response:
        begun = self.post("enrolments", code=code).raise_for_status().json()
        back = self.at.visit(begun["url"], who)
        assert back["state"] == begun["ticket"]
        return self.post("identities", code=code, ticket=begun["ticket"], authorization=back["code"], iss=back["iss"])

    def answer(self, browser: Browser, who: str) -> dict[str, Any]:
        """What a browser sends when it comes back."""
        begun = self.post("challenges", **browser.keys()).raise_for_status().json()
        back = self.at.visit(begun["url"], who)
        return self.returned(browser, begun["ticket"], back["code"]) | {"iss": back["iss"]}

    def returned(self, browser: Browser, ticket: str, authorization: str) -> dict[str, Any]:
        proofs = [
            proof(key, ticket=ticket, use=use, kid=key.kid)
            for key, use in ((browser.requests, "request-signing"), (browser.records, "record-signing"))
        ]
        return browser.keys() | {"ticket": ticket, "authorization": authorization, "proofs": proofs}

    def sign_in(self, browser: Browser, who: str) -> httpx.Response:
        return self.post("sessions", **self.answer(browser, who))

    def lie(self, path: str, begun: dict[str, Any], subject: str, **document: Any) -> httpx.Response:
        """What the liar's officer gets who comes back from it."""
        (nonce,) = parse_qs(urlsplit(begun["url"]).query)["nonce"]
        self.lying.claims = {"nonce": nonce, "sub": subject}
        given = document | {"ticket": begun["ticket"], "authorization": "x", "iss": self.lying.issuer}
        return self.post(path, country="KZ", **given)

    def administer(self, method: str, path: str, document: Any = None, country: str = "TJ") -> Reply:
        """An act of a key administrator upon the officer who was added last."""
        administrator = self.exchange.region.profiles[f"{country}-DCA/admin1"].load_request_key()
        path = f"/v1/people/{self.officers[-1]}{path}"
        return call(self.exchange.settings.origin, administrator, method, path, document)

    def shown(self) -> tuple[int, int]:
        """How many passkeys and identities administrators see of that officer."""
        administrator = self.exchange.region.profiles["TJ-DCA/admin1"].load_request_key()
        people = call(self.exchange.settings.origin, administrator, "GET", "/v1/people?limit=200").json()["items"]
        person = next(one for one in people if one["id"] == self.officers[-1])
        return person["passkeys"], person["identities"]


@pytest.fixture(scope="module", params=[None, "a secret of the client"], ids=["public", "confidential"])
def desk(
    settings: Settings, region: Region, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    at = provider(request.param)
    said = tmp_path_factory.mktemp("desk") / "service.log"
    with liar() as lying:
        lying.metadata["authorization_response_iss_parameter_supported"] = True
        named = json.dumps([at.settings, lying.settings])
        exchange = Exchange.start(settings, region, workers=1, output=said, SARHAD_PROVIDERS=named)
        try:
            with at.running(exchange.settings.console):
                yield Desk(exchange, at, said, lying)
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
    tajik, kazakh = {"country": "TJ", "name": "Tajik ID"}, {"country": "KZ", "name": "Kazakh ID"}
    assert told["providers"] == [tajik, kazakh]
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
    assert kind(desk.sign_in(browser, who)) == (409, "keys-used-before")


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
    assert desk.administer("POST", "/end", {"reason": "moved"}).json()["identities"] == 1
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 401
    assert kind(desk.sign_in(late, who)) == (403, "identity-refused")


def test_an_administrator_sees_an_identity_and_ends_it(desk: Desk, who: str) -> None:
    browser = Browser(desk.exchange)
    assert desk.sign_in(browser, who).status_code == 201
    assert desk.shown() == (0, 1)
    assert desk.administer("DELETE", "/identities", country="KZ").status == 404
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 200
    assert desk.administer("DELETE", "/identities").status == 204
    assert desk.shown() == (0, 0)
    assert browser.ask("GET", "/v1/seizures", purpose="operational").status == 401
    assert kind(desk.sign_in(Browser(desk.exchange), who)) == (403, "identity-refused")
    officer = add_officer(desk.exchange)
    assert desk.enrol(who, officer["code"]).status_code == 201, "it is nobody's, and may be another officer's"


def test_an_identity_is_of_the_post_that_its_person_was_moved_to(desk: Desk, who: str) -> None:
    moved = add_officer(desk.exchange, "TJ-DCA", ("analyst",))
    assert kind(desk.enrol(who, moved["code"])) == (403, "identity-refused"), "the former officer is not ended yet"
    desk.administer("POST", "/end", {"reason": "moved"})
    assert desk.enrol(who, moved["code"]).status_code == 201
    made = desk.sign_in(Browser(desk.exchange), who).json()
    assert (made["agency"], made["roles"]) == ("TJ-DCA", ["analyst"])


def test_a_provider_identifies_no_officer_of_another_country(desk: Desk, settings: Settings) -> None:
    """Whatever stands under an issuer that the operator has set for one country after another."""
    own, other = add_officer(desk.exchange, "KZ-CUS"), add_officer(desk.exchange)
    subject, browser, late = secrets.token_hex(8), Browser(desk.exchange), Browser(desk.exchange)
    begun = desk.post("enrolments", country="KZ", code=own["code"]).json()
    assert desk.lie("identities", begun, subject, code=own["code"]).status_code == 201

    def sign_in(browser: Browser) -> httpx.Response:
        begun = desk.post("challenges", country="KZ", **browser.keys()).json()
        given = desk.returned(browser, begun["ticket"], "x")
        return desk.lie("sessions", begun, subject, **given)

    assert sign_in(browser).status_code == 201
    engine = create_engine(settings.database_as())
    moved = text("UPDATE core.national_identity SET person = :person WHERE subject = :subject")
    with engine.begin() as connection:
        connection.execute(moved, {"person": other["id"], "subject": subject})
    engine.dispose()
    assert kind(sign_in(late)) == (403, "identity-refused")


def test_a_code_enrols_one_identity_of_one_officer(desk: Desk, who: str) -> None:
    officer = add_officer(desk.exchange)
    assert kind(desk.enrol(who, officer["code"])) == (403, "identity-refused"), "it is another officer's already"
    assert desk.enrol(f"{who}-two", officer["code"]).status_code == 201, "what was refused has used nothing up"
    assert kind(desk.post("enrolments", code=officer["code"])) == (403, "code-not-valid")


def test_a_code_of_another_country_enrols_nobody_here(desk: Desk) -> None:
    code = add_officer(desk.exchange, "KZ-CUS")["code"]
    assert kind(desk.post("enrolments", code=code)) == (403, "code-not-valid")


def test_a_country_without_a_provider_has_none(desk: Desk) -> None:
    assert kind(desk.post("challenges", country="UZ", **Browser(desk.exchange).keys())) == (404, "not-found")


def test_each_provider_sends_the_browser_back_to_an_address_of_its_own(desk: Desk) -> None:
    """So what the provider of one country sent is never taken for what another's sent."""
    for country in ("TJ", "KZ"):
        url = desk.post("challenges", country=country, **Browser(desk.exchange).keys()).json()["url"]
        (back,) = parse_qs(urlsplit(url).query)["redirect_uri"]
        assert back == f"{desk.exchange.settings.console}/console/?at={country}"


def test_what_one_issuer_sent_is_given_to_no_other(desk: Desk, who: str) -> None:
    """Where a provider says who sends the browser back (RFC 9207), nobody else's code is taken to it."""
    browser = Browser(desk.exchange)
    honest = desk.answer(browser, who)
    begun = desk.post("challenges", country="KZ", **browser.keys()).json()
    answer = desk.returned(browser, begun["ticket"], honest["authorization"])
    for said in ({"iss": honest["iss"]}, {}):
        refused = desk.post("sessions", country="KZ", **answer | said)
        assert kind(refused) == (403, "identity-refused"), said
    assert honest["authorization"] not in desk.lying.codes
    assert kind(desk.post("sessions", **honest | {"iss": desk.lying.issuer})) == (403, "identity-refused")


def test_a_provider_that_does_not_answer_changes_nothing(settings: Settings, region: Region) -> None:
    at = provider()
    exchange = Exchange.start(settings, region, workers=1, SARHAD_PROVIDERS=json.dumps([at.settings]))
    try:
        refused = Desk(exchange, at, Path(os.devnull), Liar()).post("challenges", **Browser(exchange).keys())
        assert kind(refused) == (502, "provider-unavailable")
    finally:
        exchange.stop()


@pytest.mark.parametrize("issuer", ["http://id.example", "ftp://id.example", "http://127.0.0.1.example"])
def test_a_provider_is_spoken_with_over_tls_alone(issuer: str) -> None:
    with pytest.raises(ValidationError):
        Configured(country="TJ", name="ID", issuer=issuer, client_id="x")


def test_a_country_has_one_provider() -> None:
    one = {"country": "TJ", "name": "ID", "issuer": "https://id.example", "client_id": "x"}
    with pytest.raises(ValidationError, match="TJ"):
        Settings.model_validate({"providers": [one, one | {"issuer": "https://other.example"}]})
    assert len(Settings.model_validate({"providers": [one, one | {"country": "KZ"}]}).providers) == 2


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
