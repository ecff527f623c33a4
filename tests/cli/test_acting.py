"""Which database the operator's commands go to, and what they say where there is none."""

import json
import os
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from service.cli import acting, admin, db, demo, jobs, lake
from tests.cli.conftest import Command

NOWHERE = "postgresql://nobody:secret@127.0.0.1:1/sarhad"
COMMANDS = [
    (admin.app, ("country", "list")),
    (db.app, ("check",)),
    (db.app, ("cube", "--check")),
    (db.app, ("learn-links",)),
    (demo.app, ("load", "demo")),
    (jobs.app, ("list",)),
    (jobs.app, ("retry", "1")),
    (lake.app, ("export", "lake", "--key", "any")),
]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting names a database; answers with the file in which what runs tells of its own."""
    for name in [name for name in os.environ if name.startswith("SARHAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(acting, "RUNNING", tmp_path / "running.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "running.toml"


def test_it_is_the_database_that_this_clone_runs_unless_another_is_named(
    command: Command, environment: dict[str, str], running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(admin.app, "country", "add", "BY", "Belarus")
    values = {name.removeprefix("SARHAD_").lower(): value for name, value in environment.items()}
    running.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    assert "BY  Belarus" in CliRunner().invoke(admin.app, ["country", "list"]).output
    assert str(acting.command_settings().state_dir) == environment["SARHAD_STATE_DIR"]
    monkeypatch.setenv("SARHAD_STATE_DIR", "elsewhere")
    assert acting.command_settings().state_dir == Path("elsewhere")
    monkeypatch.setenv("SARHAD_DATABASE_URL", NOWHERE)
    assert CliRunner().invoke(admin.app, ["country", "list"]).exit_code == 1


@pytest.mark.parametrize(("app", "arguments"), COMMANDS, ids=[" ".join(arguments) for _, arguments in COMMANDS])
def test_where_no_database_answers_a_command_says_what_to_do(
    running: Path, app: Typer, arguments: tuple[str, ...]
) -> None:
    running.write_text(f'database_url = "{NOWHERE}"\n')
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "start ./deploy/up in this clone, or name one that runs with SARHAD_DATABASE_URL" in done.output
    assert "secret" not in done.output
    assert done.output.count("\n") == 1
