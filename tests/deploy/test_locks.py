"""What gets installed: by hash, from whichever index the machine uses, and enough for both projects."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("deploy/requirements.txt", "tests/requirements.txt")


def locked(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def declared(project: str) -> set[str]:
    dependencies = tomllib.loads((ROOT / project / "pyproject.toml").read_text())["project"]["dependencies"]
    return {re.split(r"[\s\[<>=!~;]", line)[0] for line in dependencies} - {"sarhad"}


@pytest.mark.parametrize("lock", [*LOCKS, "deploy/ha/patroni.txt", "deploy/lake/duckdb.txt", "deploy/lake/spark.txt"])
def test_every_line_is_a_pinned_version_or_its_hash(lock: str) -> None:
    for line in (ROOT / lock).read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("project", [".", "clients/python"])
def test_holds_every_declared_dependency(lock: str, project: str) -> None:
    assert declared(project) <= set(locked(lock))


def test_the_tests_run_against_the_versions_that_are_deployed() -> None:
    runtime, tests = map(locked, LOCKS)
    assert {name: tests[name] for name in runtime} == runtime


def test_the_client_needs_nothing_of_the_server() -> None:
    server = {"fastapi", "granian", "sqlalchemy", "psycopg", "alembic", "geoalchemy2"}
    assert not declared("clients/python") & server
