"""The exchange under test: a migrated database, an enrolled region, the service on a real socket, real clients."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from alembic import command
from sarhad import Client, PrivateKey, Profile
from sarhad.policies import sign_policy
from sarhad.records import Record, issue, item, seizure
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from service.cli.db import ROLES_SQL, alembic_config
from service.cli.reference import load_reference
from service.database import administration
from service.identity import enrol
from service.settings import Settings

COUNTRIES = {
    "AZ": "Azerbaijan",
    "KG": "Kyrgyzstan",
    "KZ": "Kazakhstan",
    "RU": "Russian Federation",
    "TJ": "Tajikistan",
    "TM": "Turkmenistan",
    "UZ": "Uzbekistan",
}
AGENCIES = {
    "CUS": ("CU", ("reporter", "analyst")),
    "LAB": ("LAB", ("laboratory",)),
    "DCA": ("DC", ("analyst",)),
}
OFFICERS = {
    "policy": ("policy_officer",),
    "admin1": ("key_administrator",),
    "admin2": ("key_administrator",),
    "auditor": ("auditor",),
}


async def prepare(settings: Settings) -> None:
    """Roles, migrations, reference data: what `sarhad db` does."""
    with create_engine(settings.database_as()).begin() as connection:
        connection.exec_driver_sql(ROLES_SQL.read_text())
    await asyncio.to_thread(command.upgrade, alembic_config(settings), "head")
    await load_reference(settings)


@dataclass
class Region:
    """Profiles by name: an agency `KZ-CUS`, or an officer of the drug control agency `KZ-DCA/policy`."""

    profiles: dict[str, Profile] = field(default_factory=dict)

    @classmethod
    async def enrol(cls, settings: Settings, directory: Path) -> Self:
        region = cls()
        engine = administration(settings)
        async with async_sessionmaker(engine).begin() as session:
            for country, name in COUNTRIES.items():
                await enrol.enrol_country(session, country, name)
                for suffix, (kind, roles) in AGENCIES.items():
                    code = f"{country}-{suffix}"
                    await enrol.enrol_agency(session, code, kind, f"{name} {suffix}")
                    await region.add(session, directory, code, roles, name=code)
                for officer, roles in OFFICERS.items():
                    await region.add(session, directory, f"{country}-DCA", roles, name=f"{country}-DCA/{officer}")
        await engine.dispose()
        return region

    async def add(
        self, session: AsyncSession, directory: Path, agency: str, roles: tuple[str, ...], *, name: str
    ) -> None:
        """Keys of one holder, enrolled with their roles."""
        profile = Profile(directory=directory / name.replace("/", "-"), agency=agency)
        profile.save()
        for use, file in (("request-signing", profile.request_key), ("record-signing", profile.record_key)):
            key = PrivateKey.generate()
            key.save(profile.directory / file)
            kid = await enrol.enrol_key(session, agency, use, key.public.jwk)
            if use == "request-signing":
                for role in roles:
                    await enrol.grant_role(session, kid, role)
        self.profiles[name] = profile


class Exchange:
    """A running service and the parties that talk to it."""

    def __init__(self, process: subprocess.Popen[bytes], settings: Settings, region: Region) -> None:
        self.process, self.settings, self.region = process, settings, region
        self._clients: dict[tuple[str, str | None], Client] = {}

    @classmethod
    def start(cls, settings: Settings, region: Region, *, workers: int = 2, **variables: str) -> "Exchange":
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        running = settings.model_copy(update={"port": port, "origin": f"http://127.0.0.1:{port}"})
        environment = os.environ | {
            "SARHAD_DATABASE_URL": running.database_url,
            "SARHAD_STATE_DIR": str(running.state_dir),
            "SARHAD_ORIGIN": running.origin,
            "SARHAD_PORT": str(port),
            "SARHAD_WORKERS": str(workers),
            "SARHAD_REQUESTS_PER_MINUTE": str(running.requests_per_minute),
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", "from service.cli.serve import app; app()"],
            env=environment,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )
        exchange = cls(process, running, region)
        exchange.wait_ready()
        return exchange

    def wait_ready(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}")
            try:
                if httpx.get(f"{self.settings.origin}/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the service did not become ready")

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def client(self, name: str, purpose: str | None = "operational") -> Client:
        """`KZ-CUS`, or an officer: `KZ-DCA/policy`."""
        if (name, purpose) not in self._clients:
            profile = self.region.profiles[name]
            self._clients[name, purpose] = Client(
                service=self.settings.origin, key=profile.load_request_key(), purpose=purpose
            )
        return self._clients[name, purpose]

    def sign(self, record: Record) -> str:
        """The record signed by its agency."""
        return issue(self.region.profiles[record.agency].load_record_key(), record)

    def adopt(self, country: str, *rules: dict[str, Any]) -> None:
        """The next version of a country's policy, signed and put by its officer."""
        officer = f"{country}-DCA/policy"
        client = self.client(officer, None)
        try:
            version = client.get_policy(country)["version"]
        except Exception:  # no policy yet
            version = 0
        document = {
            "policy": "sarhad-policy/1",
            "country": country,
            "version": version + 1,
            "rules": list(rules),
        }
        put_policy(client, self.region.profiles[officer], document)


def put_policy(client: Client, profile: Profile, document: dict[str, Any]) -> Any:
    """PUT /v1/policies with the document signed by the officer's agency."""
    return client.put_policy(document["country"], sign_policy(profile.load_record_key(), document))


def heroin(agency: str = "KZ-CUS", **facets: Any) -> Record:
    """A plausible seizure report; facets may be given or replaced."""
    given: dict[str, Any] = {
        "reference": f"T-{time.time_ns()}",
        "country": agency[:2],
        "instant": "2026-03-14T04:20:00+05:00",
        "items": [item(None, "heroin", "11.840", "kg", status="PRES")],
        "narrative": {"text": "Found behind the seats.", "language": "en"},
    }
    return seizure(agency, **(given | facets))
