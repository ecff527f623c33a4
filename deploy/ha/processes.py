"""Processes that outlive who started them: known by their ids and the moments they began, stopped by these alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Processes:
    """What was started for `directory`; each leads a session of its own and writes into `NAME.log` there."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._file = directory, directory / "processes.json"

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        directory: Path = Path("/"),
        environment: Mapping[str, str] | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        """Start it, unless it runs."""
        if self.pid(name) is not None:
            return
        with (self._directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **(identity or {}),
            )  # fmt: skip
        self._note({**self._known(), name: (process.pid, began(process.pid) or 0)})

    def names(self) -> list[str]:
        """In the order in which they were started, also those that have ended."""
        return list(self._known())

    def pid(self, name: str) -> int | None:
        """Its id; None when it has ended or was never started."""
        pid, moment = self._known().get(name, (0, None))
        return pid if moment is not None and began(pid) == moment else None

    def stop(self, name: str, patience: float = 60) -> bool:
        """Ask it to end, and kill it when it has not within `patience` seconds; False when it was killed."""
        pid = self.pid(name)
        if pid is not None:
            tell(family(pid), signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
        ended = pid is None or has_ended(pid, patience)
        if pid is not None and not ended:
            tell(family(pid), signal.SIGKILL)
            has_ended(pid, patience)
        self.forget(name)
        return ended

    def forget(self, name: str) -> None:
        """It is started again as new."""
        self._note({other: known for other, known in self._known().items() if other != name})

    def _known(self) -> dict[str, tuple[int, int]]:
        try:
            return {name: (pid, moment) for name, (pid, moment) in json.loads(self._file.read_text()).items()}
        except FileNotFoundError:
            return {}

    def _note(self, known: Mapping[str, tuple[int, int]]) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(known))
        fresh.replace(self._file)


def began(pid: int) -> int | None:
    """When a process began, in ticks since the machine did; None when it has ended."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def has_ended(pid: int, patience: float) -> bool:
    """Whether it ends within so many seconds."""
    moment, deadline = began(pid), time.monotonic() + patience
    while moment is not None and began(pid) == moment:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def family(pid: int) -> list[int]:
    """A process and all that descend from it, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        if (fields := _stat(int(entry.name))) is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def tell(pids: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to each that still is there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
