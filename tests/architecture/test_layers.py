"""The import contracts hold, and they would notice: a copy with one forbidden import breaks them."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()",
         "--no-cache"],
        cwd=directory, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(directory)},
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The service's code beside its contracts, to be spoiled."""
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "clients" / "python" / "sarhad", tmp_path / "sarhad", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "forbidden", "contract"),
    [
        ("identity/caller.py", "import service.seizures.store", "Features depend downwards only"),
        ("seizures/submit.py", "import fastapi", "Only routes, callers, answers, web, cli and app know HTTP"),
        ("policies/propose.py", "import service.policies.routes", "Routes are leaves: only the app includes them"),
        ("seizures/row.py", "import sarhad", "only its commands speak through the client library"),
    ],
)
def test_a_violation_is_noticed(copy: Path, file: str, forbidden: str, contract: str) -> None:
    spoiled = copy / "service" / file
    spoiled.write_text(f"{spoiled.read_text()}\n{forbidden}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    assert f"{contract} BROKEN" in text, done.stdout


def test_the_readme_draws_the_layers_that_are_kept() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    drawing = (ROOT / "service" / "README.md").read_text().split("```")[1]
    drawn: list[str] = []
    for line in drawing.strip().splitlines():
        names = line if " | " in line and "  " not in line else " ".join(line.split()[: 1 + line.startswith("|")])
        if names.startswith("| "):
            drawn[-1] += f" {names}"
        else:
            drawn.append(names)
    assert drawn == contracts[0]["layers"]
