"""Every request is signed afresh; every answer must be the service's own, to this very request."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sarhad import (
    AsyncClient,
    Client,
    PrivateKey,
    ProblemError,
    Profile,
    ServiceUnreachable,
    UnverifiedResponse,
)
from sarhad.cli.output import connect
from sarhad.events import EVENT, verified
from sarhad.keys import HANDOVER, PublicKey
from sarhad.signing import AS_OF

from service.signing import ServiceKey
from tests.clients.echo import Answer, Exchange, SignedService, running

RECEIPT = {"id": "r-1", "version": 1, "digest": "d", "receipt": "e.y.j", "warnings": []}


def accepting(exchange: Exchange) -> Answer:
    return Answer(201, RECEIPT) if exchange.method == "POST" else Answer(200, {"items": [], "next": None})


def service_for(agency: Profile, handler: Callable[[Exchange], Answer] = accepting) -> SignedService:
    key = agency.load_request_key().public
    return SignedService(keys={key.kid: key.jwk}, handler=handler)


def as_pinned(key: ServiceKey) -> PublicKey:
    return PublicKey.from_jwk({name: key.jwk[name] for name in ("kty", "crv", "x")})


def at(agency: Profile, service: SignedService) -> Profile:
    return replace(agency, service=service.origin)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_submission_is_signed_with_either_key_type_and_its_answer_verified(kind, agency: Profile, tmp_path: Path):
    (agency.directory / agency.request_key).unlink()
    PrivateKey.generate(kind).save(agency.directory / agency.request_key)
    with running(service_for(agency)) as service, Client(at(agency, service)) as client:
        receipt = client.submit("e30.e30.c2ln~")
    assert (receipt.id, receipt.created) == ("r-1", True)
    submitted = service.seen[-1]
    assert submitted.body == b"e30.e30.c2ln~"
    assert submitted.headers["content-type"] == "application/sd-jwt"
    assert {"content-type", "content-digest"} <= submitted.presented.components


async def test_the_asynchronous_client_signs_the_same_way(agency: Profile):
    with running(service_for(agency)) as service:
        async with AsyncClient(at(agency, service)) as client:
            receipt = await client.submit("e30.e30.c2ln~")
    assert receipt.version == 1


def test_every_try_has_a_nonce_of_its_own(agency: Profile):
    answers = [
        Answer(503, {"title": "Busy"}, "application/problem+json"),
        Answer(201, RECEIPT),
        Answer(200, RECEIPT),
    ]
    with (
        running(service_for(agency, lambda _: answers.pop(0))) as service,
        Client(at(agency, service)) as client,
    ):
        assert client.submit("e30.e30.c2ln~").created
        assert not client.submit("e30.e30.c2ln~").created
    nonces = [exchange.presented.nonce for exchange in service.seen if exchange.presented]
    assert len(set(nonces)) == 3


def test_a_purpose_is_signed_with_every_reading(agency: Profile):
    with (
        running(service_for(agency)) as service,
        Client(at(agency, service), purpose="operational", case="ABC-1") as client,
    ):
        client.search(country="KZ", from_="2025-01-01", place="Душанбе")
    read = service.seen[-1]
    assert read.headers["sarhad-purpose"] == 'operational;case="ABC-1"'
    assert "sarhad-purpose" in read.presented.components
    assert "from=2025-01-01" in read.target


def test_an_unknown_purpose_never_leaves(agency: Profile):
    with pytest.raises(ValueError, match="use one of"):
        Client(agency, purpose="curiosity")


def test_the_service_key_is_pinned_on_first_use_and_a_changed_one_refused(agency: Profile):
    with running(service_for(agency)) as service:
        with Client(at(agency, service)) as client:
            client.search()
        assert Profile.load(agency.directory).service_key.kid == service.key.kid
        service.key = type(service.key).generate()
        with (
            Client(Profile.load(agency.directory)) as client,
            pytest.raises(UnverifiedResponse, match="pinned"),
        ):
            client.search()


@pytest.mark.parametrize(
    ("begins", "believed"), [(-HANDOVER - 60, False), (-HANDOVER + 60, True), (+3600, True), (None, False)]
)
def test_a_former_key_signs_answers_until_the_keys_are_handed_over(agency: Profile, begins: int | None, believed: bool):
    """Whoever takes a former key later is not the service to those who know the one that followed."""
    with running(service_for(agency)) as service:
        former = as_pinned(service.key)
        moment = None if begins is None else int(time.time()) + begins
        pinned = replace(PrivateKey.generate().public, former=(former,), begins=moment)
        at(agency, service).pinned(pinned).save()
        with (
            Client(Profile.load(agency.directory)) as client,
            nullcontext() if believed else pytest.raises(UnverifiedResponse, match="pinned"),
        ):
            client.search()
        with nullcontext() if believed else pytest.raises(UnverifiedResponse, match="another key"):
            assert verified(service.key.sign_jws({"told": 1}, EVENT), pinned) == {"told": 1}


def body_changed(status, headers, body):
    return status, headers, body.replace(b"r-1", b"r-2")


def status_changed(status, headers, body):
    return 200, headers, body


def signature_removed(status, headers, body):
    return status, {n: v for n, v in headers.items() if not n.startswith("signature")}, body


def digest_replaced(status, headers, body):
    return status, {**headers, "content-digest": "sha-256=:" + "A" * 43 + "=:"}, body


@pytest.mark.parametrize("tamper", [body_changed, status_changed, signature_removed, digest_replaced])
def test_a_changed_answer_is_refused(tamper, agency: Profile):
    with running(service_for(agency)) as service, Client(at(agency, service)) as client:
        assert client.service_key.kid == service.key.kid
        service.tamper = tamper
        with pytest.raises(UnverifiedResponse):
            client.submit("e30.e30.c2ln~")


def test_an_answer_that_is_older_than_now_says_as_of_when_and_nobody_else_can(agency: Profile, capsys):
    moments = ["2026-11-28T04:05:06Z", "2026-11-28T04:05:01Z", None, None]

    def dated(exchange: Exchange) -> Answer:
        return Answer(200, {"items": [], "next": None}, as_of=moments.pop(0))

    def claimed(status, headers, body):
        return status, {**headers, AS_OF: "2026-11-28T04:05:00Z"}, body

    with running(service_for(agency, dated)) as service, connect(at(agency, service), purpose="analysis") as client:
        assert client.service_key
        for _ in range(3):
            client.search()
        service.tamper = claimed
        with pytest.raises(UnverifiedResponse):
            client.search()
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("As of ")]
    assert said == ["As of 2026-11-28T04:05:01Z: what was reported later is not in it."]


def test_the_answer_to_another_request_is_refused(agency: Profile):
    kept: list[tuple[int, dict[str, str], bytes]] = []

    def replay(status, headers, body):
        kept.append((status, headers, body))
        return kept[0]

    with running(service_for(agency)) as service, Client(at(agency, service)) as client:
        assert client.service_key
        service.tamper = replay
        client.search(country="KZ")
        with pytest.raises(UnverifiedResponse):
            client.search(country="KZ")


def test_a_refusal_arrives_as_a_problem_with_its_fields(agency: Profile):
    problem = {
        "type": "/problems/duplicate-reference",
        "title": "A record of this agency already carries this reference.",
        "status": 409,
        "detail": "KZ-1 is taken.",
        "pointer": "/reference",
        "existing": "r-0",
    }
    refusing = service_for(agency, lambda _: Answer(409, problem, "application/problem+json"))
    with (
        running(refusing) as service,
        Client(at(agency, service)) as client,
        pytest.raises(ProblemError) as refused,
    ):
        client.submit("e30.e30.c2ln~")
    fault = refused.value
    assert (fault.status, fault.kind, fault.pointer) == (409, "duplicate-reference", "/reference")
    assert fault.members == {"existing": "r-0"}
    assert "sarhad correct" in fault.sentence
    assert len([e for e in service.seen if e.method == "POST"]) == 1


def test_an_unknown_key_is_a_problem_and_not_tried_again(agency: Profile):
    stranger = replace(agency, request_key="stranger.pem")
    PrivateKey.generate().save(agency.directory / "stranger.pem")
    service = service_for(agency)
    stranger_key = stranger.load_request_key().public
    service.keys[stranger_key.kid] = agency.load_request_key().public.jwk
    with running(service), Client(at(stranger, service)) as client, pytest.raises(ProblemError) as refused:
        client.search()
    assert refused.value.status == 401


def test_a_service_that_is_not_there_is_named(agency: Profile, unused_address: str):
    unreachable = pytest.raises(ServiceUnreachable, match="Cannot reach http://127")
    with Client(replace(agency, service=unused_address)) as client, unreachable:
        client.search()


def test_a_proxy_that_answers_in_its_place_counts_as_unreachable(agency: Profile):
    with running(service_for(agency)) as service, Client(at(agency, service)) as client:
        assert client.service_key
        service.tamper = lambda *_: (502, {"content-type": "text/html", "content-length": "0"}, b"")
        with pytest.raises(ServiceUnreachable, match="502"):
            client.propose_change({"kind": "key"})
