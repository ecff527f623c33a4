"""`python -m service.exports.alone EXPORT KEY PURPOSE CASE`: builds one export in a process of its own.

So the memory of a build is its own and small, and it takes no turn from the other jobs. It dies with the process that
started it: two never write one file.
"""

import asyncio
import ctypes
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from service.database import Database
from service.exports.building import Building, GivenUp
from service.identity.behalf import KeyGone
from service.settings import Settings

KEY_GONE, GIVEN_UP = 10, 11
_SMALL = {"MALLOC_ARENA_MAX": "1"}  # memory that one thread has given back is there for the next
_PR_SET_PDEATHSIG = 1


class BuildFailed(Exception):
    """The process that built an export failed; its own log says why."""


async def build_alone(export: str, key: str, purpose: str, case: str | None) -> None:
    """Raises KeyGone, GivenUp, BuildFailed. Cancelled, it ends the process."""
    asked = [export, key, purpose, *([] if case is None else [case])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service.exports.alone", *asked, env=os.environ | _SMALL
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if code == KEY_GONE:
        raise KeyGone
    if code == GIVEN_UP:
        raise GivenUp
    if code:
        raise BuildFailed


async def _build(export: str, key: str, purpose: str, case: str | None) -> int:
    settings = Settings()
    database = Database(settings)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    try:
        await Building(database, settings, UUID(export), key, purpose, case).run()
    except KeyGone:
        return KEY_GONE
    except GivenUp:
        return GIVEN_UP
    finally:
        await database.dispose()
    return 0


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    asked, held, stated, *named = sys.argv[1:]
    sys.exit(asyncio.run(_build(asked, held, stated, named[0] if named else None)))
