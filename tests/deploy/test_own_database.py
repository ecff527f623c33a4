"""`deploy/up` on a PostgreSQL of the operator's own, named by the environment or by a file of settings."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL, create_engine, text

from deploy import start
from service.settings import Settings
from tests.deploy.fresh_clone import ROOT, free_port, newcomers

pytestmark = pytest.mark.xdist_group("own_database")


@pytest.fixture
def database() -> Iterator[URL]:
    """An empty database on the server of the tests."""
    server = Settings().database_as()
    own = server.set(database=f"sarhad_own_{os.getpid()}")
    engine = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {own.database}"))
    yield own
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {own.database} WITH (FORCE)"))
    engine.dispose()


def plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def tables(url: URL) -> int:
    """How many tables of the exchange there are."""
    engine = create_engine(url)
    with engine.connect() as connection:
        count = connection.scalar(text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'core'"))
    engine.dispose()
    return int(count or 0)


def databases(url: URL) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(text("SELECT datname FROM pg_database")))
    engine.dispose()
    return found


def test_the_smoke_test_holds_and_leaves_the_database_as_it_was(database: URL) -> None:
    before = databases(database)
    done = subprocess.run(
        [sys.executable, "-m", "deploy.start", "--check"],
        cwd=ROOT, env=newcomers({"SARHAD_DATABASE_URL": plain(database)}), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "PostgreSQL cluster" not in done.stdout, "none of its own is made"
    assert tables(database) == 0
    assert {name for name in databases(database) - before if name.startswith("sarhad_check")} == set()


def test_a_file_of_settings_names_the_database_and_how_to_serve(
    database: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file says holds; what it does not say is as without it. The database stays when the service ends."""
    home, port = tmp_path / "home", free_port()
    told = {
        "database_url": plain(database),
        "state_dir": str(tmp_path / "kept here"),
        "origin": "https://exchange.example",
        "workers": 1,
        "port": port,
    }
    file = tmp_path / "sarhad.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in told.items()))
    assert tomllib.loads(file.read_text()) == told
    for name in [name for name in os.environ if name.startswith("SARHAD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SARHAD_CONFIG", str(file))
    with start.running(home, port, demo=False) as (server, cluster):
        assert cluster is None
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        misdirected = httpx.get(f"http://127.0.0.1:{port}/v1/countries", headers={"host": "127.0.0.1"})
        assert misdirected.json()["detail"] == "expected Host exchange.example"
        assert server.poll() is None
    assert server.returncode == 0
    assert not (home / "cluster").exists()
    assert not (home / start.RUNNING).exists()
    assert list((tmp_path / "kept here").glob("*key*")), "the service's key"
    assert list((home / "state").iterdir()) == []
    assert tables(database) > 50


@pytest.mark.parametrize("content", [None, "port = ", "workers: 2"])
def test_a_file_that_cannot_be_read_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "sarhad.toml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SARHAD_CONFIG", str(file))
    with (
        pytest.raises(start.CannotStart, match=f"SARHAD_CONFIG={file}"),
        start.running(tmp_path / "home", free_port(), demo=False),
    ):
        pytest.fail("started without its settings")
