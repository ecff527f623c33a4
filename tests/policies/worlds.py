"""Two exchanges that nobody can tell apart: same keys, registry and address, each with its own database."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sarhad import Client
from sarhad.keys import PublicKey
from sarhad.policies import sign_policy
from sarhad.records import Record
from sarhad.signing import SignedRequests
from sqlalchemy import create_engine, text

from service.settings import Settings
from service.signing import ServiceKey
from tests.exchange import Exchange, Region, prepare

ORIGIN = "http://exchange.test"
UNCOMPARED = {"date", "signature", "signature-input"}  # bound to the nonce and time of each request


class Towards(httpx.BaseTransport):
    """Connects to one world, whatever host the request was made and signed for."""

    def __init__(self, port: int) -> None:
        self._port, self._http = port, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return self._http.handle_request(
            httpx.Request(
                request.method,
                url,
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        )


@dataclass(frozen=True)
class Question:
    """One request, as a reader would make it."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    method: str = "GET"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class World(Exchange):
    """One exchange, with its output kept."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        settings: Settings,
        region: Region,
        output: Path,
        key: PublicKey,
    ) -> None:
        super().__init__(process, settings, region)
        self.output, self.key = output, key
        self._readers: dict[tuple[str, str | None], httpx.Client] = {}

    @classmethod
    def begin(cls, settings: Settings, region: Region) -> "World":
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        output = settings.state_dir / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", "from service.cli.serve import app; app()"],
                env=os.environ
                | {
                    "SARHAD_DATABASE_URL": settings.database_url,
                    "SARHAD_STATE_DIR": str(settings.state_dir),
                    "SARHAD_ORIGIN": ORIGIN,
                    "SARHAD_PORT": str(port),
                    "SARHAD_WORKERS": "1",
                    "SARHAD_REQUESTS_PER_MINUTE": "1000000",
                },
                cwd=Path(__file__).parents[2],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        here = settings.model_copy(update={"port": port, "origin": f"http://127.0.0.1:{port}"})
        jwk = dict(ServiceKey.load_or_create(settings.state_dir).jwk)
        world = cls(process, here, region, output, PublicKey.from_jwk(jwk))
        world.wait_ready()
        return world

    def client(self, name: str, purpose: str | None = "operational") -> Client:
        if (name, purpose) not in self._clients:
            self._clients[name, purpose] = Client(
                service=ORIGIN,
                key=self.region.profiles[name].load_request_key(),
                service_key=self.key,
                purpose=purpose,
                transport=Towards(self.settings.port),
            )
        return self._clients[name, purpose]

    def ask(self, name: str, purpose: str | None, question: Question) -> Answer:
        """The whole answer, its signature verified."""
        if (name, purpose) not in self._readers:
            key = self.region.profiles[name].load_request_key()
            self._readers[name, purpose] = httpx.Client(
                base_url=ORIGIN,
                transport=Towards(self.settings.port),
                auth=SignedRequests(key, lambda: self.key),
                headers={"sarhad-purpose": purpose} if purpose else {},
            )
        response = self._readers[name, purpose].request(
            question.method, question.path, params=dict(question.params), headers={"accept": question.accept}
        )
        headers = tuple((k, v) for k, v in response.headers.multi_items() if k not in UNCOMPARED)
        return Answer(response.status_code, headers, response.content)

    def file(self, signed: list[str], agency: str) -> None:
        for verdict in self.client(agency).submit_batch(signed, atomic=True):
            if not verdict.accepted:
                raise AssertionError(f"line {verdict.line}: {verdict.problem}")

    def run(self, statement: str) -> None:
        engine = create_engine(self.settings.database_as())
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def stop(self) -> None:
        for reader in self._readers.values():
            reader.close()
        super().stop()


class Worlds:
    """Both worlds, asked together."""

    def __init__(self, worlds: tuple[World, World]) -> None:
        self.both = worlds
        self._threads = ThreadPoolExecutor(2)
        self._version = 0

    def adopt(self, country: str, rules: list[dict[str, Any]]) -> None:
        """The same signed document in both."""
        self._version += 1
        officer = f"{country}-DCA/policy"
        numbered = [{"id": str(number), **rule} for number, rule in enumerate(rules)]
        document = {
            "policy": "sarhad-policy/1",
            "country": country,
            "version": self._version,
            "rules": numbered,
        }
        signed = sign_policy(self.both[0].region.profiles[officer].load_record_key(), document)
        for world in self.both:
            world.client(officer, None).put_policy(country, signed)

    def empty(self) -> None:
        """No reports; everything else stays."""
        for world in self.both:
            world.run("TRUNCATE core.report, core.report_line")

    def sign(self, record: Record) -> str:
        return self.both[0].sign(record)

    def file(self, agency: str, signed: tuple[list[str], list[str]]) -> None:
        for world, records in zip(self.both, signed, strict=True):
            if records:
                world.file(records, agency)

    def ask(self, name: str, purpose: str | None, question: Question) -> tuple[Answer, Answer]:
        first, second = self._threads.map(lambda world: world.ask(name, purpose, question), self.both)
        return first, second

    def stop(self) -> None:
        self._threads.shutdown()
        for world in self.both:
            world.stop()


async def _made(settings: Settings, keys: Path) -> Region:
    await prepare(settings)
    return await Region.enrol(settings, keys)


def begin(directory: Path) -> tuple[Worlds, list[str]]:
    """Two running worlds over a database and its copy, and the names of both to drop."""
    server = Settings()
    names = [f"sarhad_world_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    states = [directory / "state-0", directory / "state-1"]
    made = [
        Settings(
            database_url=server.database_as().set(database=name).render_as_string(hide_password=False),
            state_dir=state,
        )
        for name, state in zip(names, states, strict=True)
    ]
    _maintain(server, f"CREATE DATABASE {names[0]}")
    region = asyncio.run(_made(made[0], directory / "keys"))
    ServiceKey.load_or_create(states[0])
    shutil.copytree(states[0], states[1])
    leftover = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{names[0]}'"
    _maintain(server, leftover)  # pooled connections of the preparation
    _maintain(server, f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
    # A copy has the tables and rights of the original, and not its rights as a database.
    _maintain(server, f"REVOKE TEMPORARY ON DATABASE {names[1]} FROM PUBLIC")
    first, second = (World.begin(settings, region) for settings in made)
    return Worlds((first, second)), names


def drop(names: list[str]) -> None:
    for name in names:
        _maintain(Settings(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _maintain(settings: Settings, statement: str) -> None:
    url = settings.database_as().set(database="postgres")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
