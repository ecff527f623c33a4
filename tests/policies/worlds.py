"""Two exchanges that nobody can tell apart: same keys, registry and address, each with its own database."""

import asyncio
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sarhad import Client, PrivateKey
from sarhad.analyses import issue_reviewed
from sarhad.keys import PublicKey
from sarhad.policies import sign_approval, sign_policy
from sarhad.records import Record
from sarhad.signing import SignedRequests
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.pool import NullPool

from service.database import administration
from service.identity import enrol
from service.settings import Settings
from service.signing import ServiceKey
from tests.awaiting import eventually
from tests.exchange import SERVE, Exchange, Region, begun, copy_prepared
from tests.forks import Fork

ORIGIN = "http://exchange.test"
# While no pass looks for links: it holds rows of what waits for it, and reads reports.
EMPTIED = """DO $$ BEGIN
  PERFORM pg_advisory_xact_lock(7276827);
  TRUNCATE core.report, core.record_rule, core.alert_candidate, core.alert_delivery CASCADE;
END $$"""
OBSERVER = "AF-DCA"
# Bound to the nonce and time of each request; of this hop alone (RFC 9110 §7.6.1), as a body that nobody read makes it.
UNCOMPARED = {"date", "signature", "signature-input", "connection"}


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
    body: bytes | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class World(Exchange):
    """One exchange, with its output kept."""

    def __init__(
        self,
        process: subprocess.Popen[bytes] | Fork,
        settings: Settings,
        region: Region,
        output: Path,
        key: PublicKey,
        *,
        works: bool,
    ) -> None:
        super().__init__(process, settings, region)
        self.output, self.key, self.works = output, key, works
        self._readers: dict[tuple[str, str | None], httpx.Client] = {}

    @classmethod
    def begin(cls, settings: Settings, region: Region, **variables: str) -> "World":
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        output = settings.state_dir / "output"
        environment = os.environ | {
            "SARHAD_DATABASE_URL": settings.database_url,
            "SARHAD_STATE_DIR": str(settings.state_dir),
            "SARHAD_ORIGIN": ORIGIN,
            "SARHAD_PORT": str(port),
            "SARHAD_WORKERS": "1",
            "SARHAD_REQUESTS_PER_MINUTE": "1000000",
            "SARHAD_POLICY_CHANGES_PER_HOUR": "1000000",
            **variables,
        }
        process = begun(SERVE, environment, output)
        here = settings.model_copy(update={"port": port, "origin": f"http://127.0.0.1:{port}"})
        jwk = dict(ServiceKey.load_or_create(settings.state_dir).jwk)
        works = variables.get("SARHAD_JOBS") != "false"
        world = cls(process, here, region, output, PublicKey.from_jwk(jwk), works=works)
        try:
            world.wait_ready()
        except RuntimeError:
            world.stop()
            raise
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
                timeout=60,
            )
        given = {"accept": question.accept} | ({"content-type": question.media_type} if question.body else {})
        given |= question.headers
        response = self._readers[name, purpose].request(
            question.method,
            question.path,
            params=dict(question.params),
            headers=given,
            content=question.body,
        )
        headers = tuple((k, v) for k, v in response.headers.multi_items() if k not in UNCOMPARED)
        return Answer(response.status_code, headers, response.content)

    def file(self, signed: list[str], agency: str) -> None:
        for verdict in self.client(agency).submit_batch(signed, atomic=True):
            if not verdict.accepted:
                raise AssertionError(f"line {verdict.line}: {verdict.problem}")

    def run(self, statement: str) -> None:
        with create_engine(self.settings.database_as(), poolclass=NullPool).begin() as connection:
            connection.execute(text(statement))

    def judged(self) -> bool:
        """Whether the rules of early warning have looked at all that was filed and linked, where jobs are done."""
        if not self.works:
            return True
        with create_engine(self.settings.database_as(), poolclass=NullPool).connect() as connection:
            return not connection.scalar(text("SELECT count(*) FROM core.alert_queue"))

    def stop(self) -> None:
        for reader in self._readers.values():
            reader.close()
        super().stop()


class Worlds:
    """Both worlds, asked together."""

    def __init__(self, worlds: tuple[World, World]) -> None:
        self.both = worlds
        self._threads = ThreadPoolExecutor(2)
        self._versions: dict[str, int] = {}
        self._second_keys: dict[str, PrivateKey] = {}

    def adopt(self, owner: str, rules: list[dict[str, Any]]) -> None:
        """The same signed document in both: a country's policy, or the ceiling of an agency of it."""
        version = self._versions[owner] = self._versions.get(owner, 0) + 1
        officer, second = f"{owner[:2]}-DCA/policy", f"{owner[:2]}-DCA/policy2"
        numbered = [{"id": str(number), **rule} for number, rule in enumerate(rules)]
        document = {"policy": "sarhad-policy/1", "country": owner[:2], "version": version, "rules": numbered}
        document |= {"agency": owner} if "-" in owner else {}
        keys = {name: self.both[0].region.profiles[name].load_record_key() for name in (officer, second)}
        signed = sign_policy(keys[officer], document)
        approval = sign_approval(keys[second], owner, version, signed)
        for world in self.both:
            world.client(officer, None).propose_policy(owner, signed)
            world.client(second, None).approve_policy(owner, version, approval)

    def stop(self, country: str, order: Mapping[str, str]) -> None:
        """The same suspension in both, under one id: it is part of the version of a reader's policies."""
        id_ = uuid.uuid4()
        for world in self.both:
            made = world.client(f"{country}-DCA/policy", None).suspend({**order, "reason": "trust is lost"})
            world.run(f"UPDATE core.suspension SET id = '{id_}' WHERE id = '{made['id']}'")

    def share(self, record: str, rules: list[dict[str, Any]]) -> None:
        """The same rules of one record in both, made at one moment: it enters the version of a policy."""
        moment = datetime.now(UTC)
        for world in self.both:
            officer = world.client("UZ-DCA/policy", None)
            made = officer.put_sharing(record, {"version": 0, "add": rules})
            world.run(f"UPDATE core.record_rule SET made_at = '{moment.isoformat()}' WHERE record_id = '{record}'")
            keep = [rule["id"] for rule in made["rules"]]
            officer.put_sharing(record, {"version": made["version"], "keep": keep})

    def empty(self) -> None:
        """No reports, no rules and no warnings of them, and nothing suspended; everything else stays."""
        for world in self.both:
            eventually(world.judged, 600)
            world.run(EMPTIED)
            world.run("DELETE FROM gate.rule WHERE record IS NOT NULL")
            world.run("SELECT gate.restamp(gate.readers(), clock_timestamp())")
            for one in world.client("UZ-DCA/policy", None).suspensions(state="in-force")["items"]:
                world.client("UZ-DCA/policy2", None).lift_suspension(one["id"], "trust is back")

    def forget(self) -> None:
        """No reports, nothing shared by those who shared something, and nobody waits for warnings."""
        for owner in self._versions:
            self.adopt(owner, [])
        for world in self.both:
            world.run("UPDATE core.subscription SET ended_at = now(), ended_by = key_id WHERE ended_at IS NULL")
        self.empty()

    def second_key(self, agency: str) -> PrivateKey:
        """Another record-signing key of an agency, the same in both: a laboratory's reviewer signs with it."""
        if agency not in self._second_keys:
            key = self._second_keys[agency] = PrivateKey.generate()
            for world in self.both:
                asyncio.run(_enrol(world.settings, agency, key))
        return self._second_keys[agency]

    def sign(self, record: Record) -> str:
        return self.both[0].sign(record)

    def reviewed(self, record: Record) -> str:
        """An analysis signed and countersigned."""
        analyst = self.both[0].region.profiles[record.agency].load_record_key()
        return issue_reviewed(analyst, self.second_key(record.agency), record)

    def file(self, agency: str, signed: tuple[list[str], list[str]]) -> None:
        for world, records in zip(self.both, signed, strict=True):
            if records:
                world.file(records, agency)

    def ask(
        self, name: str, purpose: str | None, question: Question, other: Question | None = None
    ) -> tuple[Answer, Answer]:
        """`other`: the same question in the names of world 1."""
        questions = (question, other or question)
        first, second = self._threads.map(lambda world, its: world.ask(name, purpose, its), self.both, questions)
        return first, second

    def end(self) -> None:
        self._threads.shutdown()
        for world in self.both:
            world.stop()


async def _enrol(settings: Settings, agency: str, key: PrivateKey) -> None:
    engine = administration(settings)
    async with async_sessionmaker(engine).begin() as session:
        await enrol.enrol_key(session, agency, "record-signing", key.public.jwk)
    await engine.dispose()


async def _made(settings: Settings, keys: Path) -> Region:
    region = await Region.enrol(settings, keys)
    engine = administration(settings)
    async with async_sessionmaker(engine).begin() as session:
        await enrol.enrol_country(session, OBSERVER[:2], "Afghanistan", "observer")
        await enrol.enrol_agency(session, OBSERVER, "DC", "Afghanistan DCA")
        await region.add(session, keys, OBSERVER, ("analyst",), name=OBSERVER)
    await engine.dispose()
    return region


def begin(directory: Path, **variables: str) -> tuple[Worlds, list[str]]:
    """Two running worlds over a database and its copy, and the names of both to drop. `variables`: of both services."""
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
    copy_prepared(names[0])
    region = asyncio.run(_made(made[0], directory / "keys"))
    ServiceKey.load_or_create(states[0])
    shutil.copytree(states[0], states[1])
    leftover = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{names[0]}'"
    _maintain(server, leftover)  # pooled connections of the preparation
    _maintain(server, f"CREATE DATABASE {names[1]} TEMPLATE {names[0]}")
    # A copy has the tables and rights of the original, and not its rights as a database.
    _maintain(server, f"REVOKE TEMPORARY ON DATABASE {names[1]} FROM PUBLIC")
    first, second = (World.begin(settings, region, **variables) for settings in made)
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
