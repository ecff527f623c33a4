"""The jobs process beside the serving ones: started with them, replaced when it dies, stopped with them."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from service.settings import Settings

PAUSE = 1.0  # seconds before one that died is replaced; twice as long each time where it died young
YOUNG, LONGEST = 30.0, 60.0
STOP_SECONDS = 25.0  # longer than the grace that running jobs have

_starting = threading.Lock()
"""Held while a process starts: no worker is forked meanwhile. It would keep the pipe by which `subprocess` is told that
the process has begun, and the thread that waits for its end would wait for the worker's.
"""
os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release)


@contextmanager
def jobs_beside(settings: Settings) -> Iterator[None]:
    """While the block runs, jobs are done, where the settings say so."""
    if not settings.jobs:
        yield
        return
    stopping = threading.Event()
    keeper = threading.Thread(target=_keep, args=(stopping,), name="jobs", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopping.set()
        keeper.join(STOP_SECONDS + 5)


def _keep(stopping: threading.Event) -> None:
    pause = PAUSE
    while not stopping.is_set():
        started = time.monotonic()
        process = begin([sys.executable, "-m", "service.cli.jobs", "run", "--beside", str(os.getpid())])
        while process.poll() is None and not stopping.wait(PAUSE):
            pass
        if process.returncode is None:
            _stop(process)
        pause = min(2 * pause, LONGEST) if time.monotonic() - started < YOUNG else PAUSE
        stopping.wait(pause)


def begin(command: list[str]) -> subprocess.Popen[bytes]:
    """A process that was started, whatever other threads fork at this moment."""
    with _starting:
        return subprocess.Popen(command)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
