"""Serving also does the jobs, by a process that is replaced when it dies and ends with the service."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings
from tests.awaiting import eventually
from tests.exchange import Exchange, Region

pytestmark = pytest.mark.xdist_group("jobs")


def jobs_process(exchange: Exchange, other_than: int = 0) -> int:
    def doing() -> int:
        for child in Path(f"/proc/{exchange.process.pid}/task").glob("*/children"):
            for pid in map(int, child.read_text().split()):
                if pid != other_than and b"service.cli.jobs" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return 0

    return eventually(doing)


def test_the_jobs_process_is_replaced_and_ends_with_the_service(settings: Settings, region: Region) -> None:
    exchange = Exchange.start(settings, region, workers=1, SARHAD_JOBS="true")
    try:
        first = jobs_process(exchange)
        os.kill(first, signal.SIGKILL)
        second = jobs_process(exchange, other_than=first)
        exchange.process.terminate()
        exchange.process.wait(60)
        assert not Path(f"/proc/{second}").exists()
    finally:
        exchange.stop()


WHILE_FORKING = """
import os, signal, threading
from service.cli.beside import begin

begun = threading.Thread(target=lambda: [begin(["/bin/true"]).wait() for _ in range(100)], daemon=True)
begun.start()
forked = []
while begun.is_alive() and len(forked) < 400:
    forked.append(pid := os.fork())
    if not pid:
        signal.pause()
begun.join(30)
for pid in forked:
    os.kill(pid, signal.SIGKILL)
print("stuck" if begun.is_alive() else "begun", flush=True)
os._exit(0)
"""


def test_a_worker_that_is_forked_meanwhile_holds_up_no_start() -> None:
    """As `serve` forks workers while the thread of the jobs process starts it."""
    said = subprocess.run(
        [sys.executable, "-c", WHILE_FORKING], capture_output=True, text=True, timeout=120, check=True
    )
    assert said.stdout == "begun\n"
