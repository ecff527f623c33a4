"""A parser of foreign bytes runs in a process of its own, with limits on time, memory, files and output.

Whatever a file does to its parser — loops, grows without end, crashes a C library — the worker that received it stays
as it was, and the sender is told which limit was met. What takes seconds of a processor is done there, too.
"""

import asyncio
import importlib
import json
import math
import os
import resource
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, ClassVar

from service.problems import Problem

SECONDS = 20  # of the clock, and of a processor unless the caller bounds it further
MEMORY = 1 << 30  # bytes of address space, libraries included
AT_ONCE = 2  # parsers that a worker runs; of one sender's files one, so that nobody's keep the others out
PATIENCE = 15.0  # seconds
_OUTPUT = 64 << 20  # bytes of JSON that may come back
_REFUSED, _EXHAUSTED = 3, 4
_CHILD = "import sys; from service.sandbox import child; sys.exit(child(*sys.argv[1:]))"


class FileNotUnderstood(Problem):
    """The file is not what it claims to be, or its parser refused it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FileTooDemanding(Problem):
    """Reading the file takes more time or memory than any honest file does."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ParsersBusy(Problem):
    """Too many files are being read now; nothing was stored. Try again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "5"}


class Refusal(Exception):
    """Raised by a parser in the sandbox: its words go to the sender of the file."""


_places = asyncio.Semaphore(AT_ONCE)
_of_sender: dict[str | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))


@asynccontextmanager
async def turn(*waited_for: asyncio.Semaphore) -> AsyncIterator[None]:
    """One after the other. Raises ParsersBusy."""
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout(PATIENCE):
                for semaphore in waited_for:
                    await held.enter_async_context(semaphore)
        except TimeoutError:
            raise ParsersBusy("files are read one after the other") from None
        yield


async def parse(
    parser: Callable[..., Any], data: bytes, *, sender: str | None, cpu_seconds: int = SECONDS, **options: Any
) -> Any:
    """`parser(data, **options)` in the sandbox; what it returns must be JSON.

    `parser` is a function at the top of a module; `sender` the country whose file it is, None for the operator's.
    `cpu_seconds` are counted from when the parser's module is loaded. Raises FileNotUnderstood with the parser's own
    words, FileTooDemanding after 20 s or beyond 1 GiB, ParsersBusy when no place is free in 15 s.
    """
    async with turn(_of_sender[sender], _places):
        return await _parse(parser, data, cpu_seconds, options)


async def _parse(parser: Callable[..., Any], data: bytes, cpu_seconds: int, options: dict[str, Any]) -> Any:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CHILD, parser.__module__, parser.__qualname__, str(cpu_seconds), json.dumps(options)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    try:
        answer, _ = await asyncio.wait_for(process.communicate(data), SECONDS)
    except TimeoutError:
        raise FileTooDemanding(f"reading it takes more than {SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _understood(process.returncode, answer)


def _environment() -> dict[str, str]:
    """No secret of the service reaches the child; one thread, because a thread pool counts as memory."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"} | _import_path()


def _import_path() -> dict[str, str]:
    """The child finds the packages where this process does, wherever it was started."""
    return {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}


def _understood(code: int | None, answer: bytes) -> Any:
    if code == 0:
        return json.loads(answer)
    if code == _REFUSED:
        raise FileNotUnderstood(answer.decode())
    if code == _EXHAUSTED:
        raise FileTooDemanding(f"reading it takes more than {MEMORY >> 20} MiB of memory")
    raise FileTooDemanding("the parser did not survive it")


def _limit(cpu_seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def child(module: str, name: str, cpu_seconds: str, options: str) -> int:
    """What runs in the process of its own; answers with its exit code."""
    parser = getattr(importlib.import_module(module), name)
    data = sys.stdin.buffer.read()
    _limit(int(cpu_seconds))  # after the imports, which write caches and map libraries
    try:
        answer = json.dumps(parser(data, **json.loads(options)), allow_nan=False).encode()
    except Refusal as refusal:
        sys.stdout.write(str(refusal))
        return _REFUSED
    except (MemoryError, RecursionError):
        return _EXHAUSTED
    except Exception as error:  # a library's own complaint, told by its kind alone
        sys.stdout.write(f"its parser stopped with {type(error).__name__}")
        return _REFUSED
    if len(answer) > _OUTPUT:
        return _EXHAUSTED
    sys.stdout.write(answer.decode())
    return 0
