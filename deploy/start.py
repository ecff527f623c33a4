"""Starts everything that one machine needs, in order, and stops it in the reverse order.

Cluster, roles and migrations, reference data, demonstration region, service. Run by deploy/up in its virtual
environment. Ctrl-C, SIGTERM or a closed terminal stops the service and then the cluster; if this process is
killed outright, the kernel tells both to stop.
"""

import argparse
import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from deploy.cluster import Cluster, ClusterError, clean_abandoned

ROOT = Path(__file__).resolve().parent.parent
STARTED = float(os.environ.pop("SARHAD_STARTED", time.time()))
RUNNING = "running.toml"  # what the operator's commands of this clone go by (service/cli/acting.py)
READY_SECONDS = 60
STOP_SECONDS = 40
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Stopped(BaseException):
    """Someone asked us to end."""


class CannotStart(Exception):
    """Something outside stands in the way; the message says what to do."""


def say(text: str) -> None:
    """A progress line with the seconds since the start; a terminal that is gone does not stop us."""
    with contextlib.suppress(OSError):
        print(f"{time.time() - STARTED:4.0f}s  {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/up", description="Set up and run Sarhad on this machine.")
    parser.add_argument("--check", action="store_true", help="smoke test on a throw-away directory, then remove it")
    parser.add_argument("--no-demo", action="store_true", help="without the demonstration region")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return check() if options.check else run(ROOT / ".sarhad", demo=not options.no_demo)
    except Stopped:
        return 0
    except (CannotStart, ClusterError) as fault:
        print(f"\nsarhad: {fault}", file=sys.stderr)
        return 1


def run(home: Path, *, demo: bool) -> int:
    """Start in `home`, print what to do next, and stay until asked to stop."""
    port = int(os.environ.get("SARHAD_PORT") or _configured().get("port", 8000))
    with only_one(home), running(home, port, demo=demo) as (server, cluster):
        _print_next_steps(home, port, demo=demo)
        while True:
            try:
                code = server.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if cluster is not None and cluster.pid is None:
                    say("PostgreSQL ended unexpectedly; starting it again")
                    cluster.start()
                continue
            raise CannotStart(f"The service ended by itself (exit code {code}); its log is above.")


def check() -> int:
    """The smoke test: the same start on a throw-away directory and a free port, then service/cli/check.py.

    On a PostgreSQL of the operator's own it makes, and removes, a database of its own name there.
    """
    home = Path(tempfile.mkdtemp(prefix="sarhad-check-"))
    port = _free_port()
    own = {"SARHAD_STATE_DIR": str(home / "state"), "SARHAD_ORIGIN": f"http://127.0.0.1:{port}"}
    os.environ |= own  # whatever the settings say of the service that they are for
    try:
        with _scratch_database(), running(home, port, demo=True, log=home / "serve.log"):
            done = subprocess.run(
                [sys.executable, "-m", "service.cli.check", str(home / "demo")],
                cwd=ROOT, check=False,
            )  # fmt: skip
            return done.returncode
    finally:
        Cluster(home / "cluster").remove()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def running(
    home: Path, port: int, *, demo: bool, log: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Cluster | None]]:
    """The whole service, up and ready within the block and stopped after it; `log` takes what it writes."""
    _require_free(port)
    home.mkdir(parents=True, exist_ok=True)
    state = home / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    environment = {**_defaults(state, port), **os.environ, "SARHAD_PORT": str(port)}
    cluster = None
    try:
        if not _has_own_database():
            cluster = _start_cluster(home / "cluster")
            environment["SARHAD_DATABASE_URL"] = cluster.url()
            _tell_commands(home, environment)
        _command(environment, "Migrations", "db", "upgrade")
        _command(environment, "Reference data", "db", "load")
        if demo:
            _command(environment, "Demonstration region", "demo", "load", str(home / "demo"))
        server = _serve(environment, port, log)
        try:
            yield server, cluster
        finally:
            _end(server)
    finally:
        (home / RUNNING).unlink(missing_ok=True)
        if cluster is not None:
            say("Stopping PostgreSQL")
            cluster.stop()
            say("Stopped")


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the lock of this clone; the kernel releases it however we end."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(f"Sarhad of this clone is running already (process {lock.read().strip()}).") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _configured() -> dict[str, object]:
    """What the operator's TOML file says; nothing where there is none. Raises CannotStart."""
    file = os.environ.get("SARHAD_CONFIG")
    if not file:
        return {}
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise CannotStart(f"SARHAD_CONFIG={file}: {fault}") from None


def _defaults(state: Path, port: int) -> dict[str, str]:
    """What holds where neither the environment nor the file says otherwise; the environment would win over the file."""
    said = {*_configured(), *(name.removeprefix("SARHAD_").lower() for name in os.environ)}
    values = {"state_dir": str(state), "origin": f"http://127.0.0.1:{port}"}
    if "origin" not in said:  # passkeys belong to a host name, never to an address
        values["console_origin"] = f"http://localhost:{port}"
    if (ROOT / "clients/web/dist").is_dir():
        values["console_dir"] = str(ROOT / "clients/web/dist")
    return {f"SARHAD_{name.upper()}": value for name, value in values.items() if name not in said}


def _has_own_database() -> bool:
    """Whether the operator named a database: then no cluster is started."""
    return "database_url" in _configured() or "SARHAD_DATABASE_URL" in os.environ


@contextlib.contextmanager
def _scratch_database() -> Iterator[None]:
    """A database for the smoke test on the server that the environment names; nothing where it names none."""
    if not _has_own_database():
        yield
        return
    import psycopg  # noqa: PLC0415 - the embedded cluster needs no client

    from service.settings import Settings  # noqa: PLC0415

    own = Settings().database_as().set(drivername="postgresql")
    name = f"sarhad_check_{os.getpid()}"
    url = own.render_as_string(hide_password=False)
    try:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
    except psycopg.Error as fault:
        raise CannotStart(f"The PostgreSQL that the settings name: {str(fault).strip()}") from None
    os.environ["SARHAD_DATABASE_URL"] = own.set(database=name).render_as_string(hide_password=False)
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _start_cluster(directory: Path) -> Cluster:
    for abandoned in clean_abandoned(directory):
        say(f"Removed {abandoned}, left over from an earlier .sarhad of this clone")
    cluster = Cluster(directory)
    new = not (cluster.data / "PG_VERSION").exists()
    say(f"{'Making' if new else 'Starting'} the PostgreSQL cluster in {cluster.home}")
    cluster.start()
    cluster.create_database()
    return cluster


def _tell_commands(home: Path, environment: dict[str, str]) -> None:
    """Leave word of where the embedded cluster and the service's files are, for commands of a second terminal."""
    names = ("database_url", "state_dir", "origin")
    told = _configured() | {name: value for name in names if (value := environment.get(f"SARHAD_{name.upper()}"))}
    values = {name: str(told[name]) for name in names}
    values["state_dir"] = str(ROOT / values["state_dir"])
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    file = home / RUNNING
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(lines))


def _command(environment: dict[str, str], title: str, *arguments: str) -> None:
    """Run one `sarhad` command as a person would."""
    say(title)
    done = subprocess.run([_sarhad(), *arguments], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise CannotStart(f"`sarhad {' '.join(arguments)}` failed; the reason is above.")


def _serve(environment: dict[str, str], port: int, log: Path | None) -> subprocess.Popen[bytes]:
    say(f"Service on http://127.0.0.1:{port}")
    with log.open("wb") if log else contextlib.nullcontext() as output:
        server = subprocess.Popen(
            [_sarhad(), "serve"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=output, stderr=output,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no Python lock
        )  # fmt: skip
    try:
        _await(server, port)
    except CannotStart:
        if log:
            print(log.read_text(errors="replace"), file=sys.stderr)
        raise
    return server


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CannotStart("The service ended while starting; its log is above.")
        if _is_ready(port):
            return
        time.sleep(0.05)
    _end(server)
    raise CannotStart(f"The service was not ready within {READY_SECONDS} s; its log is above.")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(server: subprocess.Popen[bytes]) -> None:
    """Let running requests finish, then end the service whatever it does."""
    if server.poll() is not None:
        return
    say("Stopping the service")
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            hint = f"Another program listens on port {port}; choose one: SARHAD_PORT={port + 1} ./deploy/up"
            raise CannotStart(hint if port >= 1024 else f"Port {port}: {fault.strerror}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _print_next_steps(home: Path, port: int, *, demo: bool) -> None:
    say("Ready")
    keys = f"--profile {home / 'demo' / 'KZ-CUS'}"
    lines = [f"\n  Sarhad answers on http://127.0.0.1:{port}  (Ctrl-C stops it and its database)"]
    if demo:
        lines += [
            f"  Demonstration keys: {home / 'demo'}/<agency>/, for example KZ-CUS, KG-CUS, UZ-DCA",
            "  In another terminal:",
            f"    export PATH={ROOT / '.sarhad/venv/bin'}:$PATH",
            *([f"    export SARHAD_ORIGIN=http://127.0.0.1:{port}"] if port != 8000 else []),
            f"    sarhad search {keys}",
            f"  The console: http://localhost:{port}, with the code in {home / 'demo' / 'TJ-BG' / 'shift-1.code'}",
            "  README.md files a first report and reads it back as a neighbour.",
        ]
    with contextlib.suppress(OSError):
        print("\n".join(lines), "\n", flush=True)


def _sarhad() -> str:
    return str(Path(sys.executable).with_name("sarhad"))


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _end_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
