"""Keys of an agency, named by RFC 7638 thumbprint: made here and kept in PEM files only their owner may read, or in a
PKCS#11 token (`tokens`).
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sarhad.errors import ConfigurationError, SarhadError

Algorithm = Literal["EdDSA", "ES256"]
KeyType = Literal["ed25519", "p256"]

HANDOVER = 300  # s after a key of the service signed first, in which the one before it may speak too
_COORDINATE = 32  # bytes of a P-256 coordinate and of each half of an ES256 signature (RFC 7518 §3.4)


class BadSignature(SarhadError):
    """The signature was not made by this key over these bytes."""


def in_token(place: object) -> bool:
    """Whether it names a key in a PKCS#11 token (RFC 7512) rather than a file."""
    return str(place).startswith("pkcs11:")


def b64url(data: bytes) -> str:
    """Unpadded base64url, RFC 7515 §2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """The bytes of unpadded base64url; ValueError for anything else."""
    if "=" in text or not text.isascii():
        raise ValueError("expected unpadded base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 or P-256 public key. `kid` is its RFC 7638 thumbprint, `alg` its JWS name.

    `former` are the keys that it succeeded, newest first: what they signed in their time stays true. `begins` is when
    it signs the first time (s since 1970), where it succeeded another.
    """

    key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
    former: tuple["PublicKey", ...] = field(default=(), compare=False)
    begins: int | None = field(default=None, compare=False)

    @classmethod
    def from_jwk(cls, jwk: dict[str, Any]) -> Self:
        """Raises ConfigurationError unless this is an Ed25519 (RFC 8037) or P-256 (RFC 7518) JWK."""
        try:
            if (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519"):
                return cls(ed25519.Ed25519PublicKey.from_public_bytes(b64url_decode(jwk["x"])))
            if (jwk["kty"], jwk["crv"]) == ("EC", "P-256"):
                x, y = (int.from_bytes(b64url_decode(jwk[name]), "big") for name in "xy")
                return cls(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise ConfigurationError("This is not a public key in JWK form.") from fault
        raise ConfigurationError("Keys of type {kty}/{crv} are not used here.", kty=jwk["kty"], crv=jwk["crv"])

    @cached_property
    def alg(self) -> Algorithm:
        return "EdDSA" if isinstance(self.key, ed25519.Ed25519PublicKey) else "ES256"

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The required members only, so that its canonical form is the thumbprint's input."""
        if isinstance(self.key, ed25519.Ed25519PublicKey):
            return {"crv": "Ed25519", "kty": "OKP", "x": b64url(self.key.public_bytes_raw())}
        numbers = self.key.public_numbers()
        x, y = (b64url(n.to_bytes(_COORDINATE, "big")) for n in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @cached_property
    def kid(self) -> str:
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode()
        return b64url(hashlib.sha256(canonical).digest())

    def named(self, kid: object) -> "PublicKey | None":
        """This key or the one of those it succeeded that has this thumbprint."""
        return next((key for key in (self, *self.former) if key.kid == kid), None)

    def speaking(self, kid: object, now: float) -> "PublicKey | None":
        """The key of this thumbprint, if it may sign what is said now (`now` in s since 1970): this one, or the one
        before it until a `HANDOVER` has passed, in which hosts change over by clocks that differ. Whoever took an older
        key could else speak for the service for ever.
        """
        if kid == self.kid:
            return self
        before = self.former[0] if self.former else None
        in_turn = self.begins is not None and now < self.begins + HANDOVER
        return before if before is not None and before.kid == kid and in_turn else None

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a JWS-style signature (ES256 is r‖s); raises BadSignature."""
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                return self.key.verify(signature, message)
            if len(signature) != 2 * _COORDINATE:
                raise BadSignature("The signature has the wrong length.")
            r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
            return self.key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise BadSignature("The signature does not match.") from None


@dataclass(frozen=True)
class PrivateKey:
    """A signing key. Its `repr` shows only the thumbprint."""

    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"<PrivateKey {self.kid}>"

    @classmethod
    def generate(cls, kind: KeyType = "ed25519") -> Self:
        if kind == "ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def make(cls, place: Path | str, kind: KeyType = "ed25519") -> None:
        """A new key in a file, or in the token that a PKCS#11 URI names unless it has one by that name.

        Raises ConfigurationError.
        """
        if not in_token(place):
            return cls.generate(kind).save(Path(place))
        from sarhad import tokens  # noqa: PLC0415

        return tokens.ensure(str(place), kind)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """The key in a PEM file, or in the token that a PKCS#11 URI names.

        Raises ConfigurationError, also when others than its owner may read the file.
        """
        if in_token(path):
            from sarhad import tokens  # noqa: PLC0415 - what speaks to tokens takes longer to import than all the rest

            return cls(tokens.load(str(path)))
        path = Path(path)
        try:
            loose = path.stat().st_mode & 0o077
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as fault:
            raise ConfigurationError(
                "Cannot read the key {path}: {strerror}.", path=path, strerror=fault.strerror
            ) from fault
        except (ValueError, TypeError) as fault:
            raise ConfigurationError("{path} is not an unencrypted private key in PEM form.", path=path) from fault
        if loose:
            raise ConfigurationError("Others can read the key {path}; protect it: chmod 600 {path}", path=path)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(key)
        raise ConfigurationError("{path} holds a key that is neither Ed25519 nor P-256.", path=path)

    def save(self, path: Path) -> None:
        """Write PEM with mode 0600; never over an existing file (ConfigurationError)."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConfigurationError("There is already a key at {path}; keys are not overwritten.", path=path) from None
        with os.fdopen(handle, "wb") as file:
            file.write(pem)

    @cached_property
    def public(self) -> PublicKey:
        return PublicKey(self.key.public_key())

    @property
    def alg(self) -> Algorithm:
        return self.public.alg

    @property
    def kid(self) -> str:
        return self.public.kid

    def sign(self, message: bytes) -> bytes:
        """A JWS-style signature: 64 bytes for either algorithm."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
