"""A network of the rehearsal's own, in which a node can be cut off: a namespace for each node, joined by a bridge.

It is made within the network namespace of the process that asks, which must be one of its own (`unshare --net`):
nothing of the machine's network is touched, and all of it is gone with the last process that is in it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.ha.processes import Processes

ADDRESSES = "192.0.2.{}"  # RFC 5737: of documentation, nobody's
HERE = ADDRESSES.format(1)


class NoNamespace(RuntimeError):
    """This process is in a network namespace that has interfaces already."""


class Network:
    """The cables: `plug` a node in once its namespace is held by a process, `cut` and `mend` its cable."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        others = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
        if others != ["lo"]:
            raise NoNamespace("A network is made only in a namespace of its own: unshare --net")
        self._nodes = nodes
        _ip("link set lo up")
        _ip("link add sarhad type bridge")
        _ip(f"addr add {HERE}/24 dev sarhad")
        _ip("link set sarhad up")

    def address(self, node: str) -> str:
        return ADDRESSES.format(11 + self._nodes.index(node))

    def plug(self, node: str, processes: Processes) -> None:
        """A namespace for the node, and a cable from it to the bridge; nothing where it has one."""
        if processes.pid(f"net-{node}") is not None:
            return
        processes.start(f"net-{node}", ["/usr/bin/unshare", "--net", "/usr/bin/sleep", "infinity"])
        holder = processes.pid(f"net-{node}") or 0
        _until(lambda: _namespace(str(holder)) != _namespace("self"))
        _ip(f"link add {node} type veth peer name eth0 netns {holder}")
        _ip(f"link set {node} master sarhad up")
        inside = f"--net=/proc/{holder}/ns/net"
        for command in ("link set lo up", f"addr add {self.address(node)}/24 dev eth0", "link set eth0 up"):
            subprocess.run(["/usr/bin/nsenter", inside, "/usr/sbin/ip", *command.split()], check=True)

    def within(self, node: str, processes: Processes, identity: dict[str, int]) -> list[str]:
        """What goes before a command that is run in the node's namespace, as `identity`."""
        as_whom = [f"--reuid={identity['user']}", f"--regid={identity['group']}", "--init-groups"] if identity else []
        holder = processes.pid(f"net-{node}")
        return ["/usr/bin/nsenter", f"--net=/proc/{holder}/ns/net", "/usr/bin/setpriv", *as_whom]

    def cut(self, node: str) -> None:
        """Nothing reaches the node or leaves it, and nobody is told: what is sent is lost."""
        _ip(f"link set {node} nomaster")

    def mend(self, node: str) -> None:
        _ip(f"link set {node} master sarhad")


def _ip(command: str) -> None:
    subprocess.run(["/usr/sbin/ip", *command.split()], check=True)


def _namespace(pid: str) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        pass
