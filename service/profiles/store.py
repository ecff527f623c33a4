"""The points of filed profiles: each is of a declared method, with all its markers."""

from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.problems import Problem
from service.profiles.models import ProfileMethod
from service.profiles.vector import as_cube, ordered, unit
from service.seizures.store import insert_into

_INSERT = text(
    insert_into(
        "profile",
        "record_id uuid, version integer, scope_id integer, month_end date, n integer, line integer, method text,"
        " unit public.cube",
    )
)


class UnknownProfileMethod(Problem):
    """No method of this code is declared: its laboratory does so first."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def insert(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """`areas` by marker become the point. Raises UnknownProfileMethod, MarkersDisagree, ProfileFlat."""
    wanted = {row["method"] for row in rows}
    found = await session.execute(
        select(ProfileMethod.code, ProfileMethod.markers).where(ProfileMethod.code.in_(sorted(wanted)))
    )
    markers: dict[str, list[str]] = {row.code: row.markers for row in found}
    points = []
    for row in rows:
        at = f"/spectra/{row['n'] - 1}/profile"
        if row["method"] not in markers:
            raise UnknownProfileMethod(f"no method {row['method']}", pointer=f"{at}/method")
        areas = {name: Decimal(value) for name, value in row["areas"].items()}
        point = unit(ordered(areas, markers[row["method"]], f"{at}/areas"), f"{at}/areas")
        points.append({**{k: v for k, v in row.items() if k != "areas"}, "unit": as_cube(point)})
    await session.execute(_INSERT, {"rows": orjson.dumps(points).decode()})
