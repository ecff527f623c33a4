"""Which agency signs a row: one profile for all, or one for each reporting country."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sarhad.errors import InputError
from sarhad.imports.mapping import RowError
from sarhad.keys import PrivateKey
from sarhad.profile import Profile


@dataclass
class Agencies:
    """Profiles by country, or one for every row (`"*"`). Record keys are read once."""

    profiles: Mapping[str, Profile]
    _keys: dict[Path, PrivateKey] = field(default_factory=dict)

    @classmethod
    def single(cls, profile: Profile) -> Self:
        """One agency that reports for its own country only."""
        return cls({profile.agency[:2]: profile})

    @classmethod
    def load(cls, path: Path) -> Self:
        """A TOML file (`KZ = "path/of/profile"`) or a directory of `<AGENCY>/profile.toml`."""
        if path.is_dir():
            found = dict(_in_directory(path))
        else:
            try:
                table = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as fault:
                raise InputError(f"Cannot read the agency map {path}: {fault}.") from None
            found = {country: Profile.load(path.parent / str(name)) for country, name in table.items()}
        if not found:
            raise InputError(f"{path} maps no country to a profile.")
        for country, profile in found.items():
            if not profile.agency.startswith(f"{country}-"):
                raise InputError(f"{path}: {profile.agency} is not an agency of {country}.")
        return cls(found)

    @property
    def any(self) -> Profile:
        """A profile to ask neutral questions with."""
        return next(iter(self.profiles.values()))

    def of(self, country: str) -> Profile:
        """Raises RowError for a country nobody here may report for."""
        if country not in self.profiles:
            raise RowError(f"No agency of {country} is mapped (--agency-map).")
        return self.profiles[country]

    def record_key(self, profile: Profile) -> PrivateKey:
        if profile.directory not in self._keys:
            self._keys[profile.directory] = profile.load_record_key()
        return self._keys[profile.directory]


def _in_directory(path: Path) -> Iterator[tuple[str, Profile]]:
    """Profiles that can sign records, one a country: drug control (`KZ-DCA`) where there is one."""
    folders = sorted(path.glob("[A-Z][A-Z]-*"), key=lambda folder: (not folder.name.endswith("-DCA"), folder.name))
    taken: set[str] = set()
    for folder in folders:
        country = folder.name[:2]
        if country not in taken and (folder / "profile.toml").is_file():
            profile = Profile.load(folder)
            if (profile.directory / profile.record_key).is_file():
                taken.add(country)
                yield country, profile
