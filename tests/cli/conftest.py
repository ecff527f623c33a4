"""An empty database, brought up by the operator's commands alone."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer import Typer
from typer.testing import CliRunner, Result

from service.cli import db
from service.settings import Settings

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An empty database of this module, and a place for the files of its service."""
    server = create_engine(Settings().database_as().set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = f"sarhad_cli_{uuid.uuid4().hex[:12]}"
    made = {
        "SARHAD_DATABASE_URL": server.url.set(database=name).render_as_string(hide_password=False),
        "SARHAD_STATE_DIR": str(tmp_path_factory.mktemp("state")),
    }
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield made
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="module")
def command(environment: dict[str, str]) -> Command:
    """Runs a command on the database of this module; fails with its output unless it exits as `code` says."""

    def run(app: Typer, *arguments: str | Path, code: int = 0) -> Result:
        result = CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    run(db.app, "upgrade")
    run(db.app, "load")
    return run
