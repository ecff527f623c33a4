"""What the exports of one country may take, all its keys together: refused before any work, and to nobody else."""

from collections.abc import Iterator

import pytest
from sarhad import ProblemError
from sqlalchemy import Engine, create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, Region
from tests.exports.conftest import Files

QUOTA = 64  # bytes: less than the head of a table
READY = text(
    """UPDATE core.export SET state = 'ready', size = :size, digest = '', provenance = '{}'
    WHERE country = 'KG' AND state = 'queued'"""
)


@pytest.fixture(scope="module")
def narrow(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    running = Exchange.start(*apart, workers=1, SARHAD_EXPORTS_PER_COUNTRY="2", SARHAD_EXPORTS_QUOTA_BYTES=str(QUOTA))
    yield running
    running.stop()


@pytest.fixture
def superuser(narrow: Exchange) -> Iterator[Engine]:
    engine = create_engine(narrow.settings.database_as())
    yield engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE core.export SET state = 'deleted'"))
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
