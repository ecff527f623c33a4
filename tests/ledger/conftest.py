"""A database of the log's own tables, made by its migration, and the roles that use it."""

import importlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import Engine

from service.database import Database
from service.settings import Settings

ROOT = Path(__file__).parents[2]


def migrate(connection: Connection) -> None:
    connection.execute(text("CREATE SCHEMA core AUTHORIZATION sarhad_owner"))
    connection.execute(text("GRANT USAGE ON SCHEMA core TO sarhad_read, sarhad_write, sarhad_sequencer"))
    connection.execute(text("SET ROLE sarhad_owner"))
    with Operations.context(MigrationContext.configure(connection)):
        importlib.import_module("migrations.versions.0002_ledger").upgrade()


@pytest.fixture(scope="session")
def log_database_url() -> Iterator[str]:
    """A URL of the superuser for a database that lives as long as this test run."""
    server = Settings()
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    url = server.database_as().set(database="postgres")
    maintenance = create_engine(url, isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql((ROOT / "deploy/roles.sql").read_text())
        connection.execute(text(f"CREATE DATABASE {name}"))
    created = url.set(database=name)
    engine = create_engine(created)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()
    yield created.render_as_string(hide_password=False)
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


@pytest.fixture(scope="session")
def superuser(log_database_url: str) -> Iterator[Engine]:
    engine = create_engine(log_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def log_settings(log_database_url: str, superuser: Engine, tmp_path: Path) -> Settings:
    """An empty log and an empty state directory."""
    with superuser.begin() as connection:
        connection.execute(text("TRUNCATE core.log_pending, core.log_leaf, core.log_tile, core.log_checkpoint"))
    return Settings(database_url=log_database_url, state_dir=tmp_path / "state", origin="https://sarhad.example")


@pytest.fixture
async def new_database(log_settings: Settings) -> AsyncIterator[Callable[[], Database]]:
    """Another set of pools on the same log, as another worker has."""
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(log_settings))
        return made[-1]

    yield make
    for database in made:
        await database.dispose()


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return new_database()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()
