"""One PostGIS cluster a test run, one database a worker, and the exchange on a real socket."""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from deploy.cluster import Cluster
from service.settings import Settings
from tests.exchange import Exchange, Region, prepare


def pytest_configure(config: pytest.Config) -> None:
    """Start a cluster of our own, before the workers start, unless SARHAD_DATABASE_URL names one."""
    if hasattr(config, "workerinput") or "SARHAD_DATABASE_URL" in os.environ:
        return
    directory = Path(tempfile.mkdtemp(prefix="sarhad-tests-"))
    directory.chmod(0o711)  # as root the cluster runs as another user, who must be able to enter
    cluster = Cluster(directory / "cluster")
    cluster.start({"max_connections": "300", "shared_buffers": "256MB"})
    os.environ["SARHAD_DATABASE_URL"] = cluster.url(database="postgres")

    def remove() -> None:
        cluster.stop()
        cluster.remove()
        shutil.rmtree(directory, ignore_errors=True)
        del os.environ["SARHAD_DATABASE_URL"]

    config.add_cleanup(remove)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A migrated database with the reference data, of this worker alone."""
    server = Settings()
    name = f"sarhad_test_{uuid.uuid4().hex[:12]}"
    maintenance = create_engine(server.database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    state = tmp_path_factory.mktemp("state")
    made = Settings(
        database_url=server.database_as().set(database=name).render_as_string(hide_password=False),
        state_dir=state,
        requests_per_minute=1_000_000,
    )
    asyncio.run(prepare(made))
    yield made
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


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
