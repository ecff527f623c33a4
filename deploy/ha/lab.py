"""The exchange on database nodes and two instances of the service, on loopback: started, told of and stopped.

etcd knows who leads; Patroni keeps one leader and one synchronous standby, so a commit is on two nodes before it is
answered. A request comes in at nginx (TLS, limits), goes by HAProxy to an instance that is ready, and from there by
PgBouncer and HAProxy to the leader. State, keys and logs are under .sarhad/ha.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.cluster import Cluster, program
from deploy.ha.network import HERE, Network
from deploy.ha.processes import Processes, began, family, has_ended, tell

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / ".sarhad" / "ha"
NODES = ("n1", "n2", "n3")
INSTANCES = ("a", "b")
BASE = 18400
PATRONI = ROOT / ".sarhad" / "patroni-venv" / "bin" / "patroni"
READY_SECONDS = 300
DATABASE = "postgres"
LOGINS = ("sarhad_read", "sarhad_write", "sarhad_authn", "sarhad_sequencer", "sarhad_access", "sarhad_jobs")
COMMAND = "import sys; from importlib import import_module; import_module('service.cli.' + sys.argv.pop(1)).app()"


class LabError(RuntimeError):
    """The rehearsal could not be started; the message says what stood in the way."""


class Lab:
    """The processes of `directory`, with ports from `base` on; with `network`, the nodes are on one that can be cut.

    The databases lie where the postgres user may enter (deploy/cluster.py).
    """

    def __init__(
        self,
        directory: Path = LAB,
        base: int | None = None,
        *,
        nodes: tuple[str, ...] = NODES,
        network: bool = False,
    ) -> None:
        self.directory, self.nodes = directory.absolute(), nodes
        self.directory.mkdir(parents=True, exist_ok=True)
        self._base = base or int(os.environ.get("SARHAD_HA_PORT", BASE))
        self._cluster = Cluster(self.directory / "nodes")
        self._processes = Processes(self.directory)
        self._secret = _kept_secret(self.directory / "secret")
        self._socket = Path("/tmp") / f"sarhad-ha-{self._base}.sock"  # noqa: S108 - a longer path is no socket's
        self.network = Network(nodes) if network else None

    # --- where each listens: everything but the nodes on 127.0.0.1 --------------------------------------

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self._port('edge')}"

    @property
    def certificate(self) -> Path:
        """Of nginx, signed by itself."""
        return self.directory / "tls" / "fullchain.pem"

    def address(self, node: str) -> str:
        return self.network.address(node) if self.network else f"127.0.0.{11 + self.nodes.index(node)}"

    def home(self, node: str) -> Path:
        return self._cluster.home / node

    def _port(self, what: str) -> int:
        return self._base + (
            "edge",
            "service",
            "leader",
            "pool",
            "etcd",
            "peers",
            "postgres",
            "api",
            *INSTANCES,
            "replica",
        ).index(what)

    # --- up and down ------------------------------------------------------------------------------------

    def up(self, code: Path = ROOT) -> None:
        """Start what does not run, bring the schema to the release in `code`, and wait until an instance is ready."""
        self._make_certificate()
        self.start_etcd()
        for node in self.nodes:
            self.start_node(node)
        self.start_proxy()
        self.await_followers()
        for command in (("db", "upgrade"), ("db", "load"), ("demo", "load", str(self.directory / "demo"))):
            self.run(*command, code=code)
        self._start("pgbouncer", "/usr/sbin/pgbouncer", str(self._write_pool()), as_postgres=True)
        for instance in INSTANCES:
            self.start_instance(instance, code)
        self._start("nginx", "/usr/sbin/nginx", "-c", str(self._write_edge()))
        for instance in INSTANCES:
            self.await_instance(instance)

    def start_etcd(self) -> None:
        self._start("etcd", *self._etcd(), as_postgres=True)
        self._await(lambda: _answers(f"http://127.0.0.1:{self._port('etcd')}/health"), "etcd does not answer")

    def start_proxy(self) -> None:
        self._start("haproxy", "/usr/sbin/haproxy", "-db", "-f", str(self._write_proxy()))

    def kill(self, name: str) -> None:
        """End etcd or HAProxy at once with SIGKILL."""
        pid = self._processes.pid(name)
        if pid is None:
            raise LabError(f"{name} does not run.")
        tell(family(pid), signal.SIGKILL)
        has_ended(pid, 60)

    def down(self) -> None:
        """Stop what `up` started, the edge first and etcd last; what is stopped with SIGSTOP is let go on."""
        for name in reversed(self._processes.names()):
            postmaster = self._postmaster(name) if name in self.nodes else None
            if not self._processes.stop(name):
                print(f"{name} did not end within a minute: killed", file=sys.stderr)
            if postmaster is not None and not has_ended(postmaster, 1):  # its Patroni was killed
                tell(family(postmaster), signal.SIGCONT)
                tell([postmaster], signal.SIGINT)
                has_ended(postmaster, 60)
        self._socket.unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop, and delete all that there is: databases, keys, logs."""
        self.down()
        self._cluster.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def status(self) -> bool:
        """Print what runs and who leads; whether all runs."""
        names = self._processes.names()
        for name in names:
            pid = self._processes.pid(name)
            print(f"{name:10}  {f'runs, process {pid}' if pid else 'ended'}")
        members = self.members()
        for member in members:
            print(f"{member['name']:10}  {member['role']}, {member['state']}")
        if not names:
            print("nothing runs: deploy/ha/lab up")
        return bool(names) and all(map(self._processes.pid, names)) and any(m["role"] == "leader" for m in members)

    # --- database nodes ---------------------------------------------------------------------------------

    def start_node(self, node: str) -> None:
        """Start a database node, also one that was killed: Patroni makes a standby of it where another leads."""
        config, before = self._write_node(node), []
        if self.network:
            self.network.plug(node, self._processes)
            before = self.network.within(node, self._processes, self._cluster.identity())
        self._start(node, *before, str(PATRONI), str(config), as_postgres=not before)

    def processes_of(self, node: str) -> list[int]:
        """Patroni, PostgreSQL, and all of theirs."""
        found = [self._processes.pid(node), self._postmaster(node)]
        return [member for pid in found if pid is not None for member in family(pid)]

    def kill_node(self, node: str) -> None:
        """End Patroni and PostgreSQL of a node at once with SIGKILL, as the loss of its machine would."""
        tell(self.processes_of(node), signal.SIGKILL)

    def stop_node(self, node: str) -> None:
        self._processes.stop(node)

    def members(self) -> list[dict[str, Any]]:
        """The nodes as the first Patroni that answers has them."""
        for node in self.nodes:
            with contextlib.suppress(OSError, ValueError), self._ask(node, "/cluster") as answer:
                return list(json.load(answer)["members"])
        return []

    def leader(self) -> str | None:
        """Who answers that it leads, and may until its lease ends."""
        for node in self.nodes:
            with contextlib.suppress(OSError), self._ask(node, "/primary"):
                return node
        return None

    def followers(self) -> list[str]:
        """Standbys that stream, the synchronous one among them.

        Patroni of Debian 12 calls a standby that streams `running`: it streams where it has a lag that is known.
        """
        standbys = [m for m in self.members() if m["role"] != "leader" and "lag" in m and m["lag"] != "unknown"]
        streaming = [m["name"] for m in standbys if m["state"] in {"streaming", "running"}]
        return streaming if any(m["role"] == "sync_standby" for m in standbys) else []

    def await_followers(self) -> None:
        """Every node but the leader follows it, one of them synchronously."""
        others = len(self.nodes) - 1
        self._await(lambda: len(self.followers()) == others, "the standbys do not follow the leader")

    def switch(self, candidate: str) -> None:
        """Hand over to a standby that follows, as `patronictl switchover` does."""
        leader = self.leader()
        if leader == candidate:
            return
        request = urllib.request.Request(
            f"http://{self.address(leader or candidate)}:{self._port('api')}/switchover",
            json.dumps({"leader": leader, "candidate": candidate}).encode(),
            {"Authorization": f"Basic {base64.b64encode(f'patroni:{self._secret}'.encode()).decode()}"},
        )
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310
            pass
        self._await(lambda: self.leader() == candidate, f"{candidate} does not lead")

    def _ask(self, node: str, path: str) -> Any:
        return urllib.request.urlopen(f"http://{self.address(node)}:{self._port('api')}{path}", timeout=2)

    def _postmaster(self, node: str) -> int | None:
        """PostgreSQL of a node; it outlives its Patroni."""
        data = self.home(node) / "data"
        try:
            pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if any(os.fsencode(data) in argument for argument in arguments) and began(pid) else None

    # --- the service ------------------------------------------------------------------------------------

    def start_instance(self, instance: str, code: Path = ROOT) -> None:
        """Start an instance of the service, of the release in `code`."""
        own = {"SARHAD_PORT": str(self._port(instance)), "SARHAD_WORKERS": "1", "SARHAD_DATABASE_POOL": "4"}
        own |= {"SARHAD_DATABASE_URL": f"postgresql://127.0.0.1:{self._port('pool')}/{DATABASE}"}
        own |= {"SARHAD_DATABASE_POOLER": "true", "SARHAD_REPLICA_URL": f"{own['SARHAD_DATABASE_URL']}_replica"}
        command = [sys.executable, "-c", COMMAND, "serve"]
        self._processes.start(f"service-{instance}", command, directory=code, environment=self._of(code) | own)

    def await_instance(self, instance: str) -> None:
        """It is ready, and HAProxy has seen it."""
        self._tell_proxy(f"set server service/{instance} state ready")
        address = f"http://127.0.0.1:{self._port(instance)}/readyz"
        self._await(lambda: _answers(address), f"instance {instance} of the service is not ready")
        self._await(lambda: self._is_offered(instance), f"HAProxy does not find instance {instance} ready")

    def stop_instance(self, instance: str) -> bool:
        """HAProxy sends it nothing new, and it finishes what is under way; False when it had to be killed."""
        self._tell_proxy(f"set server service/{instance} state drain")
        return self._processes.stop(f"service-{instance}")

    def restart_instances(self, code: Path = ROOT) -> bool:
        """One after the other, each once HAProxy has the other; False where one had to be killed."""
        ended = []
        for instance in INSTANCES:
            ended.append(self.stop_instance(instance))
            self.start_instance(instance, code)
            self.await_instance(instance)
        return all(ended)

    def _tell_proxy(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(self._socket))
            admin.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: admin.recv(65536), b"")).decode()

    def _is_offered(self, instance: str) -> bool:
        """Whether HAProxy sends requests to it."""
        rows = (line.split(",") for line in self._tell_proxy("show stat").splitlines())
        return any(row[:2] == ["service", instance] and row[17].startswith("UP") for row in rows if len(row) > 17)

    def environment(self) -> dict[str, str]:
        """What the operator's commands are started with: the database by way of HAProxy, without the pooler."""
        return {
            **os.environ,
            "SARHAD_DATABASE_URL": f"postgresql://postgres:{self._secret}@127.0.0.1:{self._port('leader')}/{DATABASE}",
            "SARHAD_DATABASE_PASSWORD": self._secret,
            "SARHAD_STATE_DIR": str(self.directory / "state"),
            "SARHAD_ORIGIN": self.origin,
            "SSL_CERT_FILE": str(self.certificate),
        }

    def run(self, *arguments: str, code: Path = ROOT) -> None:
        """An operator's command, of the release in `code`."""
        command = [sys.executable, "-c", COMMAND, *arguments]
        done = subprocess.run(command, cwd=code, env=self._of(code), check=False)
        if done.returncode:
            raise LabError(f"`sarhad {' '.join(arguments)}` failed; the reason is above.")

    def _of(self, code: Path) -> dict[str, str]:
        return self.environment() | {"PYTHONPATH": f"{code}:{code / 'clients/python'}"}

    # --- what each program is told ----------------------------------------------------------------------

    def check(self) -> list[list[str]]:
        """Write what the programs read, and answer with the commands by which they judge it.

        Patroni looks for etcd, and whether a node's ports are free.
        """
        self._make_certificate()
        return [
            ["/usr/sbin/haproxy", "-c", "-q", "-f", str(self._write_proxy())],
            ["/usr/sbin/nginx", "-t", "-q", "-c", str(self._write_edge())],
            *([str(PATRONI), "--validate-config", str(self._write_node(node))] for node in self.nodes),
        ]

    def _etcd(self) -> tuple[str, ...]:
        clients = [f"http://{host}:{self._port('etcd')}" for host in self._hosts_of_etcd()]
        peer = f"http://127.0.0.1:{self._port('peers')}"
        return (
            "/usr/bin/etcd", "--name", "lab", "--data-dir", str(self.home("etcd")),
            "--listen-client-urls", ",".join(clients), "--advertise-client-urls", clients[-1],
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"lab={peer}",
            "--logger", "zap", "--log-level", "warn", "--unsafe-no-fsync",
        )  # fmt: skip

    def _hosts_of_etcd(self) -> list[str]:
        return ["127.0.0.1", HERE] if self.network else ["127.0.0.1"]

    def _write_node(self, node: str) -> Path:
        self.home(node).mkdir(exist_ok=True)
        self._give(self.home(node))
        text = _filled(
            "patroni.yml",
            NODE=node,
            ADDRESS=self.address(node),
            API=self._port("api"),
            POSTGRES=self._port("postgres"),
            ETCD=f"{self._hosts_of_etcd()[-1]}:{self._port('etcd')}",
            NETWORK="192.0.2.0/24" if self.network else "127.0.0.0/8",
            DATA=self.home(node) / "data",
            PROGRAMS=Path(program("postgres")).parent,
            MEMORY="64MB",
            SECRET=self._secret,
        )
        return self._give(_write(self._cluster.home / f"{node}.yml", text))

    def _write_proxy(self) -> Path:
        to_leader = [
            f"    server {node} {self.address(node)}:{self._port('postgres')} check port {self._port('api')}"
            for node in self.nodes
        ]
        to_service = [f"    server {name} 127.0.0.1:{self._port(name)} check" for name in INSTANCES]
        text = _filled(
            "haproxy.cfg",
            LEADER=self._port("leader"),
            REPLICA=self._port("replica"),
            SERVICE=self._port("service"),
            SOCKET=self._socket,
            NODES="\n".join(to_leader),
            INSTANCES="\n".join(to_service),
        )
        return _write(self.directory / "haproxy.cfg", text)

    def _write_pool(self) -> Path:
        users = "".join(f'"{login}" "{self._secret}"\n' for login in LOGINS)
        known = self._give(_write(self._cluster.home / "users.txt", users))
        text = _filled(
            "pgbouncer.ini",
            DATABASE=DATABASE,
            LEADER=self._port("leader"),
            REPLICA=self._port("replica"),
            POOL=self._port("pool"),
            USERS=known,
        )
        return self._give(_write(self._cluster.home / "pgbouncer.ini", text))

    def _write_edge(self) -> Path:
        """deploy/nginx/sarhad.conf as it is, but for where it listens and what it is in front of."""
        text = (ROOT / "deploy/nginx/sarhad.conf").read_text()
        for usual, own in {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{self._port('service')};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self._port('edge')} ssl http2;",
            "/etc/sarhad/tls": str(self.certificate.parent),
        }.items():
            if usual not in text:
                raise LabError(f"deploy/nginx/sarhad.conf has no {usual!r} any more")
            text = text.replace(usual, own)
        site = _write(self.directory / "sarhad.conf", text)
        files = self.directory / "nginx"
        files.mkdir(exist_ok=True)
        kept = "".join(f"{of}_temp_path {files / of};" for of in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        lines = (
            *([f"user {self._owner()};"] if os.geteuid() == 0 else []),
            f"daemon off; pid {files / 'pid'}; error_log stderr warn; worker_processes 1;",
            "events { worker_connections 512; }",
            f"http {{ access_log off; {kept} include {site}; }}",
        )
        return _write(self.directory / "nginx.conf", "\n".join(lines) + "\n")

    def _make_certificate(self) -> None:
        if self.certificate.exists():
            return
        folder = self.certificate.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", str(folder / "key.pem")]
        named = ["-days", "365", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        made = ["/usr/bin/openssl", "req", "-x509", *key, *named, "-out", str(self.certificate)]
        subprocess.run(made, check=True, capture_output=True)

    # --- processes and files ----------------------------------------------------------------------------

    def _start(self, name: str, *command: str, as_postgres: bool = False) -> None:
        self._processes.start(name, command, identity=self._cluster.identity() if as_postgres else None)

    def _await(self, holds: Callable[[], Any], otherwise: str) -> None:
        """Wait for it, unless what was started has ended meanwhile."""
        deadline, began_with = (
            time.monotonic() + READY_SECONDS,
            set(filter(self._processes.pid, self._processes.names())),
        )
        while not holds():
            if ended := [
                name for name in self._processes.names() if name in began_with and not self._processes.pid(name)
            ]:
                raise LabError(f"{' and '.join(ended)} ended; see {self.directory}/{ended[0]}.log.")
            if time.monotonic() > deadline:
                raise LabError(f"Within {READY_SECONDS} s {otherwise}; see {self.directory}/*.log.")
            time.sleep(0.2)

    def _owner(self) -> str:
        return "postgres" if self._cluster.identity() else ""

    def _give(self, path: Path) -> Path:
        """To the user whom the databases run as."""
        if owner := self._cluster.identity().get("user"):
            os.chown(path, owner, -1)
        return path


def _filled(template: str, **values: object) -> str:
    text = (ROOT / "deploy/ha" / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _kept_secret(file: Path) -> str:
    if not file.exists():
        _write(file, secrets.token_hex(24))
    return file.read_text()


def _write(file: Path, text: str) -> Path:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
    return file


def interrupted(_number: int, _frame: FrameType | None) -> None:
    """Whoever is asked to end, ends as by Ctrl-C: what it started is stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="deploy/ha/lab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n"
        "  deploy/ha/lab up               start what does not run; ended by Ctrl-C it stops what it started\n"
        "  deploy/ha/lab status           what runs, who leads; exit code 1 unless all runs\n"
        "  deploy/ha/lab down             stop these processes, by their ids, and no other\n"
        "  deploy/ha/lab down --remove    and delete databases, keys and logs\n"
        "  SARHAD_HA_PORT=19400 deploy/ha/lab up    ports from there on (18400)",
    )
    parser.add_argument("what", choices=["up", "down", "status"])
    parser.add_argument("--remove", action="store_true", help="with `down`: delete all that the rehearsal made")
    options = parser.parse_args()
    if options.remove and options.what != "down":
        parser.error("--remove goes with down")
    lab = Lab()
    if options.what == "status":
        return 0 if lab.status() else 1
    if options.what == "down":
        lab.remove() if options.remove else lab.down()
        return 0
    return _up(lab)


def _up(lab: Lab) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        lab.up()
    except KeyboardInterrupt:
        print("\nStopping what was started", file=sys.stderr)
        lab.down()
        return 130
    except LabError as fault:
        print(f"\nsarhad: {fault}\nStopping what was started", file=sys.stderr)
        lab.down()
        return 1
    print(f"\n  Sarhad answers on {lab.origin}; keys in {lab.directory / 'demo'}; deploy/ha/lab down stops it")
    print(f"    export SSL_CERT_FILE={lab.certificate}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
