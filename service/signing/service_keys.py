"""The service's keys one after the other: which signs now, which is announced, which signed before.

They are listed in `service-keys.json` of the state folder, the oldest first; without it the one is `service-key.pem`.
A key is announced before it signs, vouched for by the one before it (`succession`), and what signed before stays known:
receipts and checkpoints of its time hold. Every process that has the folder changes over at the same moment, by its
clock, without being told.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.settings import Settings
from service.signing.keys import public_key
from service.signing.service_key import FILE, ServiceKey, written_once

LIST = "service-keys.json"
SECRET = "service-secret"  # noqa: S105 - the name of the file
SUCCESSION = "sarhad-succession+jwt"
TOLD = 2  # successions that every answer carries: who missed more reads them in /v1/service

_log = structlog.get_logger("sarhad.keys")


@dataclass(frozen=True, slots=True)
class Turn:
    """One key's turn: where it is (a file of the state folder, or a PKCS#11 URI), and when it signs.

    Until `until` it signs checkpoints beside the key that follows it, for whoever knows only the old one.
    """

    place: str
    jwk: dict[str, str]
    begins: str | None = None
    until: str | None = None
    succession: str | None = None

    @property
    def kid(self) -> str:
        return self.jwk["kid"]

    def has_begun(self, now: datetime) -> bool:
        return self.begins is None or datetime.fromisoformat(self.begins) <= now

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and datetime.fromisoformat(self.until) <= now


class ServiceKeys:
    """The keys of a state folder, looked up again whenever their list changes."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.state_dir
        self._first = settings.service_key or FILE
        self._held: dict[str, ServiceKey] = {}
        self._read: tuple[tuple[int, int] | None, list[Turn]] = (None, [])

    @property
    def turns(self) -> list[Turn]:
        """The oldest first. Where the state folder has none yet, the first key is made."""
        try:
            found = (self._folder / LIST).stat()
            stamp = (found.st_ino, found.st_mtime_ns)  # the list is replaced, never written over
        except FileNotFoundError:
            stamp = None
        if not self._read[1] or self._read[0] != stamp:
            self._read = stamp, self._listed()
        return self._read[1]

    def current(self, now: datetime | None = None) -> ServiceKey:
        """The key that signs now. One that cannot be had here leaves the one before it signing."""
        begun = self._begun(now)
        for turn in reversed(begun[1:]):
            try:
                return self._key(turn)
            except (OSError, ValueError) as fault:
                _log.critical("service key missing", kid=turn.kid, fault=type(fault).__name__)
        return self._key(begun[0])

    def in_turn(self, now: datetime | None = None) -> bool:
        """Whether the newest key that has begun can be had here."""
        return self.current(now).kid == self._begun(now)[-1].kid

    def beside(self, now: datetime | None = None) -> list[ServiceKey]:
        """Keys that still sign checkpoints beside the current one, newest first."""
        now = now or datetime.now(UTC)
        current, found = self.current(now), []
        for turn in reversed(self._begun(now)):
            if turn.until is not None and not turn.is_over(now) and turn.kid != current.kid:
                try:
                    found.append(self._key(turn))
                except (OSError, ValueError) as fault:
                    _log.warning("former service key missing", kid=turn.kid, fault=type(fault).__name__)
        return found

    def published(self, now: datetime | None = None) -> list[dict[str, str]]:
        """The key that signs, first, and those that are announced."""
        now = now or datetime.now(UTC)
        return [self.current(now).jwk, *(turn.jwk for turn in self.turns if not turn.has_begun(now))]

    def former(self, now: datetime | None = None) -> list[dict[str, str]]:
        """Those that signed before, newest first."""
        current = self.current(now).kid
        return [turn.jwk for turn in reversed(self._begun(now)) if turn.kid != current]

    def successions(self) -> list[str]:
        """Each key's word for the next, the oldest first."""
        return [turn.succession for turn in self.turns if turn.succession is not None]

    def known(self) -> dict[str, Any]:
        """Every public key there ever was, by thumbprint."""
        return {turn.kid: public_key({k: turn.jwk[k] for k in ("kty", "crv", "x")})[0] for turn in self.turns}

    @property
    def secret(self) -> bytes:
        """32 bytes that cursors, challenges and marks are derived from; they stay when keys change.

        The first key makes them once, the same on every host that has it; then they are a file beside it.
        """
        path = self._folder / SECRET
        if not path.exists():
            made = self._key(self.turns[0]).sign(b"sarhad service secret 1")  # Ed25519 signs the same way every time
            written_once(path, HKDF(SHA256(), 32, salt=None, info=b"sarhad service secret").derive(made))
        return path.read_bytes()

    def at(self, place: str) -> ServiceKey:
        """The key at a place, whether it is one of these or not. Raises OSError, ValueError."""
        return ServiceKey.at(self._folder, place)

    def announce(self, place: str, key: ServiceKey, *, begins: datetime, overlap: timedelta) -> Turn:
        """Let `key` follow the last one from `begins` on. Raises ValueError while another is still announced."""
        with self._alone():
            turns = self.turns
            last = turns[-1]
            if not last.has_begun(datetime.now(UTC)):
                raise ValueError(f"{last.kid} is announced and does not sign yet")
            if key.kid in {turn.kid for turn in turns}:
                raise ValueError(f"{key.kid} is a key of this service already")
            _ = self.secret  # before its maker goes
            said = {"jwk": {name: key.jwk[name] for name in ("crv", "kty", "x")}, "nbf": int(begins.timestamp())}
            word = self._key(last).sign_jws(said, SUCCESSION)
            followed = Turn(place, key.jwk, begins.isoformat(), None, word)
            ended = replace(last, until=(begins + overlap).isoformat())
            self._write([*turns[:-1], ended, followed])
            return followed

    def _begun(self, now: datetime | None) -> list[Turn]:
        now = now or datetime.now(UTC)
        return [turn for turn in self.turns if turn.has_begun(now)]

    def _key(self, turn: Turn) -> ServiceKey:
        if turn.kid not in self._held:
            key = load(self._folder, turn.place)
            if key.kid != turn.kid:
                raise ValueError(f"{turn.place} holds another key than {turn.kid}")
            self._held[turn.kid] = key
        return self._held[turn.kid]

    def _listed(self) -> list[Turn]:
        try:
            return [Turn(**entry) for entry in json.loads((self._folder / LIST).read_text())]
        except FileNotFoundError:
            if self._first != FILE and (self._folder / FILE).exists():
                raise ValueError(f"{FILE} is the service's key: let another follow it (service-key rotate)") from None
            key = load(self._folder, self._first)
            self._held[key.kid] = key
            return [Turn(self._first, key.jwk)]

    def _write(self, turns: list[Turn]) -> None:
        draft = self._folder / f".{LIST}.{os.getpid()}"
        with draft.open("w") as file:
            json.dump([asdict(turn) for turn in turns], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o600)
        draft.replace(self._folder / LIST)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / f".{LIST}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def load(folder: Path, place: str) -> ServiceKey:
    """The key at a place; the first file is made when it is not there. Raises OSError, ValueError."""
    if place == FILE:
        return ServiceKey.load_or_create(folder)
    return ServiceKey.at(folder, place)
