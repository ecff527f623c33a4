"""A bucket on loopback: the S3-compatible server of moto (`tests/attachments/s3.txt`), in a process of its own."""

import os
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.authority import Authority
from tests.awaiting import eventually

# It ends its connections without a word of TLS, which pgBackRest takes for an answer that was cut off.
_SERVE = """
import contextlib, moto.server, sys, werkzeug.serving

def shutdown_request(self, request):
    with contextlib.suppress(OSError, ValueError):
        request.unwrap()
    self.close_request(request)

werkzeug.serving.BaseWSGIServer.shutdown_request = shutdown_request
moto.server.main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    authority: Path | None = None  # the certificate to trust, where it speaks TLS

    @property
    def trust(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.authority) if self.authority else None

    @property
    def url(self) -> str:
        return "s3://evidence/sarhad"

    @property
    def variables(self) -> dict[str, str]:
        """What a client of the store finds in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
            **({"AWS_CA_BUNDLE": str(self.authority)} if self.authority else {}),
        }  # fmt: skip

    def names(self) -> list[str]:
        """Of the objects in it, the first thousand."""
        with urllib.request.urlopen(f"{self.endpoint}/evidence?list-type=2", context=self.trust) as answer:
            return re.findall("<Key>(.*?)</Key>", answer.read().decode())


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def bucket(authority: Authority | None = None, port: int | None = None) -> Iterator[Bucket]:
    """An empty one; the store ends with it. It speaks TLS where an authority certifies it."""
    python = os.environ.get("SARHAD_MOTO_PYTHON")
    if python is None:
        pytest.fail("SARHAD_MOTO_PYTHON is not set: tests/run installs the store and says where it is")
    port = port or unused_port()
    if authority:
        certificate = str(authority.certificate("localhost"))  # pgBackRest compares names, not addresses
        kept, tls = Bucket(f"https://localhost:{port}", authority.file), ["-s", "-c", certificate, "-k", certificate]
    else:
        kept, tls = Bucket(f"http://127.0.0.1:{port}"), []
    server = subprocess.Popen(
        [python, "-c", _SERVE, "-H", "127.0.0.1", "-p", str(port), *tls],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _created(kept))
        yield kept
    finally:
        server.terminate()
        server.wait()


def _created(kept: Bucket) -> bool:
    request = urllib.request.Request(f"{kept.endpoint}/evidence", method="PUT")
    try:
        with urllib.request.urlopen(request, context=kept.trust):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False
