"""The service's own Ed25519 key: signs responses, receipts and checkpoints. One key for all workers of a
state folder.
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
        """The key of an unencrypted PKCS #8 PEM file. Raises ValueError for any other kind of key."""
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} does not hold an Ed25519 private key")
        return cls(key)

    @classmethod
    def load_or_create(cls, state_dir: Path, name: str = FILE) -> "ServiceKey":
        """The key of this state folder, made on the first start.

        Workers that start together all get the same key: each writes its own temporary file, and the one
        whose hard link comes first wins; the file is complete, and readable by its owner only, from the
        moment it has its name.
        """
        path = state_dir / name
        if path.exists():
            return cls.load(path)
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = cls.generate().private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        handle, temporary = tempfile.mkstemp(dir=state_dir, prefix=f".{name}.")  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
        return cls.load(path)

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


def sign_jws(key: ServiceKey, payload: Mapping[str, object], typ: str) -> str:
    """`payload` signed by the service: `key.sign_jws` as a function."""
    return key.sign_jws(payload, typ)
