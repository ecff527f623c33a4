"""Take a file: what it holds is asked of the gate once more, in the transaction of the taking, and then a part leaves.

A policy, a suspension, a recall or a stricter label that came after the file was built holds: where anything in it is
not given to this reader any more, nothing of it leaves.
"""

from collections import Counter
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.exports.files import Place, Seen, read_seen
from service.exports.rows import NO_EXPORT
from service.problems import NotFound, Problem
from service.settings import Settings

CHUNK = 20_000  # records asked about at once
_STILL = text(
    f"""SELECT count(*) FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS int[]), CAST(:masks AS int[]))
      AS e (id, version, mask)
    JOIN shared.report r ON r.record_id = e.id AND r.version = e.version
    WHERE r.mask & e.mask = e.mask AND (r.country = :own OR r.duties & {NO_EXPORT} = 0)"""
)


class ExportNotReady(Problem):
    """The file of this export is not there yet."""

    status = HTTPStatus.CONFLICT


class ExportGone(Problem):
    """The file of this export is not kept any more. Ask for a new one."""

    status = HTTPStatus.GONE


class ExportNoLongerGiven(Problem):
    """The file holds something that is not shared with you any more. Ask for a new one."""

    status = HTTPStatus.GONE


class ExportOfAnotherPurpose(Problem):
    """A file is taken for the purpose that it was asked for."""

    status = HTTPStatus.FORBIDDEN


def available(row: dict[str, Any], purpose: str | None, settings: Settings) -> Place:
    """The files of an export. Raises ExportNotReady, ExportGone, ExportOfAnotherPurpose."""
    if row["purpose"] != purpose:
        raise ExportOfAnotherPurpose(f"sign the sarhad-purpose {row['purpose']}", expected=row["purpose"])
    if row["state"] in ("queued", "running"):
        raise ExportNotReady(f"it is {row['state']}", state=row["state"])
    place = Place(settings, row["id"])
    if row["state"] != "ready" or row["expires_at"] <= datetime.now(UTC) or not place.file.exists():
        state = "expired" if row["state"] == "ready" else row["state"]
        raise ExportGone(f"it is {state}", state=state)
    return place


async def still_given(session: AsyncSession, place: Place, own: str) -> dict[str, int]:
    """How many records of each owner the file holds, all of which are given as they stand in it, and may be exported.

    Raises ExportNoLongerGiven.
    """
    owners: Counter[str] = Counter()
    for chunk in read_seen(place.seen, CHUNK):
        if await session.scalar(_STILL, _values(chunk) | {"own": own}) != len(chunk):
            raise ExportNoLongerGiven("a policy, a recall or a correction came after it was built")
        owners.update(held.owner for held in chunk)
    return dict(owners)


def _values(chunk: list[Seen]) -> dict[str, Any]:
    return {
        "ids": [held.record for held in chunk],
        "versions": [held.version for held in chunk],
        "masks": [held.mask for held in chunk],
    }


def unknown(export: UUID) -> NotFound:
    return NotFound(f"this key has no export {export}")
