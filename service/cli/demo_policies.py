"""Default sharing policies of the demonstration region, which two officers of each country adopt over HTTP.

The service runs inside this process for that (ASGI), so that a demonstration policy is signed, verified and
compiled by the same code as a real one.
"""

import json
import logging
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

import httpx
import structlog
from fastapi import FastAPI
from sarhad import AsyncClient, ProblemError, Profile
from sarhad.policies import sign_approval, sign_policy

from service.cli.demo_region import DATA
from service.settings import Settings


class PolicyRefused(Exception):
    """The service refused a default policy; the message is its problem document."""


async def adopt_policies(settings: Settings, directory: Path, countries: Iterable[str]) -> None:
    """Have two officers of each country adopt deploy/demo/policies/<country>.json. Raises PolicyRefused."""
    from service.app import create_app  # noqa: PLC0415 - a second start does not pay for it

    app = create_app(settings)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # not a line a policy
    async with app.router.lifespan_context(app):
        for country in countries:
            office = directory / f"{country}-NCP"
            try:
                await _adopt(app, Profile.load(office / "policy"), Profile.load(office / "policy-2"), country)
            except ProblemError as problem:
                if problem.status != HTTPStatus.CONFLICT:  # another start has it under way
                    raise PolicyRefused(f"{country}: {problem}") from problem


async def _adopt(app: FastAPI, first: Profile, second: Profile, country: str) -> None:
    """Propose unless an earlier start did and was cut short; then approve what is proposed."""
    async with AsyncClient(first, transport=httpx.ASGITransport(app)) as officer:
        found = await officer.get_policy(country)
        if found["latest"] == 0:
            document = json.loads((DATA / "policies" / f"{country}.json").read_bytes())
            await officer.propose_policy(country, sign_policy(first.load_record_key(), document))
            found = await officer.get_policy(country)
    if proposed := found["proposed"]:
        version, signed = proposed["version"], proposed["signed"]
        approval = sign_approval(second.load_record_key(), country, version, signed)
        async with AsyncClient(second, transport=httpx.ASGITransport(app)) as officer:
            await officer.approve_policy(country, version, approval)
