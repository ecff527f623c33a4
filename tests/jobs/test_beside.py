"""Serving also does the jobs, by a process that is replaced when it dies and ends with the service."""

import os
import signal
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
