"""A country issues so many alerts a day: each comes into everyone's inbox."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
    """Of an exchange in which Azerbaijan may issue two more alerts today."""
    with create_engine(settings.database_as()).connect() as connection:
        most = connection.scalar(ISSUED) + MORE
    running = Exchange.start(settings, region, workers=1, SARHAD_ALERTS_PER_DAY=str(most))
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
