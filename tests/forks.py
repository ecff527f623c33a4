"""Services begin as forks of one process that has imported what they import (`warm.py`): most of what a start takes.

A fork has its own session, environment, sockets and connections, and reads its settings anew, as any start does.
It ends with the tests, also where they are killed.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired

ROOT = Path(__file__).parents[1]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.warm"])


class Fork(_context.Process):  # type: ignore[name-defined, misc]
    """`program` as if a Python were started with it; asked as one asks `subprocess.Popen`."""

    def __init__(self, program: str, environment: Mapping[str, str], output: Path | None) -> None:
        super().__init__(target=_run, args=(program, dict(environment), output))
        self.start()

    def poll(self) -> int | None:
        code: int | None = self.exitcode
        return code

    returncode = property(poll)

    def wait(self, timeout: float | None = None) -> int:
        self.join(timeout)
        code = self.poll()
        if code is None:
            raise TimeoutExpired("a fork", timeout or 0)
        return code


def _run(program: str, environment: dict[str, str], output: Path | None) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c"]
    threading.Thread(target=_end_with_tests, daemon=True).start()
    multiprocessing.set_start_method("fork", force=True)  # as in any Python; here it would be that of the tests
    if output:
        with output.open("ab") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
    exec(program, {"__name__": "__main__"})


def _end_with_tests() -> None:
    if tests := multiprocessing.parent_process():
        tests.join()
    os.killpg(0, signal.SIGKILL)
