"""Analysts' questions on a streaming replica: what it may answer, and what it never answers by an older policy."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from sqlalchemy import create_engine, text

from deploy.cluster import Cluster
from deploy.ha.processes import family, tell
from service.database import Word
from service.web.replica import Proof
from tests.awaiting import eventually
from tests.exchange import Exchange, heroin
from tests.faults.conftest import POSTGRESQL
from tests.faults.standby import followed
from tests.readings.conftest import RULE
from tests.signing.wire import Reply, send, sign

pytestmark = pytest.mark.xdist_group("faults")
OWNER, READER = "UZ", "KG-DCA"
AS_OF = "sarhad-as-of"
PATHS = (
    "/v1/trends?by=month",
    "/v1/flows",
    "/v1/hotspots?from=2026-01&to=2026-07",
    "/v1/timeline?product=SAR-000608&from=2026-01&to=2026-07",
    "/v1/seizures",
    "/v1/analyses",
    "/v1/prices",
    "/ogc/collections/seizures/items",
    "/ogc/collections/cells/tiles/WebMercatorQuad/4/6/11",
)


OWN = f"/v1/seizures?owner={OWNER}&from=2019-05-01&to=2019-06-01"  # what these tests file, on one page


@dataclass
class Pair:
    """An exchange whose analysts may be answered by a standby of its database."""

    leader: Cluster
    standby: Cluster
    exchange: Exchange

    def ask(self, path: str, name: str = READER) -> Reply:
        key, origin = self.exchange.region.profiles[name].load_request_key(), self.exchange.settings.origin
        return send(origin, sign(key, origin, "GET", path, purpose="operational"))

    def replicated(self, path: str = PATHS[0]) -> Reply:
        """The replica's answer, once it has what the leader compiled, and has been left alone for long enough.

        Where a second passes between the two, as it may where others are at work, it is the leader that answers.
        """
        return eventually(lambda: answer if AS_OF in (answer := self.ask(path)).headers else None)

    def accounted(self, path: str) -> tuple[Reply, int]:
        """The answer, and how many entries the access log has of it: one for each owner."""
        before = self.logged()
        answer = self.ask(path)
        return answer, self.logged() - before

    def replay(self) -> None:
        """The standby has all that the leader has."""
        there = self.leader.psql("SELECT pg_current_wal_lsn()")
        eventually(lambda: self.standby.psql(f"SELECT pg_last_wal_replay_lsn() >= '{there}'") == "t")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The standby answers, and replays nothing more."""
        self.replay()
        self.standby.psql("SELECT pg_wal_replay_pause()")
        eventually(lambda: self.standby.psql("SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            self.standby.psql("SELECT pg_wal_replay_resume()")

    def file(self) -> str:
        agency = f"{OWNER}-CUS"
        record = heroin(agency, instant="2019-05-14T04:20:00+05:00")
        return self.exchange.client(agency).submit(self.exchange.sign(record)).id

    def logged(self) -> int:
        return int(self.leader.psql("SELECT count(*) FROM core.access", "sarhad"))


@pytest.fixture(scope="module")
def pair(cluster: Cluster, fragile: Exchange) -> Iterator[Pair]:
    with followed(cluster, POSTGRESQL) as standby:
        exchange = Exchange.start(
            fragile.settings,
            fragile.region,
            workers=1,
            SARHAD_REPLICA_URL=standby.url(database="sarhad"),
            SARHAD_REPLICA_STALENESS="600",
        )
        made = Pair(cluster, standby, exchange)
        exchange.adopt(OWNER, RULE)
        made.file()
        yield made
        exchange.stop()


@pytest.mark.parametrize("path", PATHS)
def test_the_replica_answers_as_the_leader_does_and_the_leader_logs_it(
    pair: Pair, fragile: Exchange, path: str
) -> None:
    pair.replicated(path)
    answer, entries = eventually(lambda: told if AS_OF in (told := pair.accounted(path))[0].headers else None)
    assert f'"{AS_OF}"' in answer.headers["signature-input"]
    given, as_many = Pair(pair.leader, pair.standby, fragile).accounted(path)
    assert AS_OF not in given.headers
    assert entries == as_many > 0
    ours, theirs = (running.settings.origin.encode() for running in (pair.exchange, fragile))
    assert (answer.status, answer.body.replace(ours, theirs)) == (given.status, given.body) == (200, given.body)


def test_whoever_files_finds_what_it_filed(pair: Pair) -> None:
    pair.replicated()
    with pair.paused():
        found = pair.ask(OWN, f"{OWNER}-CUS")
        filed = pair.file()
        again = pair.ask(OWN, f"{OWNER}-CUS")
        assert AS_OF not in found.headers | again.headers
        assert {item["id"] for item in again.json()["items"]} - {item["id"] for item in found.json()["items"]} == {
            filed
        }
        late = pair.replicated(OWN)
        assert filed not in {item["id"] for item in late.json()["items"]}


@pytest.mark.parametrize("order", ["suspension", "policy", "recall"])
def test_no_answer_is_by_an_older_policy_than_the_leaders(pair: Pair, order: str) -> None:
    client = pair.exchange.client
    filed = pair.file()
    pair.replicated(OWN)
    with pair.paused():
        given = pair.replicated(OWN)
        assert filed in {item["id"] for item in given.json()["items"]}
        if order == "suspension":
            made = client(f"{OWNER}-DCA/policy", None).suspend({"towards_country": "KG", "reason": "A key is lost"})
        elif order == "policy":
            pair.exchange.adopt(OWNER)
        else:
            client(f"{OWNER}-CUS").recall({"records": [filed], "reason": "The wrong case"})
        answer = pair.ask(OWN)
        assert AS_OF not in answer.headers
        assert filed not in {item["id"] for item in answer.json()["items"]}
    if order == "suspension":
        client(f"{OWNER}-DCA/policy2", None).lift_suspension(made["id"], "A new key is enrolled")
    elif order == "policy":
        pair.exchange.adopt(OWNER, RULE)
    again = pair.replicated(OWN)
    assert (filed in {item["id"] for item in again.json()["items"]}) == (order != "recall")


def test_a_replica_that_is_too_far_behind_does_not_answer(pair: Pair) -> None:
    pair.replicated()
    pair.leader.psql("UPDATE gate.heartbeat SET at = at - interval '11 minutes'", "sarhad")
    with pair.paused():
        answer = pair.ask(PATHS[0])
        assert (answer.status, AS_OF in answer.headers) == (200, False)
    assert pair.replicated().body == answer.body


def test_a_replica_that_hangs_or_is_gone_is_no_fault(pair: Pair) -> None:
    pair.replicated()
    processes = family(pair.standby.pid or 0)
    tell(processes, signal.SIGSTOP)
    hung = pair.ask(PATHS[0])
    tell(processes, signal.SIGCONT)
    pair.replicated()
    pair.standby.stop()
    gone = pair.ask(PATHS[0])
    assert [(each.status, AS_OF in each.headers) for each in (hung, gone)] == [(200, False)] * 2
    pair.standby.start(POSTGRESQL)
    assert pair.replicated().body == hung.body == gone.body


def test_what_a_replica_began_to_answer_the_leader_answers(pair: Pair) -> None:
    """Its backend is ended in the middle: the question waits for a lock there, and then at the leader."""
    pair.replicated(OWN)
    waiting = "FROM pg_stat_activity WHERE usename = 'sarhad_read' AND wait_event_type = 'Lock'"
    engine = create_engine(pair.exchange.settings.database_as())
    with ThreadPoolExecutor() as beside, engine.connect() as holder:
        holder.execute(text("LOCK TABLE core.report"))
        holder.execute(text("SELECT pg_switch_wal()"))
        pair.replay()
        logged = pair.logged()
        answer = beside.submit(pair.ask, OWN)
        eventually(lambda: pair.standby.psql(f"SELECT pg_terminate_backend(pid) {waiting}"))
        eventually(lambda: pair.leader.psql(f"SELECT pid {waiting}"))
        holder.rollback()
        assert (answer.result().status, AS_OF in answer.result().headers) == (200, False)
    engine.dispose()
    assert pair.logged() == logged + 1


@pytest.mark.parametrize(
    ("behind", "clock", "asked", "answers"),
    [(0, 0, 0, True), (9, 0, 0, True), (11, 0, 0, False), (0, 2, 0, False), (0, -2, 0, False), (0, 0, 2, False)],
)
def test_how_far_behind_whose_clock_and_how_long_ago_the_leader_was_asked(
    behind: float, clock: float, asked: float, answers: bool
) -> None:
    """In seconds, of which ten are allowed, one, and one."""
    leader = datetime.now(UTC)
    word = Word("", leader - timedelta(seconds=asked), monotonic() - asked)
    as_of = leader - timedelta(seconds=behind)
    assert Proof("policy", as_of, leader + timedelta(seconds=clock)).answers(word, 10) == (as_of if answers else None)
