"""What the exports of one country may take, all its keys together: refused before any work, and to nobody else."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sarhad import ProblemError
from sqlalchemy import Engine, create_engine, text

from service.database import Database
from service.exports.building import Building
from service.settings import Settings
from tests.exchange import Exchange, Region
from tests.exports.conftest import Files

QUOTA = 64  # bytes: less than the head of a table
AN_HOUR = 8  # exports that a country may ask for
READY = text(
    """UPDATE core.export SET state = 'ready', size = :size, digest = '', provenance = '{}'
    WHERE country = 'KG' AND state = 'queued'"""
)


@pytest.fixture(scope="module")
def narrow(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    running = Exchange.start(
        *apart, workers=1, SARHAD_EXPORTS_PER_COUNTRY="2", SARHAD_EXPORTS_QUOTA_BYTES=str(QUOTA),
        SARHAD_EXPORTS_PER_HOUR=str(AN_HOUR),
    )  # fmt: skip
    yield running
    running.stop()


@pytest.fixture
def superuser(narrow: Exchange) -> Iterator[Engine]:
    engine = create_engine(narrow.settings.database_as())
    yield engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE core.export SET state = 'deleted', made_at = made_at - interval '1 hour'"))
        connection.execute(text("SET LOCAL search_path = jobs"))  # of the queue's triggers
        connection.execute(text("DELETE FROM jobs.procrastinate_jobs WHERE task_name = 'exports:build'"))
    engine.dispose()


def reader(exchange: Exchange, name: str) -> Files:
    return Files(exchange.client(name, "analysis"))


def test_a_country_has_so_many_exports_under_way(narrow: Exchange, superuser: Engine) -> None:
    customs, police = reader(narrow, "KG-CUS"), reader(narrow, "KG-DCA")
    first = customs.ask()
    police.ask()
    for refused in (customs, police):
        with pytest.raises(ProblemError) as problem:
            refused.ask()
        assert (problem.value.status, problem.value.kind) == (429, "too-many-exports-of-country")
    with superuser.connect() as connection:
        jobs = text("SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'exports:build'")
        assert connection.execute(jobs).scalar_one() == 2
    reader(narrow, "TJ-CUS").ask()
    customs.client.delete_export(first)
    police.ask()


def test_a_country_asks_for_so_many_in_an_hour_also_of_those_that_it_deletes(
    narrow: Exchange, superuser: Engine
) -> None:
    customs, police = reader(narrow, "KG-CUS"), reader(narrow, "KG-DCA")
    for asker in [customs, police] * (AN_HOUR // 2):
        asker.client.delete_export(asker.ask())
    for refused in (customs, police):
        with pytest.raises(ProblemError) as problem:
            refused.ask()
        assert (problem.value.status, problem.value.kind) == (429, "too-many-exports-in-an-hour")
        assert 0 < problem.value.document["retry_after"] <= 3600
    reader(narrow, "TJ-CUS").ask()
    with superuser.begin() as connection:
        connection.execute(text("UPDATE core.export SET made_at = made_at - interval '1 hour' WHERE country = 'KG'"))
    customs.ask()


def test_while_one_export_of_a_country_is_built_its_next_waits_and_anothers_does_not(
    narrow: Exchange, superuser: Engine
) -> None:
    first, second = reader(narrow, "KG-CUS").ask(), reader(narrow, "KG-DCA").ask()
    theirs = reader(narrow, "TJ-CUS").ask()
    fetch = text("SELECT args ->> 'export', id FROM procrastinate_fetch_job_v2(ARRAY['lane']::varchar[], NULL)")
    with superuser.connect() as connection:
        connection.execute(text("SET LOCAL search_path = jobs"))
        taken = [connection.execute(fetch).one() for _ in range(3)]
        assert [export for export, _ in taken] == [first, theirs, None]
        done = text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = :id")
        connection.execute(done, {"id": taken[0][1]})
        assert connection.execute(fetch).one()[0] == second


async def test_what_was_deleted_is_not_waited_for_and_has_no_process_of_its_own(
    narrow: Exchange, superuser: Engine
) -> None:
    customs, key = reader(narrow, "KG-CUS"), narrow.region.profiles["KG-CUS"].load_request_key().public.kid
    export = customs.ask()
    database = Database(narrow.settings)
    building = Building(database, narrow.settings, UUID(export), key, "analysis", None)
    assert await building.waited_for()
    customs.client.delete_export(export)
    assert not await building.waited_for()
    await database.dispose()


def test_a_country_keeps_so_many_bytes(narrow: Exchange, superuser: Engine) -> None:
    customs, police = reader(narrow, "KG-CUS"), reader(narrow, "KG-DCA")
    kept = [customs.ask(), police.ask()]
    with superuser.begin() as connection:
        connection.execute(READY, {"size": QUOTA // 2})
    for refused in (customs, police):
        with pytest.raises(ProblemError) as problem:
            refused.ask()
        assert (problem.value.status, problem.value.kind) == (507, "export-quota-reached")
        assert 0 < problem.value.document["retry_after"] <= narrow.settings.exports_hours * 3600
    reader(narrow, "TJ-CUS").ask()
    customs.client.delete_export(kept[0])
    police.ask()


def test_a_file_that_would_be_too_large_is_given_up(narrow: Exchange, superuser: Engine) -> None:
    customs = reader(narrow, "KG-CUS")
    export = customs.ask()
    jobs = narrow.jobs()
    try:
        document = customs.wait(export, "refused", "ready", "failed", seconds=240)
    finally:
        jobs.terminate()
        jobs.wait(60)
    assert document["state"] == "refused"
    assert document["refusal"]["type"] == "/problems/export-quota-reached"
    assert not list((narrow.settings.state_dir / "exports").glob(f"{export}*"))
