"""A country issues so many alerts a day: each comes into everyone's inbox. What it says of them is bounded too."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.alerts.conftest import Call, calling
from tests.exchange import Exchange, Region
from tests.signing.wire import Reply

ISSUED = text("SELECT count(*) FROM core.alert WHERE country = 'AZ' AND issued_at IS NOT NULL")
MORE = 2


@pytest.fixture(scope="module")
def call(settings: Settings, region: Region) -> Iterator[Call]:
    """Of an exchange in which Azerbaijan may issue two more alerts today, and every country has acted enough."""
    with create_engine(settings.database_as()).connect() as connection:
        most = connection.scalar(ISSUED) + MORE
    running = Exchange.start(settings, region, workers=1, SARHAD_ALERTS_PER_DAY=str(most), SARHAD_ACTS_PER_DAY="1")
    yield calling(running)
    running.stop()


def test_a_country_issues_so_many_alerts_a_day_however_many_at_once(call: Call) -> None:
    drafted = [call("AZ-CUS", "POST", "/v1/alerts", {"title": "A powder", "text": "-"}).json()["id"] for _ in range(6)]

    def issue(id_: str) -> Reply:
        order = {"level": "INFO", "handling": "TLP:GREEN"}
        return call("AZ-DCA/policy", "POST", f"/v1/alerts/{id_}/issue", order)

    with ThreadPoolExecutor(len(drafted)) as threads:
        done = list(threads.map(issue, drafted))
    refused = [reply for reply in done if reply.status != 200]
    assert len(done) - len(refused) == MORE
    assert {(reply.status, reply.problem) for reply in refused} == {(429, "too-many-alerts")}
    assert all(0 < int(dict(reply.lines)["retry-after"]) <= 86_400 for reply in refused)
    ended = next(id_ for id_, reply in zip(drafted, done, strict=True) if reply.status == 200)
    closed = call("AZ-DCA/policy", "POST", f"/v1/alerts/{ended}/ending/closed", {"reason": "over"})
    assert closed.status == 200
    waiting = next(id_ for id_, reply in zip(drafted, done, strict=True) if reply.status != 200)
    assert issue(waiting).status == 429, "an alert that is over was issued"


def test_what_fills_the_governance_log_and_protects_nobody_is_refused_when_it_is_too_much(call: Call) -> None:
    """Words on links and on alerts, and standing orders, which one begins and ends; not what a country must do."""
    repeated = {
        f"/v1/links/{uuid4()}/confirmation": {},
        f"/v1/alerts/{uuid4()}/feedback": {"action": "NONE", "useful": False},
        "/v1/subscriptions": {"name": "s", "delivery": "stream"},
    }
    for path, body in repeated.items():
        reply = call("AZ-CUS", "POST", path, body)
        assert (reply.status, reply.problem) == (429, "too-many-acts"), path
        assert 0 < int(dict(reply.lines)["retry-after"]) <= 86_400
    for word in ("undoing", "rejection"):
        reply = call("AZ-CUS", "POST", f"/v1/links/{uuid4()}/{word}", {"reason": "no"})
        assert reply.status == 404, "what takes a word back is never late"
    stopped = call("AZ-DCA/policy", "POST", "/v1/suspensions", {"towards_country": "TM", "reason": "a leak"})
    assert stopped.status == 201
    path = f"/v1/suspensions/{stopped.json()['id']}/lifting"
    assert call("AZ-DCA/policy2", "POST", path, {"reason": "mended"}).status == 200
