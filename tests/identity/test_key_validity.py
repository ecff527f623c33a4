"""A key signs while it is in force and at no other time: requests, records, policies and their approvals (attack
S12). What is in force is read anew for every request, and for every part of a batch.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sarhad import Client, PrivateKey
from sarhad.policies import sign_approval, sign_policy
from sarhad.records import issue
from sqlalchemy import create_engine, text

from service.app import create_app
from service.identity.caller import Caller
from service.seizures.batch import CHUNK, Summary, file_batch
from service.seizures.filing import filing_for
from tests.exchange import Exchange, heroin
from tests.identity.enrolment import enrol_now
from tests.policies.reports import refused
from tests.seizures.wiring import Agency, line, refusal, statuses, stored, verdicts
from tests.signing.wire import send, sign

A_DAY = timedelta(days=1)
OUT_OF_TIME = {"not yet valid": (A_DAY, 2 * A_DAY), "expired": (-2 * A_DAY, -A_DAY)}
ENDED = [*OUT_OF_TIME, "revoked"]
OWNER = "TM"


@pytest.fixture
def customs(exchange: Exchange) -> Agency:
    return Agency(exchange, f"{OWNER}-CUS")


@pytest.fixture
def admin(exchange: Exchange) -> Client:
    return exchange.client(f"{OWNER}-DCA/admin1", None)


@pytest.fixture
def key_that(exchange: Exchange, admin: Client) -> Callable[..., PrivateKey]:
    """A new key that is not in force, for the reason given."""

    def made(reason: str, agency: str = f"{OWNER}-CUS", use: str = "record-signing", roles: Any = ()) -> PrivateKey:
        begins, ends = OUT_OF_TIME.get(reason, (-A_DAY, A_DAY))
        now = datetime.now(UTC)
        key = enrol_now(
            exchange.settings, PrivateKey.generate(), agency, roles, use,
            not_before=now + begins, not_after=now + ends,
        )  # fmt: skip
        if reason == "revoked":
            admin.revoke_key(key.kid, "lost on patrol")
        return key

    return made


@pytest.mark.parametrize("reason", ENDED)
def test_requests_are_refused(
    exchange: Exchange, customs: Agency, key_that: Callable[..., PrivateKey], reason: str
) -> None:
    key = key_that(reason, use="request-signing", roles=("reporter", "analyst"))
    before, origin = stored(exchange.settings), exchange.settings.origin
    for wire in (
        sign(key, origin, "GET", "/v1/seizures", purpose="operational"),
        sign(key, origin, "POST", "/v1/seizures", customs.report().encode(), content_type="application/sd-jwt"),
    ):
        assert refusal(send(origin, wire))[:2] == (401, "key-not-usable")
    assert stored(exchange.settings) == before


@pytest.mark.parametrize("reason", ENDED)
def test_records_are_refused(
    exchange: Exchange, customs: Agency, key_that: Callable[..., PrivateKey], reason: str
) -> None:
    record = issue(key_that(reason), heroin(customs.name))
    before = stored(exchange.settings)
    assert refusal(customs.post(record)) == (422, "record-key-unknown", "/header/kid")
    assert stored(exchange.settings) == before
    lines, _ = verdicts(customs.batch(map(line, [record, customs.report()])))
    assert statuses(lines) == [422, 201]
    assert lines[0]["problem"]["type"] == "/problems/record-key-unknown"


@pytest.fixture
def document(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The next version of the owner's policy; what a test leaves proposed is withdrawn."""
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    version = officer.get_policy(OWNER)["latest"] + 1
    yield {"policy": "sarhad-policy/1", "country": OWNER, "version": version, "rules": []}
    if waiting := officer.get_policy(OWNER)["proposed"]:
        officer.reject_policy(OWNER, waiting["version"], "the test is over")


@pytest.mark.parametrize("reason", ENDED)
def test_policies_are_refused(
    exchange: Exchange, key_that: Callable[..., PrivateKey], document: dict[str, Any], reason: str
) -> None:
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    signed = sign_policy(key_that(reason, f"{OWNER}-DCA"), document)
    assert refused(lambda: officer.propose_policy(OWNER, signed)).kind == "policy-signature-invalid"
    assert officer.get_policy(OWNER)["proposed"] is None


@pytest.mark.parametrize("reason", ENDED)
def test_approvals_are_refused(
    exchange: Exchange, key_that: Callable[..., PrivateKey], document: dict[str, Any], reason: str
) -> None:
    second = exchange.client(f"{OWNER}-DCA/policy2", None)
    proposed = exchange.propose(document)
    approval = sign_approval(key_that(reason, f"{OWNER}-DCA"), OWNER, document["version"], proposed)
    told = refused(lambda: second.approve_policy(OWNER, document["version"], approval))
    assert told.kind == "policy-signature-invalid"
    assert second.get_policy(OWNER)["proposed"]["version"] == document["version"], "it waits on"


def test_a_policy_whose_key_is_lost_before_the_approval_is_proposed_anew(
    exchange: Exchange, admin: Client, document: dict[str, Any]
) -> None:
    officer = exchange.client(f"{OWNER}-DCA/policy", None)
    lost = enrol_now(exchange.settings, PrivateKey.generate(), f"{OWNER}-DCA", use="record-signing")
    signed = sign_policy(lost, document)
    officer.propose_policy(OWNER, signed)
    admin.revoke_key(lost.kid, "lost")
    told = refused(lambda: exchange.approve(OWNER, document["version"], signed))
    assert told.kind == "proposer-no-longer-officer"


def test_a_batch_signed_with_the_old_key_and_the_new_one(exchange: Exchange, customs: Agency, admin: Client) -> None:
    """Both are in force while keys are changed; from the revocation on, the new one alone."""
    old, new = (
        enrol_now(exchange.settings, PrivateKey.generate(), customs.name, use="record-signing") for _ in range(2)
    )
    mixed = [line(issue(key, heroin(customs.name))) for key in (old, new, old)]
    assert statuses(verdicts(customs.batch(mixed))[0]) == [201] * 3
    admin.revoke_key(old.kid, "changed for a new one")
    later = [line(issue(key, heroin(customs.name))) for key in (old, new, old)]
    lines, summary = verdicts(customs.batch(later))
    assert statuses(lines) == [422, 201, 422]
    assert summary == {"accepted": 1, "duplicates": 0, "refused": 2, "committed": True}
    assert statuses(verdicts(customs.batch(mixed[1:2]))[0]) == [200], "what was filed in time stays"


async def test_a_key_that_is_changed_in_mid_batch(exchange: Exchange, admin: Client, customs: Agency) -> None:
    """Each part of a batch is judged by the keys in force when it is read: never by those of its beginning."""
    old, new = (
        enrol_now(exchange.settings, PrivateKey.generate(), customs.name, use="record-signing") for _ in range(2)
    )
    late = enrol_now(exchange.settings, PrivateKey.generate(), customs.name)

    def record(key: PrivateKey) -> bytes:
        return line(issue(key, heroin(customs.name, reference=f"R-{secrets.token_hex(8)}"))).encode()

    def body() -> Iterator[bytes]:
        yield from (record(old) for _ in range(CHUNK))
        yield record(new)  # asked for when the part before it is full, and followed when that has been looked at
        admin.revoke_key(old.kid, "changed for a new one")
        yield from (record(key) for key in (old, new) * (CHUNK // 2))

    app = create_app(exchange.settings)
    caller = Caller(late.kid, customs.name, OWNER, frozenset({"reporter"}))
    others = asyncio.all_tasks()
    async with app.router.lifespan_context(app), app.state.database.writing() as session:
        # The revocation in the body holds up this loop: nothing else here may be amid a transaction that it waits for.
        keepers = asyncio.all_tasks() - others
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await session.execute(text("SELECT set_config('sarhad.context', :token, true)"), {"token": _token(exchange)})
        summary = Summary()
        filed = file_batch(session, filing_for(app.state, caller), body(), 10_000, summary)
        lines = [verdict async for verdict in filed]
    accepted = [b'"status":201' in verdict for verdict in lines]
    assert accepted[:CHUNK] == [True] * CHUNK
    assert accepted[CHUNK:] == [True] + [False, True] * (CHUNK // 2)
    assert (summary.accepted, summary.refused) == (CHUNK + CHUNK // 2 + 1, CHUNK // 2)


def _token(exchange: Exchange) -> str:
    """The context of the owner's customs, as the gate gives it to a reporter."""
    engine = create_engine(exchange.settings.database_as())
    enter = text("SELECT gate.enter(:country, :agency, '{reporter}', '')")
    with engine.begin() as connection:
        token = connection.scalar(enter, {"country": OWNER, "agency": f"{OWNER}-CUS"})
    engine.dispose()
    return str(token)
