"""Default sharing policies of the demonstration region, adopted by each country's policy officer over HTTP.

The service runs inside this process for that (ASGI), so that a demonstration policy is signed, verified and
compiled by the same code as a real one.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

import httpx
from fastapi import FastAPI
from sarhad import AsyncClient, ProblemError, Profile
from sarhad.policies import sign_policy

from service.cli.demo_region import DATA
from service.settings import Settings


class PolicyRefused(Exception):
    """The service refused a default policy; the message is its problem document."""


async def adopt_policies(settings: Settings, directory: Path, countries: Iterable[str]) -> None:
    """Have the officer of each country adopt deploy/demo/policies/<country>.json. Raises PolicyRefused."""
    from service.app import create_app  # noqa: PLC0415 - a second start does not pay for it

    app = create_app(settings)
    async with app.router.lifespan_context(app):
        for country in countries:
            await _adopt(app, Profile.load(directory / f"{country}-NCP" / "policy"), country)


async def _adopt(app: FastAPI, officer: Profile, country: str) -> None:
    document = json.loads((DATA / "policies" / f"{country}.json").read_bytes())
    async with AsyncClient(officer, transport=httpx.ASGITransport(app)) as client:
        try:
            await client.put_policy(country, sign_policy(officer.load_record_key(), document))
        except ProblemError as problem:
            if problem.status == HTTPStatus.CONFLICT:  # It has one already.
                return
            raise PolicyRefused(f"{country}: {problem}") from problem
