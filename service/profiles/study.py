"""A laboratory's own specimens teach what a score of its method is worth. Scores stay; the specimens do not."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import sandbox
from service.identity import quota
from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.locks import Turn
from service.problems import Problem
from service.profiles.calibrate import Calibration, check, learned
from service.profiles.methods import NotTheMethodsLaboratory, method
from service.profiles.models import ProfileCalibration
from service.profiles.scale import Ratio
from service.profiles.vector import ordered, unit
from service.records.scalars import Quantity, Text60


class TooManyCalibrations(Problem):
    """Your country has calibrated methods as often as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Specimen(BaseModel):
    """One specimen of known origin: specimens of one `batch` are of one source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: Text60
    areas: Annotated[dict[Text60, Quantity], Field(min_length=5, max_length=98)]


class Study(BaseModel):
    """Specimens whose sources are known, measured by the method."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specimens: Annotated[list[Specimen], Field(min_length=20, max_length=500)]


async def calibrated(
    session: AsyncSession, caller: Caller, code: str, study: Study, *, most: int
) -> ProfileCalibration:
    """The new calibration. `most` is how many a country may make in a day.

    Raises NotFound, NotTheMethodsLaboratory, MarkersDisagree, ProfileFlat, CalibrationTooSmall, TooManyCalibrations,
    ParsersBusy.
    """
    entry = await method(session, code)
    if entry.agency != caller.agency:
        raise NotTheMethodsLaboratory(f"{code} was declared by {entry.agency}")
    points = []
    for index, specimen in enumerate(study.specimens):
        at = f"/specimens/{index}/areas"
        points.append(unit(ordered(specimen.areas, entry.markers, at), at))
    await quota.check(session, _made(caller), most, quota.DAY, TooManyCalibrations)
    found = await learn(points, [specimen.batch for specimen in study.specimens], sender=caller.country)
    await quota.turn(session, Turn.CALIBRATIONS, caller.country)  # after what takes seconds: others would wait for it
    await quota.check(session, _made(caller), most, quota.DAY, TooManyCalibrations)
    last = await session.scalar(select(func.max(ProfileCalibration.version)).where(ProfileCalibration.method == code))
    made = ProfileCalibration(
        method=code,
        version=(last or 0) + 1,
        agency=caller.agency,
        made_by=caller.key_id,
        **asdict(found),
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    await log_act(
        session, caller.country, "calibrate-profile-method", method=code, version=made.version,
        linked=made.linked, unlinked=made.unlinked, agency=caller.agency, by=caller.key_id,
    )  # fmt: skip
    return made


def _made(caller: Caller) -> ColumnElement[datetime]:
    """When laboratories of the caller's country calibrated a method."""
    own = func.left(ProfileCalibration.agency, 2) == caller.country
    return select(ProfileCalibration.made_at).where(own).subquery().c.made_at


async def learn(points: Sequence[Sequence[float]], batches: Sequence[str], *, sender: str) -> Calibration:
    """The calibration, made beside the worker, one of a country at a time. Raises CalibrationTooSmall, ParsersBusy."""
    check(batches)
    asked = orjson.dumps({"points": points, "batches": batches})
    return Calibration(**await sandbox.parse(learned, asked, sender=sender))


def ratio(calibration: ProfileCalibration, score: float) -> Ratio:
    """What a score is worth; outside the scores that were seen, what the outermost of them is."""
    z, at = (
        np.arctanh(np.clip(calibration.scores, -0.999999, 0.999999)),
        np.arctanh(min(max(score, -0.999999), 0.999999)),
    )
    log10, low, high = (
        float(np.interp(at, z, curve)) for curve in (calibration.log10lr, calibration.low, calibration.high)
    )
    return Ratio(log10, low, high)


def worth(calibration: ProfileCalibration | None, score: float) -> dict[str, Any] | None:
    """A score's likelihood ratio as JSON; None where the method is not calibrated."""
    if calibration is None:
        return None
    return ratio(calibration, score).document() | {"calibration": calibration.version}
