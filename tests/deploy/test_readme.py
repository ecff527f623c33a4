"""A newcomer's first minutes: a fresh clone, the README's commands as they are written, and a clean end."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cluster import Cluster
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
    port = free_port()
    return {"SARHAD_PORT": str(port), "SARHAD_ORIGIN": f"http://127.0.0.1:{port}", "HOME": "/nonexistent"}


def blocks() -> list[str]:
    """The shell blocks of the README that a reader types while the service runs."""
    return re.findall(r"```sh run\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def shell(script: str, clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=clone, env=newcomers(environment),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def test_the_readme_works_as_written_and_the_service_ends_cleanly(clone: Path, environment: dict[str, str]) -> None:
    assert blocks()
    with Up(clone, environment) as up:
        done = shell("\n".join(blocks()), clone, environment)
        assert done.returncode == 0, done.stdout
        assert "accepted     now" in done.stdout
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


def _await_end_of(clone: Path) -> None:
    """After SIGKILL of the parent the kernel ends service and cluster; nothing of them may stay."""
    deadline = time.monotonic() + 60
    mark = os.fsencode(str(clone))
    while time.monotonic() < deadline:
        lines = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _read(path)]
        if Cluster(clone / ".sarhad" / "cluster").pid is None and not lines:
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {[_read(path) for path in lines]}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
