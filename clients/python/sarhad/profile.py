"""A profile: which service, which agency, which keys. One small TOML file in a directory of its own."""

import json
import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey, PublicKey

DEFAULT_SERVICE = "http://127.0.0.1:8000"
_AGENCY = re.compile(r"[A-Z]{2}-[A-Z0-9]{2,12}")
_ORIGIN = re.compile(r"https?://[^/\s]+")


def home() -> Path:
    """Where profiles live: $SARHAD_HOME, or ~/.config/sarhad."""
    return Path(os.environ.get("SARHAD_HOME") or Path.home() / ".config" / "sarhad")


@dataclass(frozen=True)
class Profile:
    """`directory/profile.toml`. Key paths are relative to the directory; `service_jwk` is the pinned
    service key.
    """

    directory: Path
    agency: str
    service: str = DEFAULT_SERVICE
    request_key: str = "request.pem"
    record_key: str = "record.pem"
    service_jwk: dict[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if not _AGENCY.fullmatch(self.agency):
            raise ConfigurationError("{agency} is not an agency code such as KZ-CUS.", agency=repr(self.agency))
        if not _ORIGIN.fullmatch(self.service):
            raise ConfigurationError(
                "{service} is not a service address such as {example}.",
                service=repr(self.service),
                example=DEFAULT_SERVICE,
            )

    @classmethod
    def load(cls, name: str | Path | None = None) -> Self:
        """A profile by directory, by file, or by name under `home()`; without a name $SARHAD_PROFILE or
        `default`.

        Raises ConfigurationError with the command that makes one.
        """
        wanted = str(name or os.environ.get("SARHAD_PROFILE") or "default")
        file = _locate(wanted)
        if file is None:
            raise ConfigurationError(
                "There is no profile {wanted}; make one: sarhad keys new --agency KZ-CUS --profile {name}",
                wanted=repr(wanted),
                name=wanted,
            )
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise ConfigurationError("Cannot read the profile {file}: {fault}", file=file, fault=fault) from fault
        known = {"agency", "service", "request_key", "record_key", "service_jwk"}
        if unknown := sorted(set(values) - known):
            raise ConfigurationError("{file} has unknown settings: {unknown}.", file=file, unknown=", ".join(unknown))
        if "agency" not in values:
            raise ConfigurationError("{file} does not name its agency.", file=file)
        return cls(directory=file.parent, **values)

    @property
    def file(self) -> Path:
        return self.directory / "profile.toml"

    def save(self) -> None:
        """Write the file atomically, so that a crash leaves the old or the new one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = ("service", "agency", "request_key", "record_key")
        lines = [f"{name} = {json.dumps(getattr(self, name))}" for name in names]
        if self.service_jwk:
            pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in sorted(self.service_jwk.items()))
            lines.append(f"service_jwk = {{ {pairs} }}")
        draft = self.file.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(self.file)

    def pinned(self, key: PublicKey) -> Self:
        """The same profile with the service's key remembered."""
        return replace(self, service_jwk=key.jwk)

    def load_request_key(self) -> PrivateKey:
        return PrivateKey.load(self.directory / self.request_key)

    def load_record_key(self) -> PrivateKey:
        return PrivateKey.load(self.directory / self.record_key)

    @property
    def service_key(self) -> PublicKey | None:
        return PublicKey.from_jwk(self.service_jwk) if self.service_jwk else None


def _locate(wanted: str) -> Path | None:
    path = Path(wanted)
    candidates = (path, path / "profile.toml", home() / wanted / "profile.toml")
    return next((file for file in candidates if file.is_file()), None)
