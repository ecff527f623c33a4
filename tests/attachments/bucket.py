"""A bucket on loopback: the S3-compatible server of moto (`tests/attachments/s3.txt`), in a process of its own."""

import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.awaiting import eventually


@dataclass(frozen=True)
class Bucket:
    endpoint: str

    @property
    def url(self) -> str:
        return "s3://evidence/sarhad"

    @property
    def variables(self) -> dict[str, str]:
        """What a client of the store finds in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
        }  # fmt: skip

    def names(self) -> list[str]:
        """Of the objects in it, the first thousand."""
        with urllib.request.urlopen(f"{self.endpoint}/evidence?list-type=2") as answer:
            return re.findall("<Key>(.*?)</Key>", answer.read().decode())


@contextmanager
def bucket() -> Iterator[Bucket]:
    """An empty one; the store ends with it."""
    python = os.environ.get("SARHAD_MOTO_PYTHON")
    if python is None:
        pytest.skip("tests/run installs the store")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _created(f"{endpoint}/evidence"), seconds=60)
        yield Bucket(endpoint)
    finally:
        server.terminate()
        server.wait()


def _created(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT")):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False
