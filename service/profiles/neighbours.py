"""The most alike profiles of one method, of those that the reader is given; of others, perhaps that one matches.

A neighbour is found by its distance in an index; row security judges it while the index is walked. Where an owner gives
only hits, the answer says which laboratory to ask, never which profile, how many, how alike, or when. From which
likeness on that is told is the same for every method: a calibration, which one laboratory makes, moves nothing.
"""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, Text, cast, column, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.identity.pace import Pace
from service.problems import NotFound, Problem
from service.profiles.methods import calibration, method
from service.profiles.models import PROFILE, Cube
from service.profiles.study import worth
from service.profiles.vector import as_cube, ordered, unit
from service.records.analysis_shapes import ProfileMethodCode
from service.records.scalars import Quantity, Text60
from service.seizures.models import SHARED

_HITS = text("SELECT owner, agency FROM gate.profile_hits(:method, CAST(:point AS public.cube))")
# Each question may tell of a hidden profile; so many a minute and a day map none of them.
HITS_PER_KEY, HITS_PER_COUNTRY = 30, 120
_ASKED = func.gate.comparisons().table_valued(column("at", DateTime(timezone=True))).c.at


class TooManyComparisons(Problem):
    """Your country has compared as many profiles with what is filed as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Probe(BaseModel):
    """A profile that is not filed, to look for what is like it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: ProfileMethodCode
    areas: Annotated[dict[Text60, Quantity], Field(min_length=5, max_length=98)]
    limit: Annotated[int, Field(ge=1, le=100)] = 20


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`items` are shown; `hits` are only told of; `owners` counts both for the access log."""

    method: str
    items: list[dict[str, Any]]
    hits: list[dict[str, Any]]

    def owners(self) -> tuple[dict[str, int], dict[str, list[UUID]]]:
        counts: dict[str, int] = {}
        ids: dict[str, list[UUID]] = {}
        for item in self.items:
            counts[item["owner"]] = counts.get(item["owner"], 0) + 1
            ids.setdefault(item["owner"], []).append(UUID(item["record"]))
        for hit in self.hits:
            counts[hit["owner"]] = counts.get(hit["owner"], 0) + 1
        return counts, ids

    def document(self) -> dict[str, Any]:
        return {"method": self.method, "items": self.items, "hits": self.hits}


@lru_cache
def _pace() -> Pace:
    return Pace("comparisons of profiles", key=HITS_PER_KEY, country=HITS_PER_COUNTRY)


async def of_record(
    session: AsyncSession, caller: Caller, record_id: UUID, n: int, limit: int, *, most: int
) -> Neighbours:
    """The neighbours of a filed profile. `most` is how many comparisons a country may ask for in a day.

    Raises NotFound, the same for one that is not given, TooManyRequests, TooManyComparisons.
    """
    query = select(PROFILE.c.method, cast(PROFILE.c.unit, Text).label("unit"))
    row = (await session.execute(query.where(PROFILE.c.record_id == record_id, PROFILE.c.n == n))).first()
    if row is None:
        raise NotFound("no such profile, or it is not shared with you")
    return await _near(session, caller, row.method, row.unit, limit, most=most, besides=record_id)


async def of_probe(session: AsyncSession, caller: Caller, probe: Probe, *, most: int) -> Neighbours:
    """`most` as for `of_record`. Raises NotFound (no such method), MarkersDisagree, ProfileFlat, TooManyRequests,
    TooManyComparisons.
    """
    entry = await method(session, probe.method)
    point = as_cube(unit(ordered(probe.areas, entry.markers, "/areas"), "/areas"))
    return await _near(session, caller, probe.method, point, probe.limit, most=most)


def nearest(of_method: str, point: str, limit: int) -> Any:
    """(record_id, version, n, line, r) of the profiles in the reader's view that are most alike, in that order."""
    distance = PROFILE.c.unit.op("OPERATOR(public.<->)")(cast(literal(point), Cube))
    return (
        select(
            *(PROFILE.c[name] for name in ("record_id", "version", "n", "line")),
            (1 - distance * distance / 2).label("r"),
        )
        .where(PROFILE.c.method == of_method)
        .order_by(distance)
        .limit(limit)
    )


async def _near(
    session: AsyncSession,
    caller: Caller,
    of_method: str,
    point: str,
    limit: int,
    *,
    most: int,
    besides: UUID | None = None,
) -> Neighbours:
    await _pace().step(caller.key_id, caller.country)
    await quota.check(session, _ASKED, most, quota.DAY, TooManyComparisons)
    own = 0 if besides is None else 100  # a record's other profiles are no neighbours of it
    rows = (await session.execute(nearest(of_method, point, limit + own))).all()
    rows = [row for row in rows if row.record_id != besides][:limit]
    found = select(SHARED.c.record_id, SHARED.c.country, SHARED.c.agency).where(
        SHARED.c.record_id.in_([row.record_id for row in rows])
    )
    whose = {row.record_id: row for row in (await session.execute(found)).all()}
    calibrated = await calibration(session, of_method)
    items = [
        {
            "record": str(row.record_id),
            "n": row.n,
            "line": row.line,
            "owner": whose[row.record_id].country,
            "agency": whose[row.record_id].agency,
            "r": f"{row.r:.4f}",
            "likelihood_ratio": worth(calibrated, row.r),
        }
        for row in rows
    ]
    hits = []
    if calibrated is not None and calibrated.least is not None:
        for hit in await session.execute(_HITS, {"method": of_method, "point": point}):
            hits.append({"owner": hit.owner, "contact": hit.agency})
    return Neighbours(of_method, items, hits)
