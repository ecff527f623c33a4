"""Sensitive facets at rest: sealed with a key of their owner's country, so that what lies in the database, in a backup
or on a lost disk says nothing of them, and the loss of one country's key touches that country alone.

In the place of a disclosure `[salt, facet, value]` stands `[1, sealed, counted]`, which no agency can send, for a salt
is a string. `sealed` is the base64url of wrapped data key (40) ‖ nonce (12) ‖ what AES-256-GCM made of the disclosure;
`counted` is what the cube takes from the facet, in clear. Each facet of each version has a data key of its own, wrapped
by the country's key (AES-KW, RFC 3394); the associated data names country, record, version and facet, so that it opens
in no other place. What is signed, hashed and logged is the disclosure as the agency sent it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sarhad.errors import ConfigurationError
from sarhad.keys import in_token

from service.base64url import decode, encode
from service.problems import Problem
from service.records.registry import BITS
from service.settings import Settings

SENSITIVE: Final = ("persons", "case", "narrative")
"""Facets that no question filters on or sorts by: the database hands them out, and counts groups of persons."""

_log = structlog.get_logger("sarhad.sealing")

MARK: Final = "WzEs"  # the base64url of `[1,`
HASH: Final = 16  # bytes of a content hash that is not wrapped
_WRAPPED, _NONCE = 40, 12
_COUNTED: Final = ("n", "role", "sex", "age_band")


class FacetKeyUnavailable(Problem):
    """The key under which your country's sensitive facets are kept cannot be used."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Opened:
    """The disclosures with what was sealed opened; of what could not be, the facet and why (`no-key`, `changed`)."""

    disclosures: list[str | None]
    unreadable: dict[str, str] = field(default_factory=dict)


class CountryKey(Protocol):
    """A country's key: it wraps data keys and unwraps them. Raises OSError, ValueError."""

    def wrap(self, secret: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _FileKey:
    secret: bytes = field(repr=False)

    def wrap(self, secret: bytes) -> bytes:
        return aes_key_wrap(self.secret, secret)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self.secret, wrapped)
        except InvalidUnwrap as fault:
            raise ValueError("wrapped by another key") from fault


@dataclass(frozen=True, slots=True)
class _TokenKey:
    uri: str

    def wrap(self, secret: bytes) -> bytes:
        return self._do("wrap", secret)

    def unwrap(self, wrapped: bytes) -> bytes:
        return self._do("unwrap", wrapped)

    def _do(self, act: str, what: bytes) -> bytes:
        from sarhad import tokens  # noqa: PLC0415 - takes long to import, and few have tokens

        try:
            return bytes(getattr(tokens.SecretKey(self.uri), act)(what))
        except ConfigurationError as fault:
            raise ValueError(str(fault)) from fault


class Keyring:
    """The countries' keys, each with its places: the first seals, all open. A country without any is not sealed."""

    def __init__(self, places: Mapping[str, Sequence[str]], folder: Path) -> None:
        self._places = places
        self._folder = folder
        self._held: dict[str, CountryKey] = {}

    @classmethod
    def of(cls, settings: Settings) -> "Keyring":
        return cls({one.country: one.keys for one in settings.facet_keys}, settings.state_dir)

    def seal(self, disclosures: Sequence[str | None], country: str, record: object, version: int) -> list[str | None]:
        """Raises FacetKeyUnavailable."""
        sealed = list(disclosures)
        for facet in self._hidden(sealed, country):
            disclosure = decode((sealed[BITS[facet]] or "").encode())
            secret, nonce = AESGCM.generate_key(256), os.urandom(_NONCE)
            hidden = AESGCM(secret).encrypt(nonce, disclosure, _context(country, record, version, facet))
            content = encode(self._wrap(secret, country) + nonce + hidden)
            sealed[BITS[facet]] = encode(orjson.dumps([1, content, _counted(facet, disclosure)]))
        return sealed

    def blind(self, content: bytes, disclosures: Sequence[str | None], country: str) -> bytes:
        """A hash over what is sealed too, wrapped itself, always to the same: nobody without the key can try what the
        facets may say. Raises FacetKeyUnavailable.
        """
        hides = len(content) == HASH and self._hidden(disclosures, country)
        return self._wrap(content, country) if hides else content

    def open(self, disclosures: Sequence[str | None], country: str, record: object, version: int) -> Opened:
        found = Opened(list(disclosures))
        for facet in SENSITIVE:
            place = BITS[facet]
            sealed = found.disclosures[place]
            if sealed is not None and sealed.startswith(MARK):
                said = self._opened(sealed, country, _context(country, record, version, facet))
                found.disclosures[place] = said.get("disclosure")
                if "why" in said:
                    found.unreadable[facet] = said["why"]
        return found

    def renew(
        self, disclosures: Sequence[str | None], content: bytes, country: str, record: object, version: int
    ) -> tuple[list[str | None], bytes] | None:
        """Disclosures and hash of their content under the country's first key; None where they are. What no key opens
        stays as it is. Raises FacetKeyUnavailable.
        """
        found = self.open(disclosures, country, record, version)
        if found.unreadable or self._is_current(disclosures, country):
            return None
        if len(content) != HASH:
            content = next(self._unwrapped(country, content), content)
        return self.seal(found.disclosures, country, record, version), self.blind(content, found.disclosures, country)

    def _hidden(self, disclosures: Sequence[str | None], country: str) -> list[str]:
        sensitive = SENSITIVE if self._places.get(country) else ()
        return [facet for facet in sensitive if disclosures[BITS[facet]] is not None]

    def _is_current(self, disclosures: Sequence[str | None], country: str) -> bool:
        try:
            first = self._key(self._places[country][0])
            for facet in self._hidden(disclosures, country):
                first.unwrap(_parts(disclosures[BITS[facet]] or "")[0])
        except (OSError, ValueError):
            return False
        return True

    def _wrap(self, secret: bytes, country: str) -> bytes:
        try:
            return self._key(self._places[country][0]).wrap(secret)
        except (OSError, ValueError) as fault:
            _log.error("facet_key_unavailable", country=country, why=str(fault))
            raise FacetKeyUnavailable("nothing was kept; the operator is told", country=country) from fault

    def _opened(self, sealed: str, country: str, context: bytes) -> dict[str, str]:
        try:
            wrapped, nonce, hidden = _parts(sealed)
            for secret in self._unwrapped(country, wrapped):
                return {"disclosure": encode(AESGCM(secret).decrypt(nonce, hidden, context))}
        except (InvalidTag, ValueError):
            return {"why": "changed"}
        return {"why": "no-key"}

    def _unwrapped(self, country: str, wrapped: bytes) -> Iterator[bytes]:
        for place in self._places.get(country, ()):
            try:
                yield self._key(place).unwrap(wrapped)
            except (OSError, ValueError):
                continue

    def _key(self, place: str) -> CountryKey:
        if place not in self._held:
            self._held[place] = _TokenKey(place) if in_token(place) else _FileKey(_read(self._folder / place))
        return self._held[place]


def make(place: str, folder: Path) -> None:
    """A new key at this place, never over another. Raises OSError, ConfigurationError."""
    if in_token(place):
        from sarhad import tokens  # noqa: PLC0415

        tokens.generate_secret(place)
        return
    path = folder / place
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(AESGCM.generate_key(256))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"others can read {path}")
    content = path.read_bytes()
    if len(content) != 32:
        raise ValueError(f"{path} is not a key of 256 bits")
    return content


def _parts(sealed: str) -> tuple[bytes, bytes, bytes]:
    """Wrapped data key, nonce, what is hidden. Raises ValueError."""
    match orjson.loads(decode(sealed.encode())):
        case [1, str(said), _]:
            content = decode(said.encode())
            at = _WRAPPED + _NONCE
            return content[:_WRAPPED], content[_WRAPPED:at], content[at:]
    raise ValueError("not a sealed facet")


def _counted(facet: str, disclosure: bytes) -> dict[str, Any] | None:
    if facet != "persons":
        return None
    groups = orjson.loads(disclosure)[2]["groups"]
    return {"groups": [{name: group[name] for name in _COUNTED} for group in groups]}


def _context(country: str, record: object, version: int, facet: str) -> bytes:
    return orjson.dumps(["sarhad-facet/1", country, str(record), version, facet])


_ring = Keyring({}, Path())


def use(settings: Settings) -> None:
    """The keys of this process from now on."""
    global _ring  # noqa: PLW0603 - one process serves one exchange, and what presents records is pure but for this
    _ring = Keyring.of(settings)


def ring() -> Keyring:
    return _ring


def opened(row: Mapping[str, Any]) -> Opened:
    """The disclosures of a row that names its country, record and version."""
    return _ring.open(row["disclosures"], row["country"], row["record_id"], row["version"])
