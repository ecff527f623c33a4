"""/v1/timeliness over HTTP: of the caller's own country, and no other's."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from service.identity.callers import Supervisor
from service.readings.account import account
from service.timeliness.figures import coverage, lags
from service.timeliness.period import Months
from service.timeliness.stages import MEANINGS, STAGES, Stage
from service.web import ReadSession

router = APIRouter(prefix="/v1", tags=["timeliness"])

Hours = Annotated[float | None, Field(description="Hours; null where nothing has a value.")]


class Lag(BaseModel):
    """How long one stage took: of one agency (null: of all), in one month (null: in the whole period)."""

    stage: Stage
    agency: str | None
    month: str | None
    n: Annotated[int, Field(description="How many have a value.")]
    without: Annotated[int, Field(description="How many have none.")]
    median: Hours
    p90: Hours


class AgencyCoverage(BaseModel):
    """When an agency last filed, how much, and in which months, as [first, last] of each run: with records, with
    reports of none alone, and with nothing.
    """

    agency: str
    type: str
    name: str
    last_filed: datetime | None
    records: int
    zero_reports: Annotated[int, Field(description="Of the records, reports of none.")]
    reported: list[tuple[str, str]]
    zero: list[tuple[str, str]]
    silent: list[tuple[str, str]]


class Meaning(BaseModel):
    stage: Stage
    meaning: str
    without: str


class Timeliness(BaseModel):
    """Months are those of the first filing (UTC); retracted records are left out."""

    country: str
    first_month: str
    last_month: str
    agencies: list[AgencyCoverage]
    lags: list[Lag]
    stages: list[Meaning]


@router.get("/timeliness")
async def timeliness(
    request: Request, caller: Supervisor, session: ReadSession, asked: Annotated[Months, Query()]
) -> Timeliness:
    """How long each stage of a record's way took, and which agencies were silent, in the caller's own country."""
    months = asked.names(datetime.now(UTC))
    agencies = await coverage(session, caller.country, months)
    account(request, {caller.country: sum(agency["records"] for agency in agencies)})
    return Timeliness(
        country=caller.country,
        first_month=months[0],
        last_month=months[-1],
        agencies=[AgencyCoverage(**agency) for agency in agencies],
        lags=[Lag(**lag) for lag in await lags(session, caller.country, months)],
        stages=[Meaning(stage=one, meaning=MEANINGS[one][0], without=MEANINGS[one][1]) for one in STAGES],
    )
