"""A batch on its way, in a thread: the worker that serves it can be found, and killed."""

import http.client
import json
import os
import socket
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tests.exchange import Exchange
from tests.signing.wire import Wire


class Sending(Thread):
    """Sends one signed request. `verdicts` are set only when a whole answer came: the acknowledgement."""

    def __init__(self, origin: str, wire: Wire) -> None:
        super().__init__(daemon=True)
        where = urlsplit(origin)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=600)
        self._connection.connect()
        self._ports = (self._connection.sock.getsockname()[1], where.port or 80)
        self._wire = wire
        self.status: int | None = None
        self.verdicts: list[dict[str, Any]] | None = None

    def run(self) -> None:
        try:
            self._connection.request("POST", self._wire.target, self._wire.body, dict(self._wire.headers))
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return
        self.status = response.status
        if response.status == http.client.OK:
            *lines, last = [json.loads(line) for line in body.splitlines()]
            assert last["summary"]["committed"]
            self.verdicts = lines

    @property
    def ended(self) -> bool:
        return not self.is_alive()

    def worker(self) -> int | None:
        """The process id of the service's worker at the other end; None when it has accepted nothing yet."""
        client, service = self._ports
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = row.split()
            local, remote, inode = fields[1], fields[2], fields[9]
            if (int(local[-4:], 16), int(remote[-4:], 16)) == (service, client) and inode != "0":
                return _holder(f"socket:[{inode}]")
        return None


def opened(exchange: Exchange) -> socket.socket:
    """A connection on which nothing was said yet."""
    where = urlsplit(exchange.settings.origin)
    return socket.create_connection((where.hostname or "", where.port or 80), timeout=20)


def _holder(held: str) -> int | None:
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(fd) == held:
                return int(fd.parts[2])
        except OSError:
            continue
    return None
