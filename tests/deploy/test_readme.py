"""A newcomer's first minutes: a fresh clone, the README's commands as they are written, and a clean end."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.cluster import Cluster
from tests.awaiting import eventually
from tests.deploy.fresh_clone import ROOT, Up, copy_to, free_port, newcomers

pytestmark = pytest.mark.xdist_group("fresh_clone")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Its path holds a space, and its parent is closed to the user that PostgreSQL runs as."""
    clone = copy_to(tmp_path_factory.mktemp("newcomer") / "fresh clone")
    yield clone
    Cluster(clone / ".sarhad" / "cluster").remove()


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Started as the README says for the bulletin."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    return {"SARHAD_PORT": str(port), "SARHAD_ORIGIN": origin, "SARHAD_PUBLIC_RELEASES": "true", "HOME": "/nonexistent"}


def blocks() -> list[str]:
    """The shell blocks of the README, and of the page on tables, that a reader types while the service runs."""
    pages = [ROOT / "README.md", ROOT / "clients" / "python" / "IMPORT.md"]
    return [block for page in pages for block in re.findall(r"```sh run\n(.*?)```", page.read_text(), re.DOTALL)]


def shell(script: str, clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=clone, env=newcomers(environment),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=600,
    )  # fmt: skip


def test_the_readme_works_as_written_and_the_service_ends_cleanly(clone: Path, environment: dict[str, str]) -> None:
    assert blocks()
    with Up(clone, environment) as up:
        done = shell("\n".join(blocks()), clone, environment)
        assert done.returncode == 0, done.stdout
        assert "accepted     now" in done.stdout
        assert "line 4, column Date: '31.02.2026' is not a date" in done.stdout
        for said in ('"status":"CONF"', "result-changed", "Candidate (threshold", "diacetylmorphine"):
            assert said in done.stdout, f"{said} is not in {done.stdout}"
        (photograph,) = (clone / ".sarhad" / "evidence").iterdir()
        assert photograph.read_bytes().startswith(b"\xff\xd8\xff"), "what the partner fetched is a JPEG"
        assert _mapped(clone, environment), "the gateway of the README shows nothing on the map"
        assert (clone / ".sarhad" / "bulletin.pdf").read_bytes().startswith(b"%PDF")
        again = shell("./deploy/up", clone, environment)
        assert again.returncode != 0
        assert "running already" in again.stdout
        assert up.stop(signal.SIGINT) == 0, "".join(up.lines)
    assert "Stopped" in up.lines[-1]
    assert Cluster(clone / ".sarhad" / "cluster").pid is None

    with Up(clone, environment) as up:
        done_anew = ("Installing", "Making", "loaded:", "enrolled", "adopted")
        assert not [line for line in up.lines if any(word in line for word in done_anew)]
        up.process.kill()
        up.process.wait()
        _await_end_of(clone)


def test_the_smoke_test_holds(clone: Path) -> None:
    done = shell("./deploy/up --check", clone, {})
    assert done.returncode == 0, done.stdout
    assert re.search(r"^(\d+) of \1 held$", done.stdout, re.MULTILINE)


def _mapped(clone: Path, environment: dict[str, str]) -> list[dict[str, Any]]:
    """What the map tool of the README is given through its gateway, on a free port."""
    (line,) = re.findall(r"^sarhad gateway .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    gateway = subprocess.Popen(
        ["bash", "-c", f"exec .sarhad/venv/bin/{line} --port 0"], cwd=clone, env=newcomers(environment),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert gateway.stdout is not None
        (origin,) = re.findall(r"http://127\.0\.0\.1:\d+", gateway.stdout.readline())
        with urllib.request.urlopen(f"{origin}/collections/seizures/items", timeout=60) as answer:
            found: list[dict[str, Any]] = json.load(answer)["features"]
        return found
    finally:
        gateway.terminate()
        gateway.wait()


def _await_end_of(clone: Path) -> None:
    """After SIGKILL of the parent the kernel ends service and cluster; nothing of them may stay."""
    mark = os.fsencode(str(clone))

    def ended() -> bool:
        lines = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _read(path)]
        return Cluster(clone / ".sarhad" / "cluster").pid is None and not lines

    eventually(ended)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
