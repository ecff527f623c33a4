"""Starting the service: what stands in the way is said before anything is touched."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import start
from service.cli.serve import settings_text
from service.settings import Settings

ROOT = Path(__file__).parents[2]


def up(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.start", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_busy_port_is_named_and_another_proposed(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(start.CannotStart, match=f"SARHAD_PORT={port + 1}"),
            start.running(tmp_path, port, demo=False),
        ):
            pytest.fail("started on a busy port")
    assert not (tmp_path / "cluster").exists()


def test_a_second_start_of_the_same_clone_says_which_process_runs(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from deploy.start import only_one\n"
    code += "with only_one(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    first = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdin=-1, stdout=-1)
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"
    with pytest.raises(start.CannotStart, match=f"process {first.pid}"), start.only_one(tmp_path):
        pytest.fail("two at once")
    first.communicate()
    with start.only_one(tmp_path):
        assert (tmp_path / "up.lock").read_text() == f"{os.getpid()}\n"


def test_help_works_without_touching_anything() -> None:
    done = up("--help")
    assert done.returncode == 0
    assert "--check" in done.stdout


def test_serve_help_says_that_each_worker_counts_for_itself() -> None:
    """What is allowed in a minute is counted in a worker's memory: the limit of the service is a multiple of it."""
    for name, field in Settings.model_fields.items():
        if name.endswith("_per_minute") and "log_" not in name:
            assert "minute and worker" in str(field.description), name
    assert "times the number of workers" in str(Settings.model_fields["requests_per_minute"].description)


def test_serve_help_names_every_setting_with_its_meaning() -> None:
    text = settings_text()
    for name, field in Settings.model_fields.items():
        assert f"SARHAD_{name.upper()}" in text
        assert field.description
        assert field.description in text
