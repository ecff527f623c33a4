"""The exchange under test: a migrated database, an enrolled region, the service on a real socket, real clients."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx
from alembic import command
from sarhad import Client, PrivateKey, Profile
from sarhad.policies import sign_approval, sign_policy
from sarhad.records import Record, issue, item, seizure
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.pool import NullPool

from service.cli.db import ROLES_SQL, alembic_config
from service.cli.reference import load_reference
from service.database import administration
from service.identity import enrol
from service.settings import Settings
from tests.forks import ROOT, Fork

CONSOLE = ROOT / "clients" / "web" / "dist"
PREPARED = "SARHAD_TESTS_PREPARED"  # the name of this run's prepared database
SERVE = "from service.cli.serve import app; app()"
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
    "policy2": ("policy_officer",),
    "admin1": ("key_administrator",),
    "admin2": ("key_administrator",),
    "auditor": ("auditor",),
}


async def prepare(settings: Settings) -> None:
    """Roles, migrations, reference data: what `sarhad db` does."""
    with create_engine(settings.database_as(), poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(ROLES_SQL.read_text())
    await asyncio.to_thread(command.upgrade, alembic_config(settings), "head")
    await load_reference(settings)


def copy_prepared(name: str) -> str:
    """The URL of a new database, migrated and filled: a copy of one that the first who asks prepares for this run.

    A copy has the tables and rights of the original, and not its rights as a database: they are set as migrations do.
    """
    server, original = Settings(), os.environ[PREPARED]
    address = server.database_as().set(database="postgres")
    maintenance = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def url(database: str) -> str:
        return server.database_as().set(database=database).render_as_string(hide_password=False)

    with maintenance.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(4711)"))  # of this session: it ends with the connection
        if not connection.scalar(text("SELECT count(*) FROM pg_database WHERE datname = :n"), {"n": original}):
            connection.execute(text(f"DROP DATABASE IF EXISTS {original}_unfinished WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {original}_unfinished"))
            asyncio.run(prepare(Settings(database_url=url(f"{original}_unfinished"))))
            connection.execute(text(f"ALTER DATABASE {original}_unfinished RENAME TO {original}"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY file_copy"))
        connection.execute(text(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"))
    return url(name)


def begun(
    program: str, environment: Mapping[str, str], output: Path | None, *, anew: bool = False
) -> subprocess.Popen[bytes] | Fork:
    """A service: a fork in tests; what is measured (`tests/bench`), or `anew`, is a Python of its own."""
    if not anew and "PYTEST_VERSION" in os.environ:
        return Fork(program, environment, output)
    with output.open("ab") if output else nullcontext() as said:
        return subprocess.Popen(
            [sys.executable, "-c", program], env=environment, cwd=ROOT, start_new_session=True, stdout=said, stderr=said
        )


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

    def __init__(self, process: subprocess.Popen[bytes] | Fork, settings: Settings, region: Region) -> None:
        self.process, self.settings, self.region = process, settings, region
        self._clients: dict[tuple[str, str | None], Client] = {}
        self._environment: dict[str, str] = {}

    @classmethod
    def start(
        cls,
        settings: Settings,
        region: Region,
        *,
        workers: int = 2,
        program: str = SERVE,
        output: Path | None = None,
        anew: bool = False,
        **variables: str,
    ) -> "Exchange":
        """What the service says goes to `output`, where one is given. `anew`: by a Python of its own, see `begun`."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        origins = {"origin": f"http://127.0.0.1:{port}", "console_origin": f"http://localhost:{port}"}
        running = settings.model_copy(update={"port": port, **origins})
        environment = os.environ | {
            "SARHAD_DATABASE_URL": running.database_url,
            "SARHAD_STATE_DIR": str(running.state_dir),
            "SARHAD_ORIGIN": running.origin,
            "SARHAD_CONSOLE_ORIGIN": running.console,
            **({"SARHAD_CONSOLE_DIR": str(CONSOLE)} if CONSOLE.is_dir() else {}),
            "SARHAD_PORT": str(port),
            "SARHAD_WORKERS": str(workers),
            "SARHAD_REQUESTS_PER_MINUTE": str(running.requests_per_minute),
            "SARHAD_RECORDS_GRANTED_PER_DAY": "1000000",
            "SARHAD_ALERTS_PER_DAY": "1000000",
            "SARHAD_EXPORTS_PER_HOUR": "1000000",
            "SARHAD_POLICY_CHANGES_PER_HOUR": "1000000",  # tests adopt as they go
            "SARHAD_JOBS": "false",  # who needs jobs done has a process of its own: the fixture `jobs`
            **variables,
        }
        exchange = cls(begun(program, environment, output, anew=anew), running, region)
        exchange._environment = environment
        try:
            exchange.wait_ready()
        except RuntimeError:
            exchange.stop()
            raise
        return exchange

    def add_holder(self, name: str, *roles: str) -> str:
        """Keys of one more holder at an agency (`KZ-LAB/second`), enrolled by the operator. Answers with the name."""
        agency = name.partition("/")[0]
        directory = self.region.profiles[agency].directory.parent
        operator(self, lambda session: self.region.add(session, directory, agency, roles, name=name))
        return name

    def jobs(self, output: Path | None = None) -> subprocess.Popen[bytes]:
        """A process that does this exchange's jobs; to be terminated. What it says goes to `output`."""
        with output.open("ab") if output else nullcontext() as said:
            return subprocess.Popen(
                [sys.executable, "-m", "service.cli.jobs", "run", "--beside", str(os.getpid())],
                env=self._environment,
                cwd=ROOT,
                stdout=said,
                stderr=said,
            )

    def wait_ready(self, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}")
            with suppress(httpx.TransportError):
                if self.anyone.get("/readyz").status_code == httpx.codes.OK:
                    return
            time.sleep(0.1)
        raise RuntimeError("the service did not become ready")

    @cached_property
    def anyone(self) -> httpx.Client:
        """Who has no key of its own. One for all of its requests: to make it takes longer than to be answered."""
        return httpx.Client(base_url=self.settings.origin)

    def stop(self) -> None:
        self.anyone.close()
        for client in self._clients.values():
            client.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(2)  # it would wait longer for connections that clients keep open
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
        """The next version of a country's policy: proposed by one officer, approved by another, in force at once."""
        version = self.client(f"{country}-DCA/policy", None).get_policy(country)["latest"] + 1
        document = {"policy": "sarhad-policy/1", "country": country, "version": version, "rules": list(rules)}
        self.approve(country, version, self.propose(document))

    def propose(self, document: dict[str, Any], officer: str = "policy") -> str:
        """The document signed and proposed by its country's officer; answers with what was signed."""
        name = f"{document['country']}-DCA/{officer}"
        signed = sign_policy(self.region.profiles[name].load_record_key(), document)
        self.client(name, None).propose_policy(document.get("agency") or document["country"], signed)
        return signed

    def approve(self, owner: str, version: int, signed: str, officer: str = "policy2") -> dict[str, Any]:
        """The proposal `signed` approved by another officer."""
        name = f"{owner[:2]}-DCA/{officer}"
        approval = sign_approval(self.region.profiles[name].load_record_key(), owner, version, signed)
        return self.client(name, None).approve_policy(owner, version, approval)


def operator(exchange: Exchange, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """One act of the operator, as `sarhad admin` does it, while the exchange runs."""

    async def perform() -> None:
        engine = administration(exchange.settings)
        async with async_sessionmaker(engine).begin() as session:
            await session.execute(text("SET LOCAL ROLE sarhad_owner"))
            await act(session)
        await engine.dispose()

    asyncio.run(perform())


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
