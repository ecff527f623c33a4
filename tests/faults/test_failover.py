"""The leading database is killed under load: what was acknowledged is there, once, and the exchange goes on.

The whole chain of deploy/ha on two nodes: nginx, HAProxy, two instances of the service, PgBouncer, HAProxy, Patroni.
"""

import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.ha.lab import Lab
from tests.awaiting import eventually
from tests.faults.load import Load, is_consistent

PORTS = 11
pytestmark = pytest.mark.xdist_group("failover")


@pytest.fixture
def lab() -> Iterator[Lab]:
    directory = Path(tempfile.mkdtemp(prefix="sarhad-ha-"))
    directory.chmod(0o755)  # the databases' own user enters
    made = Lab(directory / "lab", _free_ports(), nodes=("n1", "n2"))
    yield made
    made.remove()
    shutil.rmtree(directory, ignore_errors=True)


def _free_ports() -> int:
    """The first of them, below those that the system gives to whoever asks for any."""
    while True:
        first = random.randrange(20_000, 32_000, PORTS)
        try:
            with ExitStack() as held:
                for address in ("127.0.0.1", "127.0.0.11", "127.0.0.12"):
                    for port in range(first, first + PORTS):
                        held.enter_context(socket.create_server((address, port)))
        except OSError:
            continue
        return first


def test_nothing_acknowledged_is_lost_or_doubled_when_the_leader_is_killed(lab: Lab) -> None:
    lab.up()
    with Load(lab) as load:
        old = eventually(lab.leader)
        lab.kill_node(old)
        eventually(lambda: lab.leader() not in {None, old})
        load.await_answers()
        lab.start_node(old)
        lab.await_followers()
        assert lab.followers() == [old]  # the old leader follows, and is the synchronous one again
        load.await_answers()
    found = load.count()
    assert found["acked"] > 80  # before, while it was away, and after
    assert found["failed"], "nobody noticed: the leader was not killed under load"
    assert (found["acked_lost"], found["duplicated"]) == (0, 0)
    assert is_consistent(lab)


def test_each_program_accepts_what_it_is_told(lab: Lab) -> None:
    lab.start_etcd()
    for command in lab.check():
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_and_would_not_accept_another(lab: Lab) -> None:
    lab.start_etcd()
    for command in lab.check():
        config = Path(command[-1])
        config.write_text(config.read_text() + "nonsense {\n")
        done = subprocess.run(command, cwd="/", capture_output=True, check=False)
        assert done.returncode != 0, command
