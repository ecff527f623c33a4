"""`sarhad serve`: the HTTP service on the loopback interface, one worker per core."""

import importlib
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from pydantic_core import PydanticUndefined
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from service.cli.beside import jobs_beside
from service.lasting import made_to_last
from service.ledger import audit
from service.ledger.checkpoints import KeptCheckpoints
from service.ledger.models import Log
from service.policies import canary
from service.settings import Settings

app = typer.Typer(rich_markup_mode=None)
_HEADERS_WITHIN = 30_000  # ms from the start of a connection, or from the answer before, to the end of headers
_CONNECTIONS = 8_192  # that a worker keeps at once; whoever comes after them waits until one ends
_FILES = 65_536  # open ones of a worker, where the system's hard limit allows
_OTHER_FILES = 512  # of them for everything but connections


class _Forgetful(dict[int, float]):
    """When a worker was last replaced: never. Granian would end the whole service if one died twice in 5.5 s."""

    def __setitem__(self, worker: int, moment: float) -> None:
        pass


@contextmanager
def _counts(settings: Settings) -> Iterator[Path]:
    """An empty folder for the counts of this run; what one that was killed left behind goes first."""
    folder = settings.state_dir / f"metrics-{settings.port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings_text() -> str:
    """Every setting with its default and meaning, from the declarations themselves."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "required" if field.default is PydanticUndefined else f"default {_shown(field.default)}"
        lines.append(f"\b\nSARHAD_{name.upper()} ({default})\n  {field.description}")
    return "\n\n".join(lines)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


@app.callback(
    invoke_without_command=True,
    help="Serve the HTTP interface on 127.0.0.1; a reverse proxy adds TLS (deploy/nginx).\n\n"
    "Settings come from the environment, or from the TOML file that SARHAD_CONFIG names (no prefix):"
    f"\n\n{settings_text()}\n\nExample: SARHAD_PORT=8001 sarhad serve",
)
def serve() -> None:
    settings = Settings()
    _refuse_if_exposed(settings)
    _refuse_if_rolled_back(settings)
    with _counts(settings) as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)  # the workers count here; any of them can sum
        with made_to_last():
            importlib.import_module("service.app")  # once: workers, and those that replace them, are forked with it
        server = Granian(
            "service.app:create_app",
            factory=True,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,  # one way to read a request: nothing on the loopback needs HTTP/2 in clear
            http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_WITHIN),
            loop=Loops.uvloop,
            address="127.0.0.1",
            port=settings.port,
            workers=settings.workers or len(os.sched_getaffinity(0)),
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=30,
            backlog=4_096,
            backpressure=_room_for_connections(),
            log_access=False,
        )
        server.respawned_wrks = _Forgetful()
        with jobs_beside(settings):
            server.serve()


def _room_for_connections() -> int:
    """How many connections a worker may keep: idle ones cost little, and must keep nobody out."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return min(_CONNECTIONS, files - _OTHER_FILES)


def _refuse_if_exposed(settings: Settings) -> None:
    """End here if the database would show records to who may not see them (`service/policies/canary.py`).

    A database that does not answer is waited for, as the workers do.
    """
    while True:
        try:
            _ask(settings, "sarhad_read", canary.inspect)
            break
        except OperationalError as fault:
            typer.echo(f"waiting for the database: {fault.orig}", err=True)
            time.sleep(1)
    with suppress(OperationalError):  # the user of the URL need not be able to log in
        _ask(settings, None, _plant_if_allowed)


def _refuse_if_rolled_back(settings: Settings) -> None:
    """End here if a log is shorter, or another, than what was signed of it: a second history must not begin."""
    kept = KeptCheckpoints(settings.state_dir)

    def compare(connection: Connection) -> None:
        for log in Log:
            last = kept.last(log)
            if last is not None and (why := audit.behind(connection, log, last)):
                typer.echo(
                    f"The service does not start: the database was rolled back. {why}. Restore a newer backup "
                    "(deploy/runbook.md, “Back up and restore”), and look with sarhad fsck.",
                    err=True,
                )
                raise typer.Exit(1)

    with suppress(OperationalError):  # it answered just now: the sequencer compares again before it signs
        _ask(settings, "sarhad_read", compare)


def _plant_if_allowed(connection: Connection) -> None:
    if canary.may_plant(connection):
        canary.plant(connection)


def _ask(settings: Settings, role: str | None, question: Callable[[Connection], None]) -> None:
    engine = create_engine(settings.database_as(role))
    try:
        with engine.connect() as connection:
            question(connection)
            connection.rollback()
    except canary.Exposed as fault:
        lines = "".join(f"\n  {line}" for line in fault.faults)
        typer.echo(f"The service does not start: the database does not hold the gate.{lines}", err=True)
        raise typer.Exit(1) from None
    except ProgrammingError as fault:
        said = str(fault.orig).splitlines()[0]
        typer.echo(f"The service does not start: {said}. Is the schema at this release (sarhad db upgrade)?", err=True)
        raise typer.Exit(1) from None
    finally:
        engine.dispose()
