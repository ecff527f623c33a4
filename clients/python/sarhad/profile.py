"""A profile: which service, which agency, which keys. One small TOML file in a directory of its own."""

import json
import os
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

from sarhad.errors import ConfigurationError
from sarhad.keys import PrivateKey, PublicKey, in_token

DEFAULT_SERVICE = "http://127.0.0.1:8000"
_AGENCY = re.compile(r"[A-Z]{2}-[A-Z0-9]{2,12}")
_ORIGIN = re.compile(r"https?://[^/\s]+")


def home() -> Path:
    """Where profiles live: $SARHAD_HOME, or ~/.config/sarhad."""
    return Path(os.environ.get("SARHAD_HOME") or Path.home() / ".config" / "sarhad")


@dataclass(frozen=True)
class Profile:
    """`directory/profile.toml`. A key is a path relative to the directory, or a PKCS#11 URI (`tokens`).

    `service_jwk` is the pinned service key, `former_service_jwks` those that it succeeded, and `service_key_begins`
    when it signs the first time (s since 1970), where it succeeded one.
    """

    directory: Path
    agency: str
    service: str = DEFAULT_SERVICE
    request_key: str = "request.pem"
    record_key: str = "record.pem"
    service_jwk: dict[str, str] | None = field(default=None, hash=False)
    witness_key: str = "witness.pem"
    former_service_jwks: list[dict[str, str]] = field(default_factory=list, hash=False)
    service_key_begins: int | None = None

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
        known = {one.name for one in fields(cls)} - {"directory"}
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
        names = ["service", "agency", "request_key", "record_key"]
        names += ["witness_key"] if self.witness_key != Profile.witness_key else []
        lines = [f"{name} = {json.dumps(getattr(self, name))}" for name in names]
        if self.service_jwk:
            lines.append(f"service_jwk = {_table(self.service_jwk)}")
        if self.former_service_jwks:
            lines.append(f"former_service_jwks = [{', '.join(map(_table, self.former_service_jwks))}]")
        if self.service_key_begins is not None:
            lines.append(f"service_key_begins = {self.service_key_begins}")
        draft = self.file.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        draft.replace(self.file)

    def pinned(self, key: PublicKey) -> Self:
        """The same profile with the service's key remembered."""
        former = [one.jwk for one in key.former]
        return replace(self, service_jwk=key.jwk, former_service_jwks=former, service_key_begins=key.begins)

    def place(self, key: str) -> Path | str:
        """Where one of the profile's keys is: a file, or the URI of a key in a token."""
        return key if in_token(key) else self.directory / key

    def load_request_key(self) -> PrivateKey:
        return PrivateKey.load(self.place(self.request_key))

    def load_record_key(self) -> PrivateKey:
        return PrivateKey.load(self.place(self.record_key))

    @property
    def service_key(self) -> PublicKey | None:
        if self.service_jwk is None:
            return None
        return replace(
            PublicKey.from_jwk(self.service_jwk),
            former=tuple(PublicKey.from_jwk(jwk) for jwk in self.former_service_jwks),
            begins=self.service_key_begins,
        )


def _table(jwk: dict[str, str]) -> str:
    return f"{{ {', '.join(f'{name} = {json.dumps(value)}' for name, value in sorted(jwk.items()))} }}"


def _locate(wanted: str) -> Path | None:
    path = Path(wanted)
    candidates = (path, path / "profile.toml", home() / wanted / "profile.toml")
    return next((file for file in candidates if file.is_file()), None)
