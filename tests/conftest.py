"""One PostGIS cluster a test run; one database and one exchange on a real socket for each group of tests."""

import asyncio
import gc
import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from deploy.cluster import Cluster
from service.settings import Settings
from tests.exchange import PREPARED, Exchange, Region, copy_prepared
from tests.policies.worlds import Worlds, begin, drop
from tests.softhsm import SoftToken

hypothesis.settings.register_profile("unhurried", deadline=None)  # no test is timed
hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Start a cluster of our own, before the workers start, unless SARHAD_DATABASE_URL names one."""
    gc.disable()  # until all is collected: half of the time that it takes
    os.environ["SARHAD_LANGUAGE"] = "en"  # what commands say is compared, whatever the locale of this machine
    if hasattr(config, "workerinput"):
        return
    given = PREPARED in os.environ  # by someone who runs few tests often, on a cluster that stays
    os.environ.setdefault(PREPARED, f"sarhad_prepared_{uuid.uuid4().hex[:12]}")
    if "SARHAD_DATABASE_URL" in os.environ:
        if not given:
            config.add_cleanup(_drop_prepared)
        return
    directory = Path(tempfile.mkdtemp(prefix="sarhad-tests-"))
    directory.chmod(0o711)  # as root the cluster runs as another user, who must be able to enter
    cluster = Cluster(directory / "cluster")
    # A power cut would lose it, and nobody would miss it: what tests kill survives in the system's memory.
    cluster.start({"max_connections": "1000", "shared_buffers": "256MB", "fsync": "off", "full_page_writes": "off"})
    os.environ["SARHAD_DATABASE_URL"] = cluster.url(database="postgres")

    def remove() -> None:
        cluster.stop()
        cluster.remove()
        shutil.rmtree(directory, ignore_errors=True)
        del os.environ["SARHAD_DATABASE_URL"]

    config.add_cleanup(remove)


LONGEST = (
    *("two worlds of policies", "fresh_clone", "two worlds", "policies", "alerts", "exports", "two worlds of alerts"),
    *("faults", "failover", "trends"),
)
"""Groups that begin before all others: the short ones fill what is left of the time.

The fresh clone installs while the first database, which all others wait for, is prepared.
"""


def _group(item: pytest.Item) -> str:
    """The group that a test says it belongs to, else its directory."""
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else item.path.parent.name


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each group has a database of its own: what one leaves there, no other group meets."""
    if "settings" in metafunc.fixturenames:
        group = _group(metafunc.definition)
        metafunc.parametrize("settings", [group], ids=[pytest.HIDDEN_PARAM], indirect=True, scope="session")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the groups go into the names of tests, and after all is ordered
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """One worker does the tests of a group, in the order of their files: what they share is set up once.

    Of several tests with one name the workers would run the first alone, and say nothing.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    names = Counter(item.nodeid for item in items)
    if several := sorted(name for name, number in names.items() if number > 1):
        raise pytest.UsageError(f"tests share a name: {', '.join(several)}")
    yield
    first = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(_group(item), len(first)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Groups that are not kept are seen by nothing but tests that fail now and then."""
    gc.freeze()  # what was imported and collected stays
    gc.enable()
    if getattr(session.config.option, "loadgroup", False) and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("the workers do not keep groups of tests together")


def _drop_prepared() -> None:
    engine = create_engine(Settings().database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {os.environ[PREPARED]} WITH (FORCE)"))
    engine.dispose()


@contextmanager
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Migrated, with the reference data, until it ends."""
    name = f"sarhad_test_{uuid.uuid4().hex[:12]}"
    state = tmp_path_factory.mktemp("state")
    made = Settings(database_url=copy_prepared(name), state_dir=state, requests_per_minute=1_000_000)
    yield made
    maintenance = create_engine(made.database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A migrated database with the reference data, of this group of tests alone."""
    with _database(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """A PKCS#11 token without keys."""
    return SoftToken.make(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Region]]:
    """A database of one module, with its region: nobody else's orders wait in it, and nobody else does its jobs."""
    with _database(tmp_path_factory) as made:
        yield made, asyncio.run(Region.enrol(made, tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="session")
def region(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Region:
    """Seven countries with agencies, officers and keys; no policies."""
    return asyncio.run(Region.enrol(settings, tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="session")
def exchange(settings: Settings, region: Region) -> Iterator[Exchange]:
    """The service on a free port with two workers, and clients for every agency."""
    running = Exchange.start(settings, region)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def jobs(exchange: Exchange) -> Iterator[Path]:
    """The exchange's jobs are done, by a process of their own, which says into this file what it says."""
    output = exchange.settings.state_dir / "jobs-output"
    process = exchange.jobs(output)
    yield output
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def two_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """Two exchanges for the modules that compare what they answer, all of the group `two worlds`: of one worker."""
    made, databases = begin(tmp_path_factory.mktemp("worlds"))
    yield made
    made.end()
    drop(databases)


@pytest.fixture(scope="module")
def worlds(two_worlds: Worlds) -> Worlds:
    """Both worlds without records and policies. A module that leaves other things behind begins worlds of its own."""
    two_worlds.forget()
    return two_worlds
