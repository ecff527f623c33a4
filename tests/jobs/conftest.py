"""A database of its own, whose queue no service works off, and processes that do the tests' errands."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text

from service.cli.db import alembic_config
from service.database import Database
from service.settings import Settings
from tests.awaiting import eventually
from tests.jobs.errands import TABLES

LOST_SECONDS = 2.0


@pytest.fixture(scope="module")
def queued(settings: Settings) -> Iterator[Settings]:
    """A migrated database without reference data."""
    name = f"sarhad_jobs_{uuid.uuid4().hex[:12]}"
    maintenance = create_engine(settings.database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = settings.database_as().set(database=name).render_as_string(hide_password=False)
    made = settings.model_copy(update={"database_url": url})
    command.upgrade(alembic_config(made), "head")
    yield made
    with maintenance.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    maintenance.dispose()


@pytest.fixture(scope="module")
def superuser(queued: Settings) -> Iterator[Engine]:
    engine = create_engine(
        queued.database_as(), isolation_level="AUTOCOMMIT", connect_args={"options": "-c search_path=jobs"}
    )
    with engine.connect() as connection:
        connection.execute(text(TABLES))
    yield engine
    engine.dispose()


@pytest.fixture
async def database(queued: Settings) -> AsyncIterator[Database]:
    made = Database(queued)
    yield made
    await made.dispose()


class Processes:
    """Processes that do errands."""

    def __init__(self, settings: Settings, output: Path) -> None:
        self._environment = os.environ | {
            "SARHAD_DATABASE_URL": settings.database_url,
            "SARHAD_STATE_DIR": str(settings.state_dir),
            "SARHAD_JOBS_LOST_SECONDS": str(LOST_SECONDS),
        }
        self.output = output
        self.running: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.jobs.errands", *arguments],
            cwd=Path(__file__).parents[2],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.errands", "run", *arguments],
                cwd=Path(__file__).parents[2],
                env=self._environment,
                stdout=said,
                stderr=said,
            )
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(30)


@pytest.fixture
def processes(queued: Settings, superuser: Engine, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(queued, tmp_path / "output")
    yield made
    made.end()


@pytest.fixture
def until(superuser: Engine) -> Callable[..., Any]:
    """Asks the database until the answer is true, and gives it."""

    def ask(query: str, seconds: float = 45, **values: Any) -> Any:
        def answer() -> Any:
            with superuser.connect() as connection:
                return connection.execute(text(query), values).scalar()

        return eventually(answer, seconds)

    return ask
