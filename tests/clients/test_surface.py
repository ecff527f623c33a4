"""What the library promises to callers: the names, the help texts, no word of the server."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sarhad

PACKAGE = Path(sarhad.__file__).parent
COMMANDS = [
    "keys new", "keys show", "keys request", "submit", "import", "outbox add", "outbox send", "outbox list",
    "outbox retry", "outbox drop", "outbox dead", "search", "trends", "show", "correct", "retract", "verify",
    "policy show", "policy words", "policy diff", "policy check", "policy propose", "policy approve", "policy reject",
    "request ask", "request list", "request answer", "request withdraw", "record show",
    "record grant", "record block", "record embargo", "record lift", "recall start", "recall list",
    "recall acknowledge", "inbox",
    "links list", "links show", "links confirm", "links reject", "links undo", "links groups",
    "profiles methods", "profiles declare", "profiles calibrate", "profiles neighbours",
    "publication propose", "publication approve", "publication release", "publication withdraw", "publication list",
    "publication fetch",
    "prices", "timeline", "packs forms", "packs draft", "packs list", "packs show", "packs workbook", "packs approve",
    "packs discard", "bulletin propose", "bulletin make",
    "statement",
    "analysis search", "analysis show", "analysis waiting", "attach send", "attach list", "attach fetch",
    "spectra search", "spectra library", "spectra submit",
    "policy preview", "policy simulate", "policy suspend", "policy suspensions", "policy lift",
    "policy export-odrl",
    *(f"alerts {name}" for name in ("candidates", "review", "draft", "list", "show", "issue", "acknowledge", "feedback",
      "end", "subscribe", "orders", "unsubscribe", "deliveries", "digest", "listen")),
    "substances examine", "substances register", "substances list", "substances publish",
    "substances resolve", "substances control", "listings enter", "listings list", "listings table",
    "export new", "export list", "export take", "export delete",
    "questions save", "questions list", "questions ask", "questions change", "questions drop",
]  # fmt: skip


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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str):
    shown = command(*name.split(), "--help")
    assert shown.returncode == 0, shown.stderr
    assert f"Example: sarhad {name.split(maxsplit=1)[0]}" in shown.stdout or f"sarhad {name}" in shown.stdout


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
