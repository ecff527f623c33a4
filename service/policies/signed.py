"""What an officer signs, as a compact JWS (RFC 7515) with a record-signing key of the officer's agency."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from sqlalchemy.ext.asyncio import AsyncSession

from service.base64url import encode
from service.identity.caller import Caller
from service.identity.record_keys import record_signing_keys
from service.problems import Problem
from service.records import strict_json

POLICY, APPROVAL = "sarhad-policy+jwt", "sarhad-approval+jwt"
_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class PolicySignatureInvalid(Problem):
    """The policy is not signed by a valid record-signing key of the officer's agency."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MalformedPolicy(Problem):
    """The policy document does not follow its schema."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def verified(session: AsyncSession, officer: Caller, signed: bytes, type_: str) -> tuple[dict[str, Any], str]:
    """(payload, id of the record key) of a JWS of `type_`. Raises PolicySignatureInvalid, MalformedPolicy."""
    if not _COMPACT.fullmatch(signed):  # the library skips over characters that are no base64url
        raise PolicySignatureInvalid("the body is no compact JWS: expected three parts of base64url")
    try:
        token = jws.extract_compact(signed)
    except (JoseError, ValueError) as error:
        raise PolicySignatureInvalid(f"the body is no compact JWS: {error}") from None
    header = token.headers()
    if header.keys() != {"alg", "kid", "typ"} or header["typ"] != type_:
        raise PolicySignatureInvalid(f"the header has exactly alg, kid and typ {type_}")
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
        payload = strict_json.read(token.payload)
    except ValueError as error:
        raise MalformedPolicy(f"the document is {error}") from None
    if not isinstance(payload, dict):
        raise MalformedPolicy("the document is an object")
    return payload, key_id


def digest(signed: bytes) -> str:
    """What an approval and the log say of a signed policy: base64url of SHA-256 over the JWS as it was received."""
    return encode(sha256(signed).digest())
