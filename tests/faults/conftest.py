"""An exchange on a cluster of its own, which these tests may kill."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cluster import Cluster
from service.settings import Settings
from tests.exchange import Exchange, Region, prepare

POSTGRESQL = {"max_connections": "100", "shared_buffers": "64MB", "restart_after_crash": "on"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    directory = Path(tempfile.mkdtemp(prefix="sarhad-faults-"))
    made = Cluster(directory / "cluster")
    made.start(POSTGRESQL)
    made.create_database("sarhad")
    yield made
    made.remove()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def fragile_settings(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(
        database_url=cluster.url(database="sarhad"),
        state_dir=tmp_path_factory.mktemp("state"),
        requests_per_minute=1_000_000,
    )
    asyncio.run(prepare(settings))
    return settings


@pytest.fixture(scope="session")
def fragile(fragile_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """Two workers on the cluster that will be killed."""
    region = asyncio.run(Region.enrol(fragile_settings, tmp_path_factory.mktemp("keys")))
    running = Exchange.start(fragile_settings, region)
    yield running
    running.stop()
