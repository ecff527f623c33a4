"""Default sharing policies of the demonstration region, adopted by each country's policy officer over HTTP.

The service runs inside this process for that (ASGI), so that a demonstration policy is signed, verified and
compiled by the same code as a real one.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import httpx
from fastapi import FastAPI
from sarhad.keys import PrivateKey, b64url
from sarhad.profile import Profile
from sarhad.signing import SignedRequests

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
    document = (DATA / "policies" / f"{country}.json").read_bytes()
    service_key = officer.service_key
    assert service_key is not None
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        auth=SignedRequests(officer.load_request_key(), lambda: service_key),
    ) as http:
        answer = await http.put(
            f"{officer.service}/v1/policies/{country}",
            content=sign_policy(officer.load_record_key(), document),
            headers={"content-type": "application/jose"},
        )
    if answer.is_error:
        raise PolicyRefused(f"{country}: {answer.text}")


def sign_policy(key: PrivateKey, document: bytes) -> bytes:
    """The document as a compact JWS (RFC 7515 §7.1) of a record-signing key."""
    header = {"alg": key.alg, "kid": key.kid, "typ": "sarhad-policy+jwt"}
    message = f"{b64url(json.dumps(header).encode())}.{b64url(document)}".encode()
    return message + b"." + b64url(key.sign(message)).encode()
