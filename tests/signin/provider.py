"""An OpenID Connect provider on loopback (npm `oidc-provider`, which the OpenID Foundation certified), and a visit."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

NODE = Path(__file__).parents[1] / "node"


@dataclass(frozen=True)
class Provider:
    """Everybody is whom they say they are."""

    port: int
    secret: str | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """As the service is told of it."""
        proven = {"client_secret": self.secret} if self.secret else {}
        return {"country": "TJ", "name": "Tajik ID", "issuer": self.issuer, "client_id": "sarhad", **proven}

    @contextmanager
    def running(self, console: str) -> Iterator[None]:
        given = [str(self.port), f"{console}/console/?at=TJ", *([self.secret] if self.secret else [])]
        with subprocess.Popen(
            ["node", "provider.mjs", *given], cwd=NODE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            assert any(line == "ready\n" for line in process.stdout)
            try:
                yield
            finally:
                process.terminate()

    def visit(self, url: str, who: str) -> dict[str, str]:
        """What a browser does there: says who it is, agrees, and is sent back with these parameters."""
        with httpx.Client() as browser:
            answer = browser.get(url)
            while answer.is_redirect:
                at = str(answer.url.join(answer.headers["location"]))
                if not at.startswith(self.issuer):
                    return {name: value for name, (value,) in parse_qs(urlsplit(at).query).items()}
                answer = browser.get(at)
                if asked := re.search(r'name="prompt" value="(\w+)"', answer.text):
                    answer = browser.post(answer.url, data={"prompt": asked[1], "login": who, "password": "x"})
        raise AssertionError(f"{answer.status_code} {answer.text}")


def provider(secret: str | None = None) -> Provider:
    """One that is not running yet. Skips where it is not installed."""
    if not (NODE / "node_modules/oidc-provider").is_dir():
        pytest.skip("tests/run installs the provider")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return Provider(listening.getsockname()[1], secret)
