"""Nobody's receivers hold up another country's deliveries, and nobody's filings another's warnings."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sarhad.records import item
from sqlalchemy import Engine, create_engine, text

from service.alerts.subscriptions import MOST
from service.alerts.tasks import PORTION, follow_changed
from service.alerts.unjudged import Taken, settle, take
from service.database import Database
from service.settings import Settings
from tests.alerts.conftest import PERMIT, Call, Receiver, calling
from tests.awaiting import eventually
from tests.exchange import Exchange, Region, heroin
from tests.seizures.wiring import Agency

FENTANYL = "SAR-000529"  # warns every time
AT_A_TIME = 2
FORGET = text("DELETE FROM jobs.procrastinate_jobs WHERE task_name = 'alerts:judge' AND status = 'todo'")
UNJUDGED = text("INSERT INTO core.alert_queue (reader, country, records, links) VALUES (:reader, :country, :ids, '{}')")
LEFT = text("SELECT count(*) FROM core.alert_queue WHERE reader = :reader")
LOOKED = text("SELECT looked FROM core.alert_queue WHERE reader = 'KG' AND looked <> '{}'")
WAITS = text("SELECT due_at - now() FROM core.alert_queue WHERE reader = :reader")
DUE = text("UPDATE core.alert_queue SET due_at = now() WHERE reader = :reader")
QUEUED = text(
    "SELECT args, count(*) FROM jobs.procrastinate_jobs"
    " WHERE task_name = 'alerts:judge' AND status = 'todo' GROUP BY args"
)


@pytest.fixture(scope="module")
def patient(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    """It waits for receivers longer than any test, and its jobs are done by who asks for them."""
    running = Exchange.start(
        *apart,
        workers=1,
        SARHAD_WEBHOOK_NETWORKS='["127.0.0.0/8"]',
        SARHAD_WEBHOOK_SECONDS="600",
        SARHAD_WEBHOOKS_PER_COUNTRY=str(AT_A_TIME),
    )
    running.adopt("KZ", PERMIT)
    yield running
    running.stop()


@pytest.fixture
def superuser(patient: Exchange) -> Iterator[Engine]:
    engine = create_engine(patient.settings.database_as())
    yield engine
    engine.dispose()


@pytest.fixture
def call(patient: Exchange) -> Call:
    return calling(patient)


@pytest.fixture
def other() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def order(call: Call, name: str, receiver: Receiver) -> str:
    wanted = {"name": "hook", "delivery": "webhook", "url": receiver.url, "rules": ["DANGEROUS_SUBSTANCE"]}
    made = call(name, "POST", "/v1/subscriptions", wanted)
    assert made.status == 201, made.body
    return f"/v1/subscriptions/{made.json()['id']}"


def filed(customs: Agency) -> str:
    record = heroin(customs.name, handling="TLP:GREEN", items=[item(FENTANYL, "powder", "5", "g", status="PRES")])
    assert customs.post(customs.sign(record)).status == 201
    return str(record.id)


def test_a_receiver_that_never_answers_holds_up_its_own_country_alone(
    patient: Exchange, call: Call, receiver: Receiver, other: Receiver
) -> None:
    receiver.answers.clear()
    customs = Agency(patient, "KZ-CUS")
    hooks = [order(call, "KG-CUS", receiver) for _ in range(6)]
    jobs = patient.jobs()
    try:
        first = filed(customs)
        assert json.loads(receiver.requests.get(timeout=240)[2])["candidate"]["record"] == first
        hooks_of_others = [order(call, "KZ-CUS", other)]
        second = filed(customs)
        assert json.loads(other.requests.get(timeout=240)[2])["candidate"]["record"] == second
        assert receiver.requests.qsize() < AT_A_TIME  # with the first, no more than that are under way
        receiver.answers.set()
        for hook in hooks:
            sent = eventually(lambda h=hook: _deliveries(call, "KG-CUS", h, "sent", 2))
            assert {delivery["attempts"] for delivery in sent} == {1}
    finally:
        receiver.answers.set()
        jobs.terminate()
        jobs.wait(60)
    for name, ended in (("KG-CUS", hooks), ("KZ-CUS", hooks_of_others)):
        for hook in ended:
            assert call(name, "DELETE", hook).status == 204


def test_a_receiver_that_cannot_be_reached_costs_one_wait_for_all_that_is_due(
    patient: Exchange, call: Call, receiver: Receiver, superuser: Engine
) -> None:
    receiver.stop()
    hook = order(call, "KG-CUS", receiver)
    customs = Agency(patient, "KZ-CUS")
    for _ in range(3):
        filed(customs)
    jobs = patient.jobs()
    try:
        failed = eventually(lambda: [d for d in _deliveries(call, "KG-CUS", hook, "waiting", 3) if d["attempts"]])
    finally:
        jobs.terminate()
        jobs.wait(60)
    assert [delivery["fault"] for delivery in failed] == ["ConnectError"] * 3
    assert len({delivery["at"] for delivery in failed}) == 1
    with superuser.connect() as connection:
        due = [connection.scalars(text("SELECT gate.lanes_due(:n)"), {"n": patience}).all() for patience in (0, 1000)]
    assert due == [["KG"], []]
    assert call("KG-CUS", "DELETE", hook).status == 204


def test_however_much_is_filed_one_job_judges_it(
    patient: Exchange, call: Call, receiver: Receiver, superuser: Engine
) -> None:
    hook = order(call, "KG-CUS", receiver)
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL search_path = jobs"))  # of the queue's triggers
        connection.execute(FORGET)
    customs = Agency(patient, "KZ-CUS")
    records = {filed(customs) for _ in range(5)}
    with superuser.connect() as connection:
        assert connection.execute(QUEUED).all() == [({"country": "KG"}, 1)]
    jobs = patient.jobs()
    try:
        told = {json.loads(receiver.requests.get(timeout=240)[2])["candidate"]["record"] for _ in records}
    finally:
        jobs.terminate()
        jobs.wait(60)
    assert told == records
    assert call("KG-CUS", "DELETE", hook).status == 204


async def test_who_files_much_delays_nobody_and_what_cannot_be_judged_spoils_nothing(
    patient: Exchange, superuser: Engine
) -> None:
    """Entries of a flood are taken some at a time, beside those of others; what fails is taken again by itself, and
    later. Another country judges in its own time."""
    flood, one = [[uuid.uuid4() for _ in range(300)] for _ in range(3)], [uuid.uuid4()]
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM core.alert_queue"))
        for reader, country, records in (*(("TJ", "KZ", part) for part in flood), ("TJ", "KG", one), ("UZ", "KG", one)):
            connection.execute(UNJUDGED, {"reader": reader, "country": country, "ids": records})
    database = Database(patient.settings)

    async def taken(reader: str) -> Taken:
        found = await take(database, reader)
        assert found is not None
        return found

    try:
        turns = [await taken("TJ") for _ in range(3)]
        assert [turn.records for turn in turns] == [[*flood[0], *one], flood[1], flood[2]]
        await settle(database, turns[1])
        left = [flood[0], flood[2], one]
        for minutes in (1, 4, 16, 64):
            assert await take(database, "TJ") is None, "what failed just now would fail again"
            with superuser.begin() as connection:
                waits = connection.scalars(WAITS, {"reader": "TJ"})
                assert all(0 < minutes - wait.total_seconds() / 60 < 1 for wait in waits)
                connection.execute(DUE, {"reader": "TJ"})
            assert await take(database, "TJ", again=False) is None
            assert [(await taken("TJ")).records for _ in left] == left
        assert await take(database, "TJ") is None  # after five times
        with superuser.begin() as connection:
            assert connection.scalar(LEFT, {"reader": "TJ"}) == 0
            connection.execute(text("UPDATE core.alert_queue SET filed_at = now() - interval '25 hours'"))
        assert (await taken("UZ")).records == one
        assert await take(database, "UZ") is None
        with superuser.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM core.alert_queue")) == 0, "a day is long enough"
    finally:
        await database.dispose()


async def test_what_a_long_batch_files_waits_in_portions_and_one_job_judges_it(
    patient: Exchange, call: Call, superuser: Engine
) -> None:
    watch = call("KG-CUS", "POST", "/v1/subscriptions", {"name": "portions", "delivery": "digest"})
    with superuser.begin() as connection:
        connection.execute(text("SET LOCAL search_path = jobs"))  # of the queue's triggers
        connection.execute(FORGET)
        connection.execute(text("DELETE FROM core.alert_queue"))
    records = [uuid.uuid4() for _ in range(2 * PORTION + 1)]
    database = Database(patient.settings)
    try:
        async with database.writing() as session:
            await follow_changed(session, records)
    finally:
        await database.dispose()
    with superuser.begin() as connection:
        waiting = connection.scalars(text("SELECT records FROM core.alert_queue WHERE reader = 'KG' ORDER BY id")).all()
        assert max(map(len, waiting)) <= PORTION
        assert sorted(record for part in waiting for record in part) == sorted(records)
        assert connection.execute(QUEUED).all() == [({"country": "KG"}, 1)]
        connection.execute(text("DELETE FROM core.alert_queue"))
    assert call("KG-CUS", "DELETE", f"/v1/subscriptions/{watch.json()['id']}").status == 204


FAILING = """
CREATE FUNCTION core.fail_for_tests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a word of a record';
END $$;
CREATE TRIGGER fails BEFORE INSERT ON core.alert_candidate FOR EACH ROW WHEN (NEW.agency = 'KG-LAB')
  EXECUTE FUNCTION core.fail_for_tests()
"""
REPAIRED = "DROP FUNCTION IF EXISTS core.fail_for_tests() CASCADE"
EXPIRED = text("UPDATE core.agency_key SET not_after = now() WHERE kid = :kid")


def test_an_order_in_whose_eyes_judging_fails_is_set_aside_told_in_the_log_and_looks_again(
    patient: Exchange, call: Call, receiver: Receiver, superuser: Engine, tmp_path: Path
) -> None:
    failing = call("KG-LAB", "POST", "/v1/subscriptions", {"name": "failing", "delivery": "digest"}).json()["id"]
    hook = order(call, "KG-CUS", receiver)
    customs, output = Agency(patient, "KZ-CUS"), tmp_path / "output"
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM core.alert_queue"))
        connection.exec_driver_sql(FAILING)
    jobs = patient.jobs(output)

    def dangerous() -> set[str]:
        found = call("KG-LAB", "GET", "/v1/alerts/candidates", limit="200").json()["items"]
        return {one["record"] for one in found if one["rule"] == "DANGEROUS_SUBSTANCE"}

    def looked() -> list[list[uuid.UUID]]:
        with superuser.connect() as connection:
            found = list(connection.scalars(LOOKED))
        return found if len(found) == 2 else []

    def nothing_waits() -> bool:
        with superuser.connect() as connection:
            return connection.scalar(LEFT, {"reader": "KG"}) == 0

    records = set[str]()
    try:
        for _ in range(2):
            records.add(filed(customs))
            assert json.loads(receiver.requests.get(timeout=240)[2])["candidate"]["record"] in records
        assert {id_ for ids in eventually(looked) for id_ in ids} == {uuid.UUID(hook[-36:])}
        assert not dangerous() & records
        with superuser.begin() as connection:
            connection.exec_driver_sql(REPAIRED)
            connection.execute(DUE, {"reader": "KG"})
        records.add(filed(customs))  # whatever is filed next wakes the lane; so does the next minute
        eventually(nothing_waits)
        assert dangerous() >= records
    finally:
        jobs.terminate()
        jobs.wait(60)
        with superuser.begin() as connection:
            connection.exec_driver_sql(REPAIRED)
    said = [json.loads(line) for line in output.read_text().splitlines() if "order set aside" in line]
    assert {one["order"] for one in said} == {failing}
    assert "a word of a record" not in output.read_text()
    for name, path in (("KG-LAB", f"/v1/subscriptions/{failing}"), ("KG-CUS", hook)):
        assert call(name, "DELETE", path).status == 204


def test_an_order_stands_as_long_as_the_key_that_ordered(patient: Exchange, call: Call, superuser: Engine) -> None:
    """As that of a person's session, which ends by itself: nobody looks through it, and it takes no place."""
    passing = patient.add_holder("TJ-DCA/passing", "analyst")
    kid = patient.region.profiles[passing].load_request_key().public.kid
    made = [call(passing, "POST", "/v1/subscriptions", {"name": f"{n}", "delivery": "digest"}) for n in range(MOST)]
    assert {answer.status for answer in made} == {201}
    one_more = {"name": "one more", "delivery": "digest"}
    assert call("TJ-DCA", "POST", "/v1/subscriptions", one_more).problem == "too-many-subscriptions"
    with superuser.begin() as connection:
        connection.execute(EXPIRED, {"kid": kid})
    assert call("TJ-DCA", "POST", "/v1/subscriptions", one_more).status == 201
    orders = call("TJ-DCA", "GET", "/v1/subscriptions").json()["items"]
    assert [one["name"] for one in orders if one["ended"] is None] == ["one more"]
    (standing,) = (one["id"] for one in orders if one["ended"] is None)
    with superuser.connect() as connection:
        watching = connection.scalars(text("SELECT id FROM gate.watchers() WHERE country = 'TJ'")).all()
    assert [str(id_) for id_ in watching] == [standing]
    assert call("TJ-DCA", "DELETE", f"/v1/subscriptions/{standing}").status == 204
    with superuser.begin() as connection:
        readers = connection.scalars(text("SELECT gate.judge_later(ARRAY[gen_random_uuid()], '{}')")).all()
        assert "TJ" not in readers
        connection.execute(text("DELETE FROM core.alert_queue"))


def _deliveries(call: Call, name: str, hook: str, state: str, number: int) -> list[dict[str, Any]]:
    """The deliveries of an order in this state, once there are so many."""
    found = call(name, "GET", f"{hook}/deliveries", state=state).json()["items"]
    return list(found) if len(found) == number else []
