"""A copy of the files under version control, in a directory of its own, run as a newcomer would run it."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 600


def copy_to(directory: Path) -> Path:
    """Everything that is committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    return directory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def newcomers(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of the test run itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SARHAD_")} | {**environment}


class Up:
    """`./deploy/up` of a clone, running in the background within the block."""

    def __init__(self, clone: Path, environment: Mapping[str, str]) -> None:
        self.clone = clone
        self.environment = newcomers(environment)
        self.lines: list[str] = []
        self._ready = threading.Event()

    def __enter__(self) -> "Up":
        self.process = subprocess.Popen(
            ["./deploy/up"], cwd=self.clone, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not self._ready.wait(START_SECONDS) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError("deploy/up did not come up:\n" + "".join(self.lines))
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.endswith("s  Ready\n"):
                self._ready.set()
        self._ready.set()

    def stop(self, number: signal.Signals) -> int:
        """Send the signal; answers with the exit code once everything has ended."""
        self.process.send_signal(number)
        code = self.process.wait(90)
        self._reader.join()
        return code

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
