"""What a receiver does not take is tried again and given up at last; nothing is sent that was hidden meanwhile."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sarhad.records import item

from service.alerts import lanes
from service.database import Database
from service.jobs import Work
from service.settings import Settings
from service.substances.catalogue import Catalogue
from tests.alerts.conftest import PERMIT, Call, Receiver, calling
from tests.awaiting import eventually
from tests.exchange import Exchange, Region, heroin
from tests.seizures.wiring import Agency

FENTANYL = "SAR-000529"  # warns every time
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def trying(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    """Its jobs are done by who asks for them."""
    running = Exchange.start(*apart, workers=1, SARHAD_WEBHOOK_NETWORKS=json.dumps([LOOPBACK]))
    running.adopt("KZ", PERMIT)
    yield running
    running.stop()


@pytest.fixture
def call(trying: Exchange) -> Call:
    return calling(trying)


@pytest.fixture
async def database(trying: Exchange) -> AsyncIterator[Database]:
    made = Database(trying.settings)
    yield made
    await made.dispose()


async def turn(trying: Exchange, database: Database, patience: float = 0) -> None:
    """One turn of the receivers of Kyrgyzstan, as its job takes them; with no patience what failed is due at once."""
    changed = {"webhook_networks": (LOOPBACK,), "webhook_patience": patience}
    async with database.reading() as session:
        catalogue = await Catalogue.from_database(session)
    await lanes.go(Work(0, 1, database, trying.settings.model_copy(update=changed)), "KG", catalogue)


def failed_once(trying: Exchange, call: Call, receiver: Receiver) -> tuple[str, str, bytes]:
    """(the order, the record, what was sent) of a delivery that its receiver refused, and that waits."""
    receiver.status = 503
    wanted = {"name": "hook", "delivery": "webhook", "url": receiver.url, "rules": ["DANGEROUS_SUBSTANCE"]}
    made = call("KG-CUS", "POST", "/v1/subscriptions", wanted)
    assert made.status == 201, made.body
    hook = f"/v1/subscriptions/{made.json()['id']}"
    record = heroin("KZ-CUS", handling="TLP:GREEN", items=[item(FENTANYL, "powder", "5", "g", status="PRES")])
    customs = Agency(trying, "KZ-CUS")
    assert customs.post(customs.sign(record)).status == 201
    jobs = trying.jobs()
    try:
        eventually(lambda: any(told["fault"] == "Status503" for told in deliveries(call, hook)))
    finally:
        jobs.terminate()
        jobs.wait(60)
    sent = [receiver.requests.get_nowait()[2] for _ in range(receiver.requests.qsize())]
    assert json.loads(sent[0])["candidate"]["record"] == record.id
    return hook, str(record.id), sent[0]


def deliveries(call: Call, hook: str, **query: str) -> list[dict[str, Any]]:
    return list(call("KG-CUS", "GET", f"{hook}/deliveries", **query).json()["items"])


async def test_it_is_tried_six_times_then_given_up_and_sent_when_it_is_asked_for_again(
    trying: Exchange, call: Call, receiver: Receiver, database: Database
) -> None:
    hook, _, sent = failed_once(trying, call, receiver)
    (first,) = deliveries(call, hook)
    for attempts in range(first["attempts"] + 1, lanes.TRIES + 1):
        await turn(trying, database)
        assert receiver.requests.get_nowait()[2] == sent, "the same event each time"
        (told,) = deliveries(call, hook)
        assert (told["attempts"], told["fault"]) == (attempts, "Status503")
        assert told["state"] == ("dead" if attempts == lanes.TRIES else "waiting")
        if attempts == lanes.TRIES - 1:
            await turn(trying, database, patience=1)
            assert receiver.requests.empty(), "its time comes a quarter of an hour later"
    await turn(trying, database)
    assert receiver.requests.empty(), "who is given up is left alone"
    (dead,) = deliveries(call, hook, state="dead")
    assert call("KZ-CUS", "POST", f"{hook}/deliveries/{dead['kind']}/{dead['subject']}/again", {}).status == 404
    assert call("KG-CUS", "POST", f"{hook}/deliveries/{dead['kind']}/{dead['subject']}/again", {}).status == 200
    receiver.status = 204
    await turn(trying, database)
    assert receiver.requests.get_nowait()[2] == sent
    assert [told["state"] for told in deliveries(call, hook)] == ["sent"]
    assert call("KG-CUS", "DELETE", hook).status == 204


async def test_what_was_suspended_meanwhile_is_sent_when_that_is_over(
    trying: Exchange, call: Call, receiver: Receiver, database: Database
) -> None:
    hook, record, _ = failed_once(trying, call, receiver)
    receiver.status = 204
    suspended = call("KZ-DCA/policy", "POST", "/v1/suspensions", {"towards_country": "KG", "reason": "A leak"})
    assert suspended.status == 201
    await turn(trying, database)
    assert receiver.requests.empty()
    assert deliveries(call, hook) == [], "nor is it said that something waits"
    lifting = f"/v1/suspensions/{suspended.json()['id']}/lifting"
    assert call("KZ-DCA/policy2", "POST", lifting, {"reason": "It was none"}).status == 200
    await turn(trying, database)
    assert json.loads(receiver.requests.get_nowait()[2])["candidate"]["record"] == record
    assert call("KG-CUS", "DELETE", hook).status == 204


async def test_what_was_recalled_or_is_given_no_more_is_never_sent(
    trying: Exchange, call: Call, receiver: Receiver, database: Database
) -> None:
    for withdrawn in ("recall", "policy"):
        hook, record, _ = failed_once(trying, call, receiver)
        receiver.status = 204
        if withdrawn == "recall":
            trying.client("KZ-CUS").recall({"records": [record], "reason": "the wrong case"})
        else:
            trying.adopt("KZ")
        for _ in range(lanes.TRIES):
            await turn(trying, database)
        assert receiver.requests.empty()
        assert deliveries(call, hook) == []
        assert call("KG-CUS", "DELETE", hook).status == 204
    trying.adopt("KZ", PERMIT)
