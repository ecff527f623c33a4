"""The demonstration region as its file describes it: who takes part, and where each holder's keys lie."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarhad.keys import KeyType, PrivateKey
from sarhad.profile import Profile

DATA = Path(__file__).parents[2] / "deploy" / "demo"


@dataclass(frozen=True)
class Holder:
    """Who holds keys: an agency that files records, or one of its officers."""

    agency: str
    officer: str | None
    roles: tuple[str, ...]
    keys: KeyType

    @property
    def directory(self) -> Path:
        """Relative to the directory of the demonstration keys: `KZ-CUS`, `KZ-NCP/policy`."""
        return Path(self.agency, self.officer) if self.officer else Path(self.agency)

    def ensure_keys(self, directory: Path, service: str, service_jwk: dict[str, str]) -> dict[str, dict[str, str]]:
        """Make the keys and the profile that are missing; answers with the public JWK of each use."""
        place = directory / self.directory
        profile = Profile(directory=place, agency=self.agency, service=service, service_jwk=service_jwk)
        uses = {"request-signing": profile.request_key}
        # A policy is a signed document, and an analysis is countersigned.
        if self.officer is None or {"policy_officer", "laboratory"} & set(self.roles):
            uses["record-signing"] = profile.record_key
        public = {}
        for use, name in uses.items():
            if not (place / name).exists():
                PrivateKey.generate(self.keys).save(place / name)
            public[use] = PrivateKey.load(place / name).public.jwk
        if not profile.file.exists() or Profile.load(place) != profile:
            profile.save()
        return public


@dataclass(frozen=True)
class PlannedAgency:
    code: str
    country: str
    type: str
    name: str
    holders: tuple[Holder, ...]
    people: dict[str, list[str]]  # roles by handle


@dataclass(frozen=True)
class Region:
    """Countries by code, the members among them, and every agency."""

    countries: dict[str, str]
    members: frozenset[str]
    agencies: tuple[PlannedAgency, ...]

    def status(self, country: str) -> str:
        return "member" if country in self.members else "observer"

    def agencies_of(self, country: str) -> tuple[PlannedAgency, ...]:
        return tuple(agency for agency in self.agencies if agency.country == country)


def read_region(file: Path = DATA / "region.toml") -> Region:
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    agencies = [
        *_agencies(data["members"], data["agencies"]),
        *_agencies(data["observers"], data["observer_agencies"]),
    ]
    return Region(data["members"] | data["observers"], frozenset(data["members"]), tuple(agencies))


def _agencies(countries: dict[str, str], templates: list[dict[str, Any]]) -> Iterator[PlannedAgency]:
    for country in countries:
        for template in templates:
            code = f"{country}-{template['code']}"
            keys = template.get("keys", "ed25519")
            holders = [Holder(code, None, tuple(template["roles"]), keys)] if "roles" in template else []
            holders += [
                Holder(code, officer, tuple(roles), keys) for officer, roles in template.get("officers", {}).items()
            ]
            people = template.get("people", {})
            yield PlannedAgency(code, country, template["type"], template["name"], tuple(holders), people)
