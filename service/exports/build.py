"""The jobs of exports: to build one, and to sweep what is over."""

import asyncio
from uuid import UUID

from sqlalchemy import text

from service.exports.alone import BuildFailed, build_alone
from service.exports.building import Building, GivenUp
from service.exports.files import places
from service.identity.behalf import KeyGone
from service.jobs import Pointless, Tasks, Work

ATTEMPTS = 3
tasks = Tasks("exports")
_KEEP = text("SELECT gate.keep_exports(:files)")


@tasks.task(attempts=ATTEMPTS, lane=True)
async def build(work: Work, export: str, key: str, purpose: str, case: str | None) -> None:
    """In a process of its own, if anybody still waits for it. What an export that was given up leaves is swept."""
    building = Building(work.database, work.settings, UUID(export), key, purpose, case)
    try:
        if await building.waited_for():
            await build_alone(export, key, purpose, case)
    except KeyGone:
        raise Pointless from None
    except GivenUp:
        return
    except BuildFailed:
        if work.attempt >= ATTEMPTS:
            building.place.remove()
            await building.finish("failed", 0)
        raise


@tasks.every("*/10 * * * *")
async def sweep(work: Work, timestamp: int) -> None:
    """Exports whose time is over are given up, and files of exports that are not kept are removed."""
    found = await asyncio.to_thread(places, work.settings)
    async with work.database.writing() as session:
        kept = set(await session.scalar(_KEEP, {"files": list(found)}) or ())
    for export in found.keys() - kept:
        found[export].remove()
