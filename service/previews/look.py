"""Look at one's own records through the eyes of another reader: the gate's trial token, and the routes themselves."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.authentication import Claim
from service.identity.behalf import enter
from service.identity.caller import Caller, Purpose
from service.policies.document import ReadingRole
from service.policies.trial import Trial
from service.problems import Problem

KINDS = ("seizures", "analyses", "precursor-incidents", "clandestine-laboratories", "price-observations")
# What may be looked at: routes that answer from the gate alone. What a route knows of a caller besides stays its own.
# A new route that gives shared data is listed here, or in tests/policies/test_previews.py with why not.
PREVIEWED = (
    *(
        f"/v1/{kind}{part}"
        for kind in KINDS
        for part in ("", "/{record_id}", "/{record_id}/versions", "/{record_id}/proof")
    ),
    *("/v1/trends", "/v1/flows", "/v1/hotspots", "/v1/aggregates", "/v1/prices", "/v1/timeline"),
)
_ID = "[0-9a-fA-F-]{36}"
_ALLOWED = re.compile("|".join(path.replace("{record_id}", _ID) for path in PREVIEWED))
_END = text("SELECT gate.end_trial()")
_PREVIEW = text(
    "SELECT gate.preview(:country, :agency, CAST(:roles AS text[]), :purpose, :layer, CAST(:rules AS jsonb))"
)


class NotPreviewed(Problem):
    """Only questions about records, and figures of them, are previewed."""


class Eyes(BaseModel):
    """Whose eyes: a reader as the gate knows one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    agency: Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z0-9]{2,12}$")]
    roles: Annotated[list[ReadingRole], Field(min_length=1)]
    purpose: Purpose | None = None

    @model_validator(mode="after")
    def _of_one_country(self) -> "Eyes":
        if not self.agency.startswith(f"{self.country}-"):
            raise ValueError("the agency is not of the country")
        return self


class Question(BaseModel):
    """A GET of the service, as that reader would send it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: Annotated[str, Field(max_length=200)] = "/v1/seizures"
    params: Annotated[dict[str, str], Field(max_length=40)] = {}
    accept: Annotated[str, Field(max_length=100, pattern=r"^[\x20-\x7e]*$")] = "application/json"


class Preview(Trial):
    """What a preview asks: whose eyes, under which policy, which question."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    eyes: Annotated[Eyes, Field(alias="as")]
    question: Question = Question()


def check(question: Question) -> None:
    """Raises NotPreviewed."""
    if not _ALLOWED.fullmatch(question.path):
        expected = list(PREVIEWED)
        raise NotPreviewed("this path is not previewed", pointer="/question/path", expected=expected)


async def open_eyes(
    session: AsyncSession, officer: Caller, eyes: Eyes, layer: str, rules: list[dict[str, Any]] | None
) -> Claim:
    """A claim that reads the officer's own country's records as `eyes` do. The session is a writing one."""
    token = await session.scalar(
        _PREVIEW,
        {
            "country": eyes.country,
            "agency": eyes.agency,
            "roles": eyes.roles,
            "purpose": eyes.purpose,
            "layer": None if rules is None else layer,
            "rules": None if rules is None else orjson.dumps(rules).decode(),
        },
    )
    caller = Caller(officer.key_id, eyes.agency, eyes.country, frozenset(eyes.roles), eyes.purpose)
    expires = datetime.now(UTC) + timedelta(minutes=2)
    return Claim(caller, nonce="", expires=expires, token=token, charged=officer.country)


async def close_eyes(session: AsyncSession, claim: Claim) -> None:
    """End what the claim of `open_eyes` looked through. The session is a writing one of its own."""
    await enter(session, claim.token)
    await session.execute(_END)
