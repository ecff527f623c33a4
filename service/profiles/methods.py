"""Declare a method of profiling, and read what methods there are: a register, the same for every member."""

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity import quota
from service.identity.caller import Caller
from service.identity.governance import record as log_act
from service.locks import Turn
from service.problems import NotFound, Problem
from service.profiles.models import ProfileCalibration, ProfileMethod
from service.profiles.vector import TREATMENT
from service.records.analysis_shapes import ProfileMethodCode
from service.records.codes import code
from service.records.scalars import Text60
from service.substances.catalogue import Catalogue


class MethodTaken(Problem):
    """A method of this code is declared already: what changes is a new version of it."""

    status = HTTPStatus.CONFLICT


class NotTheMethodsLaboratory(Problem):
    """A method is calibrated, and its next version declared, by the laboratory that declared it."""

    status = HTTPStatus.FORBIDDEN


class TooManyMethods(Problem):
    """Your country has declared as many methods as it may in a day."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class UnknownProfiledSubstance(Problem):
    """The catalogue has no entry of this code."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Declaration(BaseModel):
    """A method: what it profiles, by which technique, and its markers in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: ProfileMethodCode
    substance: Annotated[str, Field(max_length=40, description="Catalogue code of what is profiled.")]
    technique: Annotated[str, code("techniques")]
    markers: Annotated[list[Text60], Field(min_length=5, max_length=98, description="Impurities, in a fixed order.")]
    description: Annotated[
        str,
        Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", description="Extraction, column, temperatures."),
    ]

    @field_validator("markers")
    @classmethod
    def _once_each(cls, markers: list[str]) -> list[str]:
        if len(set(markers)) != len(markers):
            raise ValueError("a marker is named once")
        return markers


async def declare(session: AsyncSession, caller: Caller, said: Declaration, catalogue: Catalogue, *, most: int) -> None:
    """`most` is how many methods a country may declare in a day. Raises MethodTaken, NotTheMethodsLaboratory,
    UnknownProfiledSubstance, TooManyMethods.
    """
    if catalogue.get(said.substance) is None:
        raise UnknownProfiledSubstance(f"no entry has the code {said.substance}", pointer="/substance")
    name, _, _ = said.code.rpartition(".")
    await quota.turn(session, Turn.METHOD_NAMES, name)
    await quota.turn(session, Turn.METHODS, caller.country)
    own = select(ProfileMethod.declared_at).where(func.left(ProfileMethod.agency, 2) == caller.country).subquery()
    await quota.check(session, own.c.declared_at, most, quota.DAY, TooManyMethods)
    method = ProfileMethod(**said.model_dump(), agency=caller.agency, declared_by=caller.key_id)
    try:
        async with session.begin_nested():
            session.add(method)
    except IntegrityError:
        raise MethodTaken("count the version up: AMP-GCMS.2", pointer="/code") from None
    versions = select(ProfileMethod.agency).where(ProfileMethod.code.startswith(f"{name}."))
    if (other := await session.scalar(versions.where(ProfileMethod.agency != caller.agency))) is not None:
        raise NotTheMethodsLaboratory(f"{name} is a method of {other}: choose another name", pointer="/code")
    await log_act(
        session, caller.country, "declare-profile-method", method=said.code, markers=said.markers,
        agency=caller.agency, by=caller.key_id,
    )  # fmt: skip


async def method(session: AsyncSession, code_: str) -> ProfileMethod:
    """Raises NotFound."""
    found = await session.scalar(select(ProfileMethod).where(ProfileMethod.code == code_))
    if found is None:
        raise NotFound("no method of this code is declared")
    return found


async def calibration(session: AsyncSession, code_: str) -> ProfileCalibration | None:
    """The latest."""
    query = select(ProfileCalibration).where(ProfileCalibration.method == code_)
    return await session.scalar(query.order_by(ProfileCalibration.version.desc()).limit(1))


async def listed(session: AsyncSession, after: str | None, limit: int) -> list[dict[str, Any]]:
    """In the order of their codes, after `after`."""
    query = select(ProfileMethod).order_by(ProfileMethod.code).limit(limit)
    if after is not None:
        query = query.where(ProfileMethod.code > after)
    found = list(await session.scalars(query))
    newest = (
        select(ProfileCalibration)
        .where(ProfileCalibration.method.in_([entry.code for entry in found]))
        .order_by(ProfileCalibration.method, ProfileCalibration.version)
    )
    calibrations = {row.method: row for row in await session.scalars(newest)}
    return [document(entry, calibrations.get(entry.code)) for entry in found]


def document(entry: ProfileMethod, calibrated: ProfileCalibration | None) -> dict[str, Any]:
    """A method as JSON, with what its calibration says of it, or null where there is none yet."""
    return {
        "code": entry.code,
        "agency": entry.agency,
        "substance": entry.substance,
        "technique": entry.technique,
        "markers": entry.markers,
        "treatment": TREATMENT,
        "description": entry.description,
        "declared_at": entry.declared_at.isoformat(),
        "calibration": calibrated and of_calibration(calibrated),
    }


def of_calibration(found: ProfileCalibration) -> dict[str, Any]:
    return {
        "version": found.version,
        "agency": found.agency,
        "batches": found.batches,
        "linked": found.linked,
        "unlinked": found.unlinked,
        "auc": f"{found.auc:.4f}",
        "cllr": f"{found.cllr:.4f}",
        "proposes_from": f"{found.least:.4f}" if found.least is not None else None,
        "made_at": found.made_at.isoformat(),
    }
