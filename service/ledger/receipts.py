"""Receipts: the service's signed promise that a leaf will be in the log within the merge delay."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.base64url import decode, encode
from service.ledger.append import PendingLeaf
from service.records import strict_json
from service.signing.service_key import ServiceKey

TYPE = "sarhad-receipt+jwt"


def issue(
    service_key: ServiceKey,
    leaf: PendingLeaf,
    *,
    origin: str,
    record_id: UUID | str,
    version: int,
    merge_delay: int,
    now: datetime,
) -> str:
    """A compact JWS (RFC 7515) over what opens the leaf. `origin` is the log's; `merge_delay` is in seconds.

    The holder of record and receipt can recompute the leaf: SHA-256(0x00 ‖ SHA-256(salt ‖ digest)).
    """
    promised = _promised(leaf, origin, record_id, version)
    payload = {**promised, "mmd": merge_delay, "iat": int(now.timestamp())}
    signed = f"{_header(service_key)}.{encode(orjson.dumps(payload))}"
    return f"{signed}.{encode(service_key.sign(signed.encode()))}"


_headers: dict[str, str] = {}


def _header(service_key: ServiceKey) -> str:
    """Encoded once per key: a batch issues thousands of receipts."""
    kid = service_key.kid
    if kid not in _headers:
        _headers[kid] = encode(orjson.dumps({"alg": "EdDSA", "kid": kid, "typ": TYPE}))
    return _headers[kid]


def check(
    receipt: str,
    keys: Mapping[str, Ed25519PublicKey],
    leaf: PendingLeaf,
    *,
    origin: str,
    record_id: UUID | str,
    version: int,
) -> None:
    """Hold a receipt to be of one of these keys (by thumbprint), for this leaf of this version. Raises ValueError or
    InvalidSignature.
    """
    signed, _, signature = receipt.rpartition(".")
    header, payload = (strict_json.read(decode(part.encode())) for part in signed.split("."))
    kid = str(header.get("kid")) if isinstance(header, dict) else ""
    if kid not in keys or header != {"alg": "EdDSA", "kid": kid, "typ": TYPE}:
        raise ValueError("(another key)")
    keys[kid].verify(decode(signature.encode()), signed.encode())
    if any(payload.get(name) != value for name, value in _promised(leaf, origin, record_id, version).items()):
        raise ValueError("(it is for something else)")


def _promised(leaf: PendingLeaf, origin: str, record_id: UUID | str, version: int) -> dict[str, object]:
    return {
        "iss": origin,
        "sub": str(record_id),
        "ver": version,
        "digest": encode(leaf.digest),
        "log": leaf.log.value,
        "salt": encode(leaf.salt),
        "leaf": encode(leaf.leaf_hash),
    }
