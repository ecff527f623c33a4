"""A laboratory's own specimens teach what a score of its method is worth. Scores stay; the specimens do not."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.problems import Problem
from service.profiles.calibrate import calibrate
from service.profiles.methods import method
from service.profiles.models import ProfileCalibration
from service.profiles.scale import Ratio
from service.profiles.vector import ordered, unit
from service.records.scalars import Quantity, Text60


class NotTheMethodsLaboratory(Problem):
    """A method is calibrated by the laboratory that declared it."""

    status = HTTPStatus.FORBIDDEN


class Specimen(BaseModel):
    """One specimen of known origin: specimens of one `batch` are of one source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: Text60
    areas: Annotated[dict[Text60, Quantity], Field(min_length=5, max_length=98)]


class Study(BaseModel):
    """Specimens whose sources are known, measured by the method."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specimens: Annotated[list[Specimen], Field(min_length=20, max_length=500)]


async def calibrated(session: AsyncSession, caller: Caller, code: str, study: Study) -> ProfileCalibration:
    """The new calibration.

    Raises NotFound, NotTheMethodsLaboratory, MarkersDisagree, ProfileFlat, CalibrationTooSmall.
    """
    entry = await method(session, code)
    if entry.agency != caller.agency:
        raise NotTheMethodsLaboratory(f"{code} was declared by {entry.agency}")
    points = []
    for index, specimen in enumerate(study.specimens):
        at = f"/specimens/{index}/areas"
        points.append(unit(ordered(specimen.areas, entry.markers, at), at))
    found = await asyncio.to_thread(calibrate, points, [specimen.batch for specimen in study.specimens])
    last = await session.scalar(select(func.max(ProfileCalibration.version)).where(ProfileCalibration.method == code))
    made = ProfileCalibration(
        method=code,
        version=(last or 0) + 1,
        agency=caller.agency,
        made_by=caller.key_id,
        **{name: getattr(found, name) for name in type(found).__slots__},
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    await log_act(
        session, caller.country, "calibrate-profile-method", method=code, version=made.version,
        linked=made.linked, unlinked=made.unlinked, agency=caller.agency, by=caller.key_id,
    )  # fmt: skip
    return made


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
