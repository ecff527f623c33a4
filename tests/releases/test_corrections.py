"""Records with rules of their own are corrected: they stay under their rules, and nobody else waits for it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sarhad.records import correction
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.awaiting import eventually
from tests.releases.parties import OWNER, THIRD, Parties, later, sees
from tests.seizures.wiring import Agency, line, statuses, verdicts

_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
_OF_ITS_OWN = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)
_LOCKED = text(
    """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND objid = 7276823
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
)


@pytest.fixture
def customs(parties: Parties) -> Agency:
    """The owner's customs."""
    return Agency(parties.exchange, f"{OWNER}-CUS")


@pytest.fixture
def first(parties: Parties, customs: Agency) -> str:
    """A record with an embargo, in its first version."""
    record = customs.sign(parties.draft())
    parties.share(parties.filer.submit(record).id, {"kind": "embargo", "until": later(30)}, client=parties.filer)
    return record


def relabelled(customs: Agency, record: str) -> str:
    return customs.sign(replace(correction(record), handling="TLP:GREEN"))


def id_of(record: str) -> str:
    return correction(record).id


def test_a_batch_of_corrections_holds_up_nobody(
    parties: Parties, customs: Agency, first: str, settings: Settings
) -> None:
    """It waits in the middle, for a record that somebody else holds, and has corrected one that has an embargo."""
    second, held = relabelled(customs, first), customs.sign(parties.draft())
    parties.filer.submit(held)
    records = [second, customs.sign(correction(second)), customs.sign(correction(held))]
    with create_engine(settings.database_as()).connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SELECT FROM core.report WHERE record_id = :id FOR UPDATE"), {"id": id_of(held)})
        sent = pool.submit(customs.batch, map(line, records))
        eventually(lambda: other.scalar(_BLOCKED))
        assert not other.scalar(_LOCKED)
        assert not other.scalar(_OF_ITS_OWN), "a batch has more records than a cluster has room for locks"
        in_new_eyes = parties.exchange.client(f"{THIRD}-DCA", "health")
        assert sees(in_new_eyes, id_of(first)) is None
        other.rollback()
        assert statuses(verdicts(sent.result())[0]) == [201, 201, 201]
    assert sees(parties.asker, id_of(first)) is None
    parties.unshare(id_of(first))
    assert parties.asker.get(id_of(first))["version"] == 3


@pytest.mark.parametrize("month", ["2026-02", "2026-04"])
def test_a_record_stays_under_its_rules_in_another_month(
    parties: Parties, customs: Agency, first: str, month: str
) -> None:
    times = {"when.instant": f"{month}-14T12:00:00+05:00", "when.day": f"{month}-14", "when.month": month}
    parties.filer.submit(customs.sign(correction(first, **times)))
    assert sees(parties.asker, id_of(first)) is None
    parties.unshare(id_of(first))
    assert (sees(parties.asker, id_of(first)) or {})["when.month"] == month


@pytest.fixture
def crowded(database: Callable[..., None]) -> Iterator[Callable[[], None]]:
    """Gives the owner as many scopes of single records as a country may have."""

    def fill() -> None:
        database(
            """INSERT INTO gate.scope (id, owner, kind, groups, handling, agency, record, month_end)
            SELECT (SELECT count(*) FROM gate.scope) + n - 1, left(:a, 2), 'seizure', 0, 0, CAST(:a AS text),
              gen_random_uuid(), '1990-01-31' FROM generate_series(1, 4096) n""",
            a=f"{OWNER}-CUS",
        )

    yield fill
    database("DELETE FROM gate.scope WHERE month_end = '1990-01-31'")


def test_without_room_a_correction_is_refused_and_its_batch_goes_on(
    parties: Parties, customs: Agency, first: str, crowded: Callable[[], None]
) -> None:
    parties.file(handling="TLP:GREEN")  # these labels have a scope in general
    other = customs.sign(parties.draft())
    crowded()
    lines, summary = verdicts(customs.batch(map(line, [relabelled(customs, first), other])))
    assert statuses(lines) == [409, 201]
    assert lines[0]["problem"]["type"] == "/problems/no-room-for-correction"
    assert summary["committed"]
    assert parties.filer.submit(customs.sign(correction(first))).version == 2
    assert sees(parties.asker, id_of(first)) is None
