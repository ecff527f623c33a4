"""What the library promises to callers: the names, the help texts, no word of the server."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sarhad
import typer
from sarhad.cli import app
from typer.core import TyperGroup
from typer.testing import CliRunner

PACKAGE = Path(sarhad.__file__).parent


def commands(of: Any, *names: str) -> list[str]:
    """The name of every command below, in full."""
    if not isinstance(of, TyperGroup):
        return [" ".join(names)]
    return [name for word, below in of.commands.items() if not below.hidden for name in commands(below, *names, word)]


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program = "from sarhad.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "COLUMNS": "200", **variables},
    )  # fmt: skip


def test_every_public_name_exists_and_is_documented():
    assert sarhad.__all__ == sorted(sarhad.__all__)
    for name in sarhad.__all__:
        assert getattr(sarhad, name).__doc__, name


def test_nothing_of_the_server_is_imported():
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in {"service", "fastapi", "sqlalchemy", "pydantic"} for name in names), (
                file
            )


@pytest.mark.parametrize("name", commands(typer.main.get_command(app)))
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], prog_name="sarhad", env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    explained = shown.output.partition("Usage:")[2].partition("\n")[2]
    assert re.search(rf"\bsarhad {name}\b", explained), explained


def test_exit_codes_are_documented_and_kept(tmp_path: Path):
    assert "Exit codes:" in command("keys", "--help").stdout + command("--help").stdout
    lost = command("keys", "show", SARHAD_HOME=str(tmp_path))
    assert (lost.returncode, lost.stdout) == (5, "")
    assert lost.stderr.startswith("sarhad: There is no profile 'default'; make one: sarhad keys new")
    made = command("keys", "new", "--agency", "KZ-CUS", SARHAD_HOME=str(tmp_path))
    assert made.returncode == 0, made.stderr
    assert command("submit", str(tmp_path / "none.json"), SARHAD_HOME=str(tmp_path)).returncode == 2
    (tmp_path / "r.json").write_text('{"facets": {"reference": "R-1"}}')
    far = command("submit", str(tmp_path / "r.json"), SARHAD_HOME=str(tmp_path))
    assert far.returncode in {3, 4}


def test_an_enrolment_request_names_both_public_keys_and_no_private_part(tmp_path: Path):
    command("keys", "new", "--agency", "TJ-BG", "--kind", "p256", SARHAD_HOME=str(tmp_path))
    shown = command("keys", "request", "--role", "analyst", SARHAD_HOME=str(tmp_path)).stdout
    assert '"use": "request-signing"' in shown
    assert '"use": "record-signing"' in shown
    assert '"analyst"' in shown
    assert '"d"' not in shown
