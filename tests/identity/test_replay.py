"""A signed request counts once: in every process of the service, and after it was killed."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sarhad import PrivateKey
from sqlalchemy import create_engine, text

from tests.exchange import Exchange
from tests.identity.enrolment import enrol_now
from tests.signing.wire import Reply, Wire, send, sign


@dataclass
class Twin:
    """A second process of the same service: same database, same key, same public origin, another port."""

    first: Exchange
    second: Exchange

    @property
    def origin(self) -> str:
        return self.first.settings.origin

    def ask_first(self, wire: Wire) -> Reply:
        return send(self.origin, wire)

    def ask_second(self, wire: Wire) -> Reply:
        return send(self.second.settings.origin, wire)

    def restart_second(self) -> None:
        self.second.process.kill()
        self.second.stop()
        self.second = _second(self.first)


def _second(first: Exchange) -> Exchange:
    return Exchange.start(first.settings, first.region, workers=1, SARHAD_ORIGIN=first.settings.origin)


@pytest.fixture(scope="module")
def twin(exchange: Exchange) -> Iterator[Twin]:
    twin = Twin(exchange, _second(exchange))
    yield twin
    twin.second.stop()


@pytest.fixture
def officer(exchange: Exchange) -> PrivateKey:
    return exchange.region.profiles["UZ-DCA/admin1"].load_request_key()


def _proposal(officer: PrivateKey, origin: str) -> Wire:
    code = f"UZ-{secrets.token_hex(4).upper()}"
    body = f'{{"change":{{"kind":"add-agency","code":"{code}","type":"BG","name":"Post"}}}}'.encode()
    return sign(officer, origin, "POST", "/v1/changes", body)


def test_in_another_process(twin: Twin, officer: PrivateKey) -> None:
    for wire, accepted in (
        (sign(officer, twin.origin, "GET", "/v1/keys"), 200),
        (_proposal(officer, twin.origin), 201),
    ):
        assert twin.ask_first(wire).status == accepted
        assert twin.ask_second(wire).problem == "replayed-request"


def test_after_the_process_was_killed(twin: Twin, officer: PrivateKey) -> None:
    read, write = sign(officer, twin.origin, "GET", "/v1/keys"), _proposal(officer, twin.origin)
    assert [twin.ask_second(wire).status for wire in (read, write)] == [200, 201]
    twin.restart_second()
    assert [twin.ask_second(wire).problem for wire in (read, write)] == ["replayed-request"] * 2


def test_a_revoked_key_is_refused_at_once_everywhere(twin: Twin, officer: PrivateKey) -> None:
    lost = enrol_now(twin.first.settings, PrivateKey.generate(), "UZ-CUS", ("reporter",))
    for ask in (twin.ask_first, twin.ask_second):
        assert ask(sign(lost, twin.origin, "GET", "/v1/keys")).status == 200
    target = f"/v1/keys/{lost.public.kid}/revocation"
    ended = twin.ask_first(sign(officer, twin.origin, "POST", target, b'{"reason":"lost on patrol"}'))
    assert (ended.status, ended.json()["reason"]) == (200, "lost on patrol")
    for ask in (twin.ask_second, twin.ask_first):
        reply = ask(sign(lost, twin.origin, "GET", "/v1/keys"))
        assert (reply.status, reply.problem) == (401, "key-not-usable")
        assert "revoked" in reply.json()["detail"]


def test_nonces_are_kept_until_their_signature_has_expired_and_then_forgotten(twin: Twin) -> None:
    """The keeper drops what lies an hour back, makes the hours ahead, and touches nothing between."""
    engine = create_engine(twin.first.settings.database_as())
    spend = text("INSERT INTO core.nonce VALUES ('k', :nonce, now() + make_interval(mins => :minutes))")
    with engine.begin() as connection:
        connection.execute(spend, [{"nonce": "old", "minutes": -200}, {"nonce": "young", "minutes": 4}])
        connection.execute(text("SELECT core.keep_nonces()"))
        left = connection.scalars(text("SELECT nonce FROM core.nonce WHERE kid = 'k'")).all()
        ahead = connection.scalar(
            text("SELECT tableoid::regclass::text FROM core.nonce WHERE kid = 'k' AND nonce = 'young'")
        )
    assert left == ["young"]
    assert "default" not in str(ahead)


def test_the_tables_of_nonces_survive_a_crash(twin: Twin) -> None:
    """An unlogged table is emptied by crash recovery, and every replay would then be accepted."""
    with create_engine(twin.first.settings.database_as()).connect() as connection:
        kinds = connection.scalars(
            text(
                "SELECT DISTINCT relpersistence::text FROM pg_class WHERE relname ~ '^nonce' AND relkind IN ('r', 'p')"
            )
        ).all()
    assert kinds == ["p"]
