"""A PostgreSQL cluster of the project's own: made, started, stopped and killed in one directory.

It listens on a Unix socket only; who may log in as which role is decided by the operating system's user
(peer), so there is no password to keep. Standard library only.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

_LOGINS = ("sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer", "sarhad_access", "sarhad_jobs")
ROLES = ("postgres", *_LOGINS, "sarhad_owner")
SUPERUSER = "postgres"
PORT = 5432  # Only names the socket file.
SOCKET_LIMIT = 107  # sizeof(sockaddr_un.sun_path) - 1
DISK_NEEDED = 400 * 2**20
START_SECONDS = 300  # Crash recovery after a power cut replays up to max_wal_size.
SHARED_HOMES = Path("/var/lib/sarhad")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ClusterError(RuntimeError):
    """The cluster could not be made or started; the message says what to do about it."""


class Cluster:
    """The cluster of `directory`.

    As root it runs as the operating system's `postgres` user. Where that user cannot enter `directory`
    (a private clone), the files live under /var/lib/sarhad and `directory/location` names the place.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._account = _postgres_account() if os.geteuid() == 0 else None
        self._home: Path | None = None

    @property
    def home(self) -> Path:
        """Where the files are: `directory`, or its place under /var/lib/sarhad."""
        if self._home is None:
            self._home = self._find_home()
        return self._home

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """Directory of the Unix socket; elsewhere if the path would exceed the system's limit."""
        if len(os.fsencode(self.home / "socket" / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT:
            return self.home / "socket"
        return Path("/tmp") / f"sarhad-{_digest(self.home)}"  # noqa: S108 - owner is checked when it is made

    def url(self, role: str | None = None, database: str = "sarhad") -> str:
        """SQLAlchemy/libpq URL for `role` (the superuser if none is named)."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{role or SUPERUSER}@/{database}?host={host}&port={PORT}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server, also of one that another process started."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.data) in arguments and _alive(pid) else None

    def start(self, settings: Mapping[str, str] | None = None) -> bool:
        """Make the cluster if there is none, start it, and wait until it answers.

        `settings` are PostgreSQL settings that win over the defaults. The server ends with this process.
        Returns False when it was running already. Raises ClusterError with the end of the server's log.
        """
        self._make_directories()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._configure(settings or {})
        if self.pid is not None:
            self._run("pg_ctl", "reload", "-D", str(self.data))
            self._await_ready()
            return False
        with (self.home / "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no Python lock
                **self.identity(),
            )  # fmt: skip
        self._await_ready()
        return True

    def stop(self, *, patience: float = 60) -> None:
        """End all sessions, write a checkpoint, stop. Does nothing when the server is not running."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        self._await_end(pid, patience)

    def kill(self) -> None:
        """End the server and all its processes at once with SIGKILL, as a crash would (for fault tests)."""
        pid = self.pid
        if pid is None:
            return
        family = [pid, *_children(pid)]
        for member in family:
            _signal(member, signal.SIGKILL)
        for member in family:
            self._await_end(member, 30)

    def remove(self) -> None:
        """Stop and delete everything, wherever it lives."""
        self.stop()
        shutil.rmtree(self.socket, ignore_errors=True)
        if self.home != self.directory:
            shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def psql(self, sql: str, database: str = "postgres") -> str:
        """Run a script as the superuser; returns what it selects, unaligned. Raises ClusterError."""
        done = subprocess.run(
            [program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket), "-p", str(PORT),
             "-U", SUPERUSER, "-d", database, "-f", "-"],
            input=sql, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ClusterError(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self, name: str = "sarhad", *, template: str = "template1") -> bool:
        """Make the database if it is missing; True if it was."""
        if self.psql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == "1":
            return False
        self.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return True

    # --- where it lives ---------------------------------------------------------------------------------

    def _find_home(self) -> Path:
        pointer = self.directory / "location"
        if pointer.exists():
            return Path(pointer.read_text().strip())
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._account is None:
            return self.directory
        os.chown(self.directory, self._account.pw_uid, self._account.pw_gid)
        if self._may_enter(self.directory):
            return self.directory
        home = SHARED_HOMES / _digest(self.directory)
        if home.exists():  # Left behind by an earlier life of this very directory, which is gone.
            _discard(home)
        home.mkdir(parents=True, mode=0o755)
        os.chown(home, self._account.pw_uid, self._account.pw_gid)
        (home / "origin").write_text(f"{self.directory}\n")
        pointer.write_text(f"{home}\n")
        return home

    def _may_enter(self, directory: Path) -> bool:
        test = subprocess.run(["/usr/bin/test", "-w", directory], cwd="/", check=False, **self.identity())
        return test.returncode == 0

    def _make_directories(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.home).free < DISK_NEEDED:
            raise ClusterError(
                f"Less than {DISK_NEEDED >> 20} MB are free under {self.home}: make room, then start again."
            )
        owner = self._account.pw_uid if self._account else os.geteuid()
        self.socket.mkdir(mode=0o700, exist_ok=True)
        if self._account and self.socket.stat().st_uid == 0:
            os.chown(self.socket, self._account.pw_uid, self._account.pw_gid)
        if self.socket.is_symlink() or self.socket.stat().st_uid != owner:
            raise ClusterError(f"{self.socket} belongs to another user: remove it, or clone to a shorter path.")

    # --- making and configuring it ----------------------------------------------------------------------

    def _initialise(self) -> None:
        """initdb beside the final place, so that an interrupted one leaves nothing that looks complete."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run("initdb", "-D", str(fresh), "-U", SUPERUSER, "--data-checksums", "--encoding=UTF8",
                  "--locale=C.UTF-8", "--auth=peer", "--no-instructions")  # fmt: skip
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'sarhad.conf'\n")
        fresh.rename(self.data)

    def _configure(self, settings: Mapping[str, str]) -> None:
        wanted = {**_defaults(), "unix_socket_directories": str(self.socket)}
        wanted |= {"log_directory": str(self.home / "log"), **settings}
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in wanted.items()]
        user = pwd.getpwuid(os.geteuid()).pw_name
        names = sorted({user, self._account.pw_name if self._account else user})
        mapped = [f'sarhad "{name}" {role}' for name in names for role in ROLES]
        self._write("sarhad.conf", lines)
        self._write("pg_hba.conf", ["local all all peer map=sarhad"])
        self._write("pg_ident.conf", mapped)

    def _write(self, name: str, lines: list[str]) -> None:
        path = self.data / name
        path.write_text("\n".join(["# Written by deploy/cluster.py at every start.", *lines, ""]))
        path.chmod(0o600)
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    # --- processes --------------------------------------------------------------------------------------

    def identity(self) -> dict[str, Any]:
        """What subprocess is told to run something as the user who owns the files."""
        if self._account is None:
            return {}
        groups = os.getgrouplist(self._account.pw_name, self._account.pw_gid)
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": groups}

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **self.identity(),
        )
        if done.returncode:
            raise ClusterError(f"{name} failed: {(done.stderr or done.stdout).strip()}")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise ClusterError(f"PostgreSQL ended while starting:\n{self._log_tail()}")
            try:
                lines = (self.data / "postmaster.pid").read_text().split("\n")
            except OSError:
                lines = []
            if len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.pid):
                return  # A file with another process id is a killed server's.
            time.sleep(0.02)
        raise ClusterError(f"PostgreSQL did not answer within {START_SECONDS} s:\n{self._log_tail()}")

    def _await_end(self, pid: int, patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._process is not None and self._process.pid == pid and self._process.poll() is not None:
                self._process = None
                return
            if not _alive(pid):
                return
            time.sleep(0.02)
        raise ClusterError(f"PostgreSQL (process {pid}) did not end within {patience:.0f} s.")

    def _log_tail(self) -> str:
        logs = [
            self.home / "start.log",
            *sorted(self.home.glob("log/*.log"), key=lambda path: path.stat().st_mtime)[-1:],
        ]
        return "\n".join(line for log in logs if log.exists() for line in log.read_text().splitlines()[-8:])


def clean_abandoned(directory: Path) -> list[Path]:
    """Delete clusters under /var/lib/sarhad made for `directory` that it no longer points to."""
    removed = []
    for origin in SHARED_HOMES.glob("*/origin"):
        pointer = directory.resolve() / "location"
        if origin.read_text().strip() != str(directory.resolve()):
            continue
        if pointer.exists() and pointer.read_text().strip() == str(origin.parent):
            continue
        _discard(origin.parent)
        removed.append(origin.parent)
    return removed


def _discard(home: Path) -> None:
    left_over = Cluster.__new__(Cluster)
    left_over._home, left_over.directory, left_over._process = home, home, None
    left_over._account = _postgres_account()
    left_over.remove()


def _defaults() -> dict[str, str]:
    """Settings for this machine; memory is shared with the service, so a quarter of it at most."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_permissions": "0700",
        "max_connections": str(max(120, 40 * (os.cpu_count() or 1) + 40)),
        "shared_buffers": f"{max(128, min(2048, memory // 6))}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "maintenance_work_mem": f"{max(64, min(512, memory // 16))}MB",
        "work_mem": "16MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_wal_size": "2GB",
        "wal_compression": "on",
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_size": "0",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        # a constraint quotes the row that it refuses, a failed statement its values: neither belongs in a log
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def program(name: str) -> str:
    """The newest installed PostgreSQL that has PostGIS beside it. Raises ClusterError if there is none."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not homes:
        raise ClusterError("PostgreSQL is not installed: apt-get install postgresql-15 postgresql-15-postgis-3")
    return str(homes[-1].with_name(name))


def _postgres_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterError(
            "There is no `postgres` user: apt-get install postgresql-15 postgresql-15-postgis-3"
        ) from None


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _end_with_parent() -> None:
    """Ask the kernel for a fast shutdown of the server when the process that started it dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
