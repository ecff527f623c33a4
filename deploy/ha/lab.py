"""The exchange on three database nodes and two instances of the service, on loopback: started, told of and stopped.

etcd knows who leads; Patroni keeps one leader and one synchronous standby, so a commit is on two nodes before it is
answered; HAProxy sends the service to the leader and callers to an instance that is ready. Each process leads a session
of its own and is known by its id and the moment it began: `down` stops these and no other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.cluster import Cluster, program

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / ".sarhad" / "ha"
NODES = ("n1", "n2", "n3")
INSTANCES = ("a", "b")
BASE = int(os.environ.get("SARHAD_HA_PORT", "18400"))
SERVICE, LEADER, ETCD, ETCD_PEER = BASE, BASE + 1, BASE + 2, BASE + 3
READY_SECONDS = 180


def postgres_port(node: str) -> int:
    return BASE + 10 + NODES.index(node)


def patroni_port(node: str) -> int:
    return BASE + 20 + NODES.index(node)


def instance_port(instance: str) -> int:
    return BASE + 30 + INSTANCES.index(instance)


class LabError(RuntimeError):
    """The rehearsal could not be started; the message says what stood in the way."""


class Lab:
    """The processes of `directory`; the databases lie where the postgres user may enter (deploy/cluster.py)."""

    def __init__(self, directory: Path = LAB) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._cluster = Cluster(directory / "nodes")
        self._home = self._cluster.home
        self._processes = directory / "processes.json"
        self._secret = _kept_secret(directory / "secret")

    def up(self) -> None:
        """Start what does not run, bring the schema to this release, and wait until the proxy has a ready instance."""
        self._start("etcd", *self._etcd(), identity=self._cluster.identity())
        for node in NODES:
            self.start_node(node)
        self._start("haproxy", "/usr/sbin/haproxy", "-db", "-f", str(self._write_proxy()))
        _await(lambda: len(self.members("streaming")) == len(NODES) - 1, "the standbys do not follow the leader")
        environment = self.environment()
        self._run("db", "upgrade")
        self._run("db", "load")
        self._run("demo", "load", str(self.directory / "demo"))
        for instance in INSTANCES:
            own = {"SARHAD_PORT": str(instance_port(instance)), "SARHAD_WORKERS": "1"}
            self._start(f"service-{instance}", _sarhad(), "serve", environment=environment | own)
        _await(lambda: _answers(f"http://127.0.0.1:{SERVICE}/readyz"), "no instance of the service is ready")

    def start_node(self, node: str) -> None:
        """Start a database node, also one that was killed: Patroni makes a standby of it where another leads."""
        self._start(node, "/usr/bin/patroni", str(self._write_node(node)), identity=self._cluster.identity())

    def kill_node(self, node: str) -> None:
        """End Patroni and PostgreSQL of a node at once with SIGKILL, as the loss of its machine would."""
        pid, began = self._known()[node]
        postmaster = int((self._home / node / "postmaster.pid").read_text().split("\n", 1)[0])
        if _began(pid) == began:
            os.killpg(pid, signal.SIGKILL)
        os.kill(postmaster, signal.SIGKILL)

    def down(self) -> None:
        """Stop what `up` started, service first and etcd last; what is stopped with SIGSTOP is let go on."""
        for name, (pid, began) in reversed(self._known().items()):
            if _began(pid) != began:
                continue
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
            if not _ended(pid, began, 60):
                print(f"{name} did not end within 60 s: killed", file=sys.stderr)
                os.killpg(pid, signal.SIGKILL)
        self._processes.unlink(missing_ok=True)

    def status(self) -> bool:
        """Print what runs and who leads; whether all runs."""
        known = self._known()
        for name, (pid, began) in known.items():
            print(f"{name:10}  {'runs' if _began(pid) == began else 'ended'}  process {pid}")
        for member in self.members():
            print(f"{member['name']:10}  {member['role']}  {member['state']}")
        return bool(known) and all(_began(pid) == began for pid, began in known.values())

    def members(self, state: str | None = None) -> list[dict[str, Any]]:
        """The nodes as the first Patroni that answers has them; standbys in `state` where one is asked for.

        Patroni of Debian 12 calls a standby that streams `running`: it streams where it has a lag that is known.
        """
        for node in NODES:
            with contextlib.suppress(OSError, ValueError):
                with urllib.request.urlopen(f"http://127.0.0.1:{patroni_port(node)}/cluster", timeout=3) as answer:
                    found: list[dict[str, Any]] = json.load(answer)["members"]
                if state is None:
                    return found
                return [m for m in found if m["role"] != "leader" and m["state"] in {state, "running"} and "lag" in m]
        return []

    def environment(self) -> dict[str, str]:
        """What the service and the operator's commands are started with: the database by way of the proxy."""
        return {
            **os.environ,
            "SARHAD_DATABASE_URL": f"postgresql://postgres:{self._secret}@127.0.0.1:{LEADER}/postgres",
            "SARHAD_DATABASE_PASSWORD": self._secret,
            "SARHAD_DATABASE_POOL": "4",
            "SARHAD_STATE_DIR": str(self.directory / "state"),
            "SARHAD_ORIGIN": f"http://127.0.0.1:{SERVICE}",
        }

    # --- what each process is told ----------------------------------------------------------------------

    def _etcd(self) -> tuple[str, ...]:
        client, peer = f"http://127.0.0.1:{ETCD}", f"http://127.0.0.1:{ETCD_PEER}"
        return (
            "/usr/bin/etcd", "--name", "lab", "--data-dir", str(self._home / "etcd"),
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"lab={peer}", "--logger", "zap",
        )  # fmt: skip

    def _write_node(self, node: str) -> Path:
        quiet = {"log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_parameter_max_length": "0"}
        own = {"shared_buffers": "64MB", "max_connections": "120", "timezone": "UTC", "jit": "off", **quiet}
        password = {"password": self._secret}
        login = ["host all all 127.0.0.1/32 scram-sha-256", "host replication replicator 127.0.0.1/32 scram-sha-256"]
        config = {
            "scope": "sarhad",
            "name": node,
            "restapi": {
                "listen": f"127.0.0.1:{patroni_port(node)}",
                "connect_address": f"127.0.0.1:{patroni_port(node)}",
            },
            "etcd3": {"hosts": f"127.0.0.1:{ETCD}"},
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 5,
                    "retry_timeout": 5,
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{postgres_port(node)}",
                "connect_address": f"127.0.0.1:{postgres_port(node)}",
                "data_dir": str(self._home / node),
                "bin_dir": str(Path(program("postgres")).parent),
                "pgpass": str(self._home / f"{node}.pgpass"),
                "pg_hba": login,
                "parameters": own | {"unix_socket_directories": ""},
                "authentication": {
                    "superuser": {"username": "postgres", **password},
                    "replication": {"username": "replicator", **password},
                    "rewind": {"username": "postgres", **password},
                },
            },
        }
        file = self._home / f"{node}.yml"  # JSON is YAML
        _write(file, json.dumps(config, indent=2))
        if owner := self._cluster.identity().get("user"):
            os.chown(file, owner, -1)
        return file

    def _write_proxy(self) -> Path:
        nodes = [f"    server {node} 127.0.0.1:{postgres_port(node)} check port {patroni_port(node)}" for node in NODES]
        instances = [f"    server {name} 127.0.0.1:{instance_port(name)} check" for name in INSTANCES]
        text = (ROOT / "deploy/ha/haproxy.cfg").read_text()
        text = text.replace("@LEADER@", str(LEADER)).replace("@SERVICE@", str(SERVICE))
        text = text.replace("@NODES@", "\n".join(nodes)).replace("@INSTANCES@", "\n".join(instances))
        file = self.directory / "haproxy.cfg"
        _write(file, text)
        return file

    # --- processes --------------------------------------------------------------------------------------

    def _start(
        self,
        name: str,
        *command: str,
        identity: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        known = self._known()
        if name in known and _began(known[name][0]) == known[name][1]:
            return
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd="/" if identity else ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, **(identity or {}),
            )  # fmt: skip
        known[name] = (process.pid, _began(process.pid) or 0)
        _write(self._processes, json.dumps(known))

    def _known(self) -> dict[str, tuple[int, int]]:
        try:
            return {name: (pid, began) for name, (pid, began) in json.loads(self._processes.read_text()).items()}
        except FileNotFoundError:
            return {}

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([_sarhad(), *arguments], cwd=ROOT, env=self.environment(), check=False)
        if done.returncode:
            raise LabError(f"`sarhad {' '.join(arguments)}` failed; the reason is above.")


def _began(pid: int) -> int | None:
    """When a process began, in ticks since the machine did; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _ended(pid: int, began: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if _began(pid) != began:
            return True
        time.sleep(0.1)
    return False


def _await(holds: Any, otherwise: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"Within {READY_SECONDS} s {otherwise}; see the logs in {LAB}.")
        time.sleep(0.5)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own proxy
            return bool(answer.status == 200)
    except OSError:
        return False


def _kept_secret(file: Path) -> str:
    if not file.exists():
        _write(file, secrets.token_hex(24))
    return file.read_text()


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


def _sarhad() -> str:
    return str(Path(sys.executable).with_name("sarhad"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/ha/lab", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "status"])
    what = parser.parse_args().what
    lab = Lab()
    if what == "status":
        return 0 if lab.status() else 1
    try:
        getattr(lab, what)()
    except LabError as fault:
        print(f"\nsarhad: {fault}", file=sys.stderr)
        return 1
    if what == "up":
        print(f"\n  Sarhad answers on http://127.0.0.1:{SERVICE}; keys in {LAB / 'demo'}; deploy/ha/lab down stops it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
