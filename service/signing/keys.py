"""Public keys as JWK (RFC 7517, RFC 8037): strict reading, and the thumbprint that names a key (RFC 7638)."""

import hashlib
import json
import warnings
from collections.abc import Mapping
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from service.base64url import decode, encode
from service.problems import Problem

# RFC 9864 would name the curve; "EdDSA" (RFC 8037) is what records, receipts and the libraries of members carry.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

_MEMBERS = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y")}
# Encodings of the points of small order on edwards25519, sign bit cleared: with such a key one signature fits
# many messages (Chalkias et al., "Taming the many EdDSAs", table of torsion points).
_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


class BadKey(Problem):
    """The key is not an Ed25519 or P-256 public key in JWK form."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The RFC 7638 SHA-256 thumbprint, base64url: the `kid` of this key everywhere."""
    members = _MEMBERS.get(str(jwk.get("kty")), ())
    if not members or any(not isinstance(jwk.get(name), str) for name in members):
        raise BadKey("expected kty OKP with crv and x, or kty EC with crv, x and y", pointer="/jwk/kty")
    required = {name: jwk[name] for name in members}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return encode(hashlib.sha256(canonical).digest())


def public_key(jwk: Mapping[str, object]) -> tuple[PublicKey, str]:
    """The key and its JWS algorithm, `EdDSA` or `ES256`. Raises BadKey for anything else, private parts
    included.
    """
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _MEMBERS:
        raise BadKey("kty must be OKP or EC", pointer="/jwk/kty")
    allowed = {*_MEMBERS[kty], "kid", "use", "alg", "key_ops"}
    if extra := sorted(set(jwk) - allowed):
        raise BadKey(f"unexpected members: {', '.join(extra)}", pointer=f"/jwk/{extra[0]}")
    if kty == "OKP":
        return _ed25519(jwk), "EdDSA"
    return _p256(jwk), "ES256"


def jwk_of(key: PublicKey) -> dict[str, str]:
    """The JWK of a public key, required members only."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    x, y = (encode(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _ed25519(jwk: Mapping[str, object]) -> ed25519.Ed25519PublicKey:
    if jwk.get("crv") != "Ed25519":
        raise BadKey("crv must be Ed25519 for kty OKP", pointer="/jwk/crv")
    point = _coordinate(jwk, "x")
    if point[:31] + bytes([point[31] & 0x7F]) in _SMALL_ORDER:
        raise BadKey("x is a point of small order", pointer="/jwk/x")
    return ed25519.Ed25519PublicKey.from_public_bytes(point)


def _p256(jwk: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    if jwk.get("crv") != "P-256":
        raise BadKey("crv must be P-256 for kty EC", pointer="/jwk/crv")
    x, y = (int.from_bytes(_coordinate(jwk, name), "big") for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise BadKey("x and y are not a point of P-256", pointer="/jwk/x") from None


def _coordinate(jwk: Mapping[str, object], name: str) -> bytes:
    text = jwk.get(name)
    try:
        raw = decode(text.encode()) if isinstance(text, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadKey(f"{name} must be 32 bytes in base64url without padding", pointer=f"/jwk/{name}")
    return raw
