"""A key of the service's own, Ed25519: signs responses, receipts and checkpoints. One key for all workers of a state
folder; which, and what came before it, is in `service_keys`.
"""

import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey, in_token

from service.base64url import encode
from service.signing.keys import jwk_of, thumbprint

FILE = "service-key.pem"


class ServiceKey:
    """An Ed25519 private key with its `kid` (RFC 7638 thumbprint) and public JWK."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key

    @classmethod
    def generate(cls) -> "ServiceKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> "ServiceKey":
        """The key of an unencrypted PKCS #8 PEM file. Raises OSError, and ValueError for any other kind of key."""
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} does not hold an Ed25519 private key")
        return cls(key)

    @classmethod
    def at(cls, folder: Path, place: str) -> "ServiceKey":
        """The key of a file in the folder, or in the token that a PKCS#11 URI names. Raises OSError, ValueError."""
        if not in_token(place):
            return cls.load(folder / place)
        try:
            key = PrivateKey.load(place).key
        except ConfigurationError as fault:
            raise ValueError(str(fault)) from fault
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the token does not hold an Ed25519 key by this name")
        return cls(key)

    @classmethod
    def load_or_create(cls, state_dir: Path, name: str = FILE) -> "ServiceKey":
        """The key of this state folder, made on the first start.

        Workers that start together all get the same key.
        """
        path = state_dir / name
        if path.exists():
            return cls.load(path)
        cls.generate().save(path)
        return cls.load(path)

    def save(self, path: Path) -> None:
        """Write an unencrypted PEM file that only its owner reads, unless there is one."""
        written_once(path, self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self.private_key.public_key()

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public JWK with `kid`, `alg` and `use`."""
        return {**jwk_of(self.public_key), "kid": self.kid, "alg": "EdDSA", "use": "sig"}

    @cached_property
    def kid(self) -> str:
        return thumbprint(jwk_of(self.public_key))

    def sign(self, message: bytes) -> bytes:
        return self.private_key.sign(message)

    def sign_base64(self, message: bytes) -> str:
        return b64encode(self.sign(message)).decode()

    def sign_jws(self, payload: Mapping[str, object], typ: str) -> str:
        """A compact JWS (RFC 7515) with header {"alg":"EdDSA","kid","typ"}, as receipts are."""
        header = self._header(typ)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        signed = f"{header}.{encode(body)}"
        return f"{signed}.{encode(self.sign(signed.encode()))}"

    def _header(self, typ: str) -> str:
        return encode(json.dumps({"alg": "EdDSA", "kid": self.kid, "typ": typ}, separators=(",", ":")).encode())


def written_once(path: Path, content: bytes) -> None:
    """Whoever of several is first has its content kept: each writes a temporary file, and the first hard link wins. The
    file is complete, and readable by its owner only, from the moment it has its name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)


def sign_jws(key: ServiceKey, payload: Mapping[str, object], typ: str) -> str:
    """`payload` signed by the service: `key.sign_jws` as a function."""
    return key.sign_jws(payload, typ)
