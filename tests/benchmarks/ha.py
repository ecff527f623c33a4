"""What becomes of signed reports and reads while the leading database, its disk or its network fails, and in upgrades.

All of it on a rehearsal of its own (deploy/ha/lab), in a network of its own where the system allows one.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from deploy.ha.lab import ROOT, Lab, interrupted
from deploy.ha.processes import tell
from tests.awaiting import eventually
from tests.faults.load import Load, is_consistent

LEASE = 20  # s: `ttl` of patroni.yml
BY_ITSELF = 120  # s in which a node whose disk is full may hand over, before its operator does
ROOM = 96 * 2**20  # bytes that the small disk has beyond what the database takes at first
NEXT = """from alembic import op

revision = "{revision}"
down_revision = "{last}"


def upgrade() -> None:
    op.execute("ALTER TABLE core.report ADD COLUMN of_the_next_release integer")
"""
APART = "SARHAD_HA_APART"  # set where this process is in a network of its own


def killed(lab: Lab, load: Load) -> dict[str, Any]:
    """The leader's machine is lost, and comes back."""
    old = _leader(lab)
    lab.kill_node(old)
    _await_successor(lab, load, old)
    lab.start_node(old)
    return {}


def frozen(lab: Lab, load: Load) -> dict[str, Any]:
    """The leader stands still (SIGSTOP) for longer than its lease, and goes on believing that it leads (SIGCONT)."""
    old = _leader(lab)
    stopped = lab.processes_of(old)
    tell(stopped, signal.SIGSTOP)
    _await_successor(lab, load, old)
    tell(stopped, signal.SIGCONT)
    return {}


def cut(lab: Lab, load: Load) -> dict[str, Any]:
    """Nothing reaches the leader or leaves it, and nobody is told; then the cable is there again."""
    if lab.network is None:
        return {"not_possible": "this system allows no network namespace (root, unshare --net)"}
    old = _leader(lab)
    lab.network.cut(old)
    _await_successor(lab, load, old)
    lab.network.mend(old)
    return {}


def full(lab: Lab, load: Load) -> dict[str, Any]:
    """The leader's disk takes nothing more, then there is room again."""
    old = _leader(lab)
    if not os.path.ismount(lab.home(old)):
        return {"not_possible": "this system lets nobody mount a small file system"}
    filler = lab.home(old) / "filler"
    began = time.monotonic()
    _fill(filler)
    by_itself = True
    try:
        eventually(lambda: _is_led_by_another(lab, old), BY_ITSELF)
    except AssertionError:
        by_itself = False
        lab.switch(next(node for node in lab.followers() if node != old))
    handed_over = time.monotonic() - began
    _await_successor(lab, load, old)
    filler.unlink()
    lab.start_node(old)
    return {"handed_over_by_itself": by_itself, "handed_over_s": round(handed_over, 1)}


def etcd(lab: Lab, load: Load) -> dict[str, Any]:
    """All of etcd is lost for three leases of the leader, and comes back with what it knew."""
    old = _leader(lab)
    lab.kill("etcd")
    time.sleep(3 * LEASE)
    led_on = lab.leader() == old
    lab.start_etcd()
    eventually(lab.leader, 300)
    load.await_answers()
    return {"led_on": led_on}


def proxy(lab: Lab, load: Load) -> dict[str, Any]:
    """HAProxy is killed, and started again as systemd does."""
    lab.kill("haproxy")
    lab.start_proxy()
    load.await_answers()
    return {}


def restarted(lab: Lab, load: Load) -> dict[str, Any]:
    """Both instances of the service are restarted, one after the other."""
    return {"ended_by_themselves": lab.restart_instances()}


def upgraded(lab: Lab, load: Load) -> dict[str, Any]:
    """This release serves while the next one's migration is applied; then the instances are of the next one."""
    with _next_release() as code:
        lab.run("db", "upgrade", code=code)
        lab.run("db", "load", code=code)
        load.await_answers()
        ended = lab.restart_instances(code)
        load.await_answers()
        return {"ended_by_themselves": ended and lab.restart_instances()}  # and back, on the next one's schema


FAULTS: dict[str, Callable[[Lab, Load], dict[str, Any]]] = {
    "killed": killed, "frozen": frozen, "cut": cut, "full": full, "etcd": etcd, "proxy": proxy,
    "restarted": restarted, "upgraded": upgraded,
}  # fmt: skip


def measure(names: Sequence[str] = ()) -> dict[str, Any]:
    """Each fault on one rehearsal, in turn: records lost or doubled, the longest silences for writers and a reader."""
    if unknown := [name for name in names if name not in FAULTS]:
        raise SystemExit(f"no such fault: {' '.join(unknown)}; there are {' '.join(FAULTS)}")
    _move_apart()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    chosen = [name for name in FAULTS if not names or name in names]
    directory = Path(tempfile.mkdtemp(prefix="sarhad-ha-"))
    directory.chmod(0o755)
    lab = Lab(directory / "lab", network=APART in os.environ)
    try:
        lab.up()
        figures = {name: _figures(lab, name) for name in chosen}
    finally:
        lab.remove()
        shutil.rmtree(directory, ignore_errors=True)
    done = [figure for figure in figures.values() if "acked" in figure]
    return {
        **{name: sum(figure[name] for figure in done) for name in ("acked", "acked_lost", "duplicated")},
        **{name: max((figure[name] for figure in done), default=None) for name in ("write_gap_s", "read_gap_s")},
        "consistent": all(figure["consistent"] for figure in done),
        "faults": figures,
    }


def _figures(lab: Lab, name: str) -> dict[str, Any]:
    with _small_disk(lab) if name == "full" else contextlib.nullcontext():
        with Load(lab) as load:
            found = FAULTS[name](lab, load)
            lab.await_followers()
            load.await_answers()
        figures = found if "not_possible" in found else {**found, **load.count(), "consistent": is_consistent(lab)}
    print(json.dumps({"fault": name, **figures}), file=sys.stderr, flush=True)
    return figures


def _move_apart() -> None:
    """Begin again in a network namespace of our own, where the system allows one."""
    if APART in os.environ or subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return
    command = ["unshare", "--net", sys.executable, "-m", "tests.benchmarks", *sys.argv[1:]]
    os.execvpe(command[0], command, os.environ | {APART: "1"})


@contextlib.contextmanager
def _next_release() -> Iterator[Path]:
    """This one, and one migration more."""
    with tempfile.TemporaryDirectory(prefix="sarhad-next-") as place:
        code = Path(place)
        for part in ("service", "migrations", "deploy", "schemas", "clients/python"):
            shutil.copytree(ROOT / part, code / part, ignore=shutil.ignore_patterns("__pycache__"))
        versions = code / "migrations/versions"
        last = max(file.name for file in versions.glob("[0-9]*.py"))[:4]
        (versions / f"{int(last) + 1:04}_next.py").write_text(NEXT.format(revision=f"{int(last) + 1:04}", last=last))
        yield code


@contextlib.contextmanager
def _small_disk(lab: Lab) -> Iterator[None]:
    """The leader is a node whose disk has little room; nothing changes where nothing can be mounted."""
    leader = _leader(lab)
    taken = sum(file.stat().st_size for file in lab.home(leader).rglob("*") if file.is_file())
    small, other = (node for node in lab.nodes if node != leader)
    home = lab.home(small)
    owner = f"uid={home.stat().st_uid},gid={home.stat().st_gid},mode=0700"
    lab.stop_node(small)
    shutil.rmtree(home / "data")
    tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={taken + ROOM},{owner}", "tmpfs", str(home)]
    mounted = subprocess.run(tmpfs, capture_output=True, check=False).returncode == 0
    try:
        lab.start_node(small)
        lab.await_followers()
        lab.stop_node(other)  # only the synchronous standby is handed over to
        eventually(lambda: lab.followers() == [small])
        lab.switch(small)
        lab.start_node(other)
        lab.await_followers()
        yield
    finally:
        lab.stop_node(small)
        if mounted:
            subprocess.run(["umount", str(home)], check=True)
    lab.start_node(small)
    lab.await_followers()


def _fill(file: Path) -> None:
    """Take all the room that there is."""
    with file.open("wb") as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(2**16))
            filler.flush()


def _leader(lab: Lab) -> str:
    return eventually(lab.leader) or ""


def _is_led_by_another(lab: Lab, old: str) -> bool:
    return lab.leader() not in {None, old}


def _await_successor(lab: Lab, load: Load, old: str) -> None:
    eventually(lambda: _is_led_by_another(lab, old), 300)
    load.await_answers()
