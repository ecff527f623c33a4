"""Keys that stay in a PKCS#11 token, named by an RFC 7512 URI wherever the path of a key file may stand.

    pkcs11:token=sarhad;object=service?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/sarhad/pin

`token` or `serial` names the token, `object` or `id` the key. The PIN is read from the file that `pin-source` names,
which only its owner may read; a PIN in the URI itself is refused, for URIs are shown and logged.
"""

import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeVar
from urllib.parse import unquote, unquote_to_bytes

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from sarhad.errors import ConfigurationError

SCHEME: Final = "pkcs11:"
_PATH: Final = {"token", "serial", "object", "id", "type"}
_QUERY: Final = {"module-path", "pin-source"}
_CURVES: Final = {  # DER of the named curve, by type of key
    KeyType.EC_EDWARDS: bytes.fromhex("06032b6570"),  # Ed25519 (RFC 8410)
    KeyType.EC: bytes.fromhex("06082a8648ce3d030107"),  # P-256 (RFC 5480)
}
_ED25519_BYTES, _P256_BYTES = 32, 65

T = TypeVar("T")


@dataclass(frozen=True)
class Location:
    """Where a key is: the parts of a PKCS#11 URI that are used here."""

    module: str
    pin_source: Path | None
    token: str | None
    serial: bytes | None
    label: str | None
    id: bytes | None

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Raises ConfigurationError for what is no URI of RFC 7512, or does not say enough to find one key."""
        path, _, query = uri.removeprefix(SCHEME).partition("?")
        named = _attributes(path, ";", _PATH)
        asked = _attributes(query, "&", _QUERY)
        if "module-path" not in asked or not {"token", "serial"} & named.keys() or not {"object", "id"} & named.keys():
            raise ConfigurationError(
                "A PKCS#11 URI names a token, a key and the module of the token, such as {example}.",
                example="pkcs11:token=sarhad;object=request?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=PIN-FILE",
            )
        source = asked.get("pin-source")
        return cls(
            module=unquote(asked["module-path"]),
            pin_source=Path(unquote(source).removeprefix("file://").removeprefix("file:")) if source else None,
            token=unquote(named["token"]) if "token" in named else None,
            serial=unquote_to_bytes(named["serial"]) if "serial" in named else None,
            label=unquote(named["object"]) if "object" in named else None,
            id=unquote_to_bytes(named["id"]) if "id" in named else None,
        )

    @property
    def shown(self) -> str:
        return (
            f"{SCHEME}token={self.token or (self.serial or b'').decode()};object={self.label or (self.id or b'').hex()}"
        )

    def pin(self) -> str | None:
        """The first line of the file that `pin-source` names. Raises ConfigurationError."""
        if self.pin_source is None:
            return None
        try:
            loose = self.pin_source.stat().st_mode & 0o077
            lines = self.pin_source.read_text(encoding="utf-8").splitlines()
        except OSError as fault:
            raise ConfigurationError(
                "Cannot read the key {path}: {strerror}.", path=self.pin_source, strerror=fault.strerror
            ) from fault
        if loose:
            raise ConfigurationError(
                "Others can read the key {path}; protect it: chmod 600 {path}", path=self.pin_source
            )
        return lines[0] if lines else ""

    def found_by(self) -> dict[Attribute, Any]:
        named = {Attribute.LABEL: self.label, Attribute.ID: self.id}
        return {name: value for name, value in named.items() if value is not None}


def _attributes(text: str, separator: str, known: set[str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(separator)] if text else []
    found = {name: value for name, equals, value in pairs if equals}
    if len(found) != len(pairs) or not found.keys() <= known:
        # said without the values: among them may be a PIN
        raise ConfigurationError(
            "Of a PKCS#11 URI only {known} are read; a PIN is in the file that pin-source names.",
            known=", ".join(sorted(_PATH | _QUERY)),
        )
    return found


class Token:
    """An open session on one token, opened again when the token was away or the process has forked.

    A session does one thing at a time, so calls wait for each other.
    """

    _open: Final[dict[tuple[str, str | None, bytes | None], "Token"]] = {}
    _guard: Final = threading.Lock()
    _begun: Final[dict[str, int]] = {}  # which process has initialised a module

    def __init__(self, location: Location) -> None:
        self._location = location
        self._lock = threading.RLock()
        self._session: Any = None
        self._process = 0

    @classmethod
    def of(cls, location: Location) -> "Token":
        with cls._guard:
            return cls._open.setdefault((location.module, location.token, location.serial), cls(location))

    def do(self, act: Callable[[Any], T]) -> T:
        """`act` with the session; once more with a new one if the token refuses. Raises ConfigurationError."""
        with self._lock:
            for last in (False, True):
                try:
                    return act(self._opened())
                except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned):
                    raise
                except pkcs11.PKCS11Error as fault:
                    self._close()
                    if last:
                        raise ConfigurationError(
                            "The token of {key} does not serve: {fault}",
                            key=self._location.shown.partition(";")[0],
                            fault=str(fault) or type(fault).__name__,
                        ) from fault
        raise AssertionError  # one of both turns ends it

    def _close(self) -> None:
        with suppress(pkcs11.PKCS11Error):
            if self._session is not None:
                self._session.close()
        self._session = None

    def _opened(self) -> Any:
        if self._session is None or self._process != os.getpid():
            try:
                library = pkcs11.lib(self._location.module)
            except (OSError, RuntimeError) as fault:
                raise pkcs11.PKCS11Error(str(fault)) from fault
            if self._begun.setdefault(self._location.module, os.getpid()) != os.getpid():
                library.reinitialize()
                self._begun[self._location.module] = os.getpid()
            wanted = {"token_label": self._location.token, "token_serial": self._location.serial}
            token = library.get_token(**{name: value for name, value in wanted.items() if value is not None})
            try:
                self._session = token.open(rw=True, user_pin=self._location.pin())
            except pkcs11.UserAlreadyLoggedIn:
                self._session = token.open(rw=True)
            self._process = os.getpid()
        return self._session


class _Held:
    """A private key in a token, and the public key beside it."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._token = Token.of(location)
        self._found: tuple[Any, Any] = (None, None)  # the session, and the key in it
        self.public = self._token.do(self._public)

    def sign(self, message: bytes, mechanism: Mechanism) -> bytes:
        return self._token.do(lambda session: bytes(self._key(session).sign(message, mechanism=mechanism)))

    def _key(self, session: Any) -> Any:
        if self._found[0] is not session:
            self._found = session, session.get_key(object_class=ObjectClass.PRIVATE_KEY, **_named(self._location))
        return self._found[1]

    def _public(self, session: Any) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
        found = session.get_key(object_class=ObjectClass.PUBLIC_KEY, **_named(self._location))
        point, kind = bytes(found[Attribute.EC_POINT]), found.key_type
        if bytes(found[Attribute.EC_PARAMS]) != _CURVES.get(kind):
            raise ConfigurationError("{path} holds a key that is neither Ed25519 nor P-256.", path=self._location.shown)
        # Wrapped in an OCTET STRING as PKCS#11 3.0 has it, or bare, as some tokens give it: the point comes last.
        if kind == KeyType.EC_EDWARDS:
            return ed25519.Ed25519PublicKey.from_public_bytes(point[-_ED25519_BYTES:])
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[-_P256_BYTES:])


def _named(location: Location) -> dict[str, Any]:
    named = {"label": location.label, "id": location.id}
    return {name: value for name, value in named.items() if value is not None}


def load(uri: str) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    """The key that the URI names: it signs as any other, and its bytes cannot be had. Raises ConfigurationError."""
    location = Location.parse(uri)
    try:
        held = _Held(location)
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as fault:
        raise ConfigurationError("The token holds no such key, or several: {key}", key=location.shown) from fault
    return TokenEd25519(held) if isinstance(held.public, ed25519.Ed25519PublicKey) else TokenP256(held)


def generate(uri: str, kind: KeyType = KeyType.EC_EDWARDS) -> None:
    """Make the pair that the URI is to name, in the token; never a second of one name. Raises ConfigurationError."""
    location = Location.parse(uri)

    def made(session: Any) -> None:
        if next(iter(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **location.found_by()})), None):
            raise ConfigurationError("There is already a key at {path}; keys are not overwritten.", path=location.shown)
        domain = session.create_domain_parameters(kind, {Attribute.EC_PARAMS: _CURVES[kind]}, local=True)
        mechanism = Mechanism.EC_EDWARDS_KEY_PAIR_GEN if kind == KeyType.EC_EDWARDS else Mechanism.EC_KEY_PAIR_GEN
        domain.generate_keypair(
            id=location.id or secrets.token_bytes(8), label=location.label, store=True, mechanism=mechanism
        )

    Token.of(location).do(made)


def ensure(uri: str, kind: str) -> None:
    """`generate`, unless the token has that key. Raises ConfigurationError."""
    try:
        load(uri)
    except ConfigurationError:
        generate(uri, KeyType.EC_EDWARDS if kind == "ed25519" else KeyType.EC)


class _StaysThere:
    """What asks for the bytes of a key in a token is told that there is no such thing."""

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this key stays in its token")

    private_bytes_raw = private_numbers = exchange = private_bytes

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class TokenEd25519(_StaysThere, ed25519.Ed25519PrivateKey):
    """An Ed25519 key in a token (CKM_EDDSA)."""

    def __init__(self, held: _Held) -> None:
        self._held = held

    def public_key(self) -> ed25519.Ed25519PublicKey:
        assert isinstance(self._held.public, ed25519.Ed25519PublicKey)
        return self._held.public

    def sign(self, data: Any) -> bytes:
        return self._held.sign(bytes(data), Mechanism.EDDSA)


class TokenP256(_StaysThere, ec.EllipticCurvePrivateKey):
    """A P-256 key in a token (CKM_ECDSA); it signs what is hashed with SHA-256 here."""

    curve = ec.SECP256R1()
    key_size = 256

    def __init__(self, held: _Held) -> None:
        self._held = held

    def public_key(self) -> ec.EllipticCurvePublicKey:
        assert isinstance(self._held.public, ec.EllipticCurvePublicKey)
        return self._held.public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("it signs with SHA-256")
        raw = self._held.sign(hashlib.sha256(bytes(data)).digest(), Mechanism.ECDSA)
        return encode_dss_signature(*(int.from_bytes(half, "big") for half in (raw[:32], raw[32:])))


class SecretKey:
    """An AES-256 key in a token, under which others are kept (CKM_AES_KEY_WRAP, RFC 3394)."""

    def __init__(self, uri: str) -> None:
        self._location = Location.parse(uri)
        self._token = Token.of(self._location)

    def wrap(self, secret: bytes) -> bytes:
        """Raises ConfigurationError."""

        def wrapped(session: Any, own: Any) -> bytes:
            passing = session.create_object({**_PASSING, Attribute.VALUE: secret})
            try:
                return bytes(own.wrap_key(passing, mechanism=_WRAP))
            finally:
                passing.destroy()

        return self._do(wrapped)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Raises ConfigurationError, also for what another key wrapped."""

        def unwrapped(_: Any, own: Any) -> bytes:
            kind = _PASSING[Attribute.CLASS], _PASSING[Attribute.KEY_TYPE]
            found = own.unwrap_key(*kind, wrapped, mechanism=_WRAP, template=_PASSING, store=False)
            try:
                return bytes(found[Attribute.VALUE])
            finally:
                found.destroy()

        return self._do(unwrapped)

    def _do(self, act: Callable[[Any, Any], bytes]) -> bytes:
        try:
            return self._token.do(
                lambda session: act(session, session.get_key(ObjectClass.SECRET_KEY, **_named(self._location)))
            )
        except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as fault:
            raise ConfigurationError(
                "The token holds no such key, or several: {key}", key=self._location.shown
            ) from fault


_WRAP: Final = Mechanism.AES_KEY_WRAP
_PASSING: Final = {  # a data key while it passes through
    Attribute.CLASS: ObjectClass.SECRET_KEY,
    Attribute.KEY_TYPE: KeyType.AES,
    Attribute.SENSITIVE: False,
    Attribute.EXTRACTABLE: True,
    Attribute.TOKEN: False,
}


def generate_secret(uri: str) -> None:
    """Make the AES-256 key that the URI is to name; never a second of one name. Raises ConfigurationError."""
    location = Location.parse(uri)

    def made(session: Any) -> None:
        if next(iter(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, **location.found_by()})), None):
            raise ConfigurationError("There is already a key at {path}; keys are not overwritten.", path=location.shown)
        session.generate_key(KeyType.AES, 256, id=location.id, label=location.label, store=True)

    Token.of(location).do(made)
