"""Adopt a country's signed policy: verify, check, store, and compile for every context, in one transaction."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from pydantic import ValidationError
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service.identity.caller import Caller
from service.identity.governance import record
from service.identity.record_keys import record_signing_keys
from service.policies.document import PolicyDocument, compiled_rows
from service.policies.models import OwnPolicy, Policy
from service.problems import Problem
from service.records import strict_json
from service.records.base64url import encode

TYPE = "sarhad-policy+jwt"
_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ADOPT = text("SELECT gate.adopt(CAST(:country AS char(2)), CAST(:rules AS jsonb))")


class PolicySignatureInvalid(Problem):
    """The policy is not signed by a valid record-signing key of the officer's agency."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MalformedPolicy(Problem):
    """The policy document does not follow its schema."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PolicyOutOfTurn(Problem):
    """Another version of this policy has been adopted since, or the country is not yours."""

    status = HTTPStatus.CONFLICT


async def adopt(
    session: AsyncSession, officer: Caller, country: str, signed: bytes, group_bits: dict[str, int]
) -> PolicyDocument:
    """Make `signed` (compact JWS, RFC 7515) the policy of `country`, effective for the next request of anyone."""
    if country != officer.country:
        raise PolicyOutOfTurn(f"an officer of {officer.country} adopts policies of {officer.country} only")
    document, key_id = await _verified(session, officer, signed)
    policy = _parsed(document)
    if policy.country != country:
        raise MalformedPolicy(f"the document is for {policy.country}", pointer="/country", expected=country)
    latest = await session.scalar(select(func.max(OwnPolicy.version)).where(OwnPolicy.country == country)) or 0
    if policy.version != latest + 1:
        raise PolicyOutOfTurn(f"expected version {latest + 1}", pointer="/version", expected=latest + 1)
    try:
        rules = compiled_rows(policy, group_bits)
    except KeyError as unknown:
        raise MalformedPolicy(
            f"{unknown} is no substance group of the catalogue", pointer="/rules", expected=sorted(group_bits)
        ) from None
    session.add(
        Policy(country=country, version=policy.version, document=document, signed=signed.decode(), key_id=key_id)
    )
    try:
        await session.flush()
    except IntegrityError:
        raise PolicyOutOfTurn("another officer adopted this version a moment ago", pointer="/version") from None
    await session.execute(_ADOPT, {"country": country, "rules": orjson.dumps(rules).decode()})
    digest = encode(sha256(signed).digest())
    await record(session, country, "adopt-policy", version=policy.version, digest=digest, by=officer.key_id)
    return policy


async def _verified(session: AsyncSession, officer: Caller, signed: bytes) -> tuple[dict[str, Any], str]:
    if not _COMPACT.fullmatch(signed):  # the library skips over characters that are no base64url
        raise PolicySignatureInvalid("the body is no compact JWS: expected three parts of base64url")
    try:
        token = jws.extract_compact(signed)
    except (JoseError, ValueError) as error:
        raise PolicySignatureInvalid(f"the body is no compact JWS: {error}") from None
    header = token.headers()
    if header.keys() != {"alg", "kid", "typ"} or header["typ"] != TYPE:
        raise PolicySignatureInvalid(f"the header has exactly alg, kid and typ {TYPE}")
    key_id = str(header["kid"])
    key = (await record_signing_keys(session, [key_id], datetime.now(UTC))).get(key_id)
    if key is None or key.agency != officer.agency or header["alg"] != key.alg:
        raise PolicySignatureInvalid(f"expected a valid record-signing key of {officer.agency} and its algorithm")
    imported = (OKPKey if key.alg == "EdDSA" else ECKey).import_key(key.jwk)
    try:
        token = jws.deserialize_compact(signed, imported, algorithms=[key.alg])
    except JoseError:
        raise PolicySignatureInvalid("the signature does not verify over these bytes") from None
    try:
        document = strict_json.read(token.payload)
    except ValueError as error:
        raise MalformedPolicy(f"the document is {error}") from None
    if not isinstance(document, dict):
        raise MalformedPolicy("the document is an object")
    return document, key_id


def _parsed(document: dict[str, Any]) -> PolicyDocument:
    try:
        return PolicyDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise MalformedPolicy(first["msg"], pointer=pointer) from None
