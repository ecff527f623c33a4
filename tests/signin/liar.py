"""A provider on loopback that answers whatever a test has it answer, and keeps what it was asked."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

from service.settings import Provider


@dataclass
class Liar:
    """Of Kazakhstan. What it says of itself is right until a test changes it."""

    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    packed: Callable[[bytes], bytes] = bytes
    leads_to: Callable[[dict[str, str]], str] = lambda _: "/"
    claims: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))

    @property
    def settings(self) -> dict[str, Any]:
        return {"country": "KZ", "name": "Kazakh ID", "issuer": self.issuer, "client_id": "sarhad"}

    @property
    def configured(self) -> Provider:
        return Provider(**self.settings)

    @property
    def codes(self) -> list[str]:
        """Those that it was given to change for tokens."""
        return [given["code"] for path, given in self.asked if path == "/token"]

    def answer(self, path: str) -> dict[str, Any]:
        match path:
            case "/.well-known/openid-configuration":
                return self.metadata
            case "/keys":
                return self.keys
            case "/token":
                return {"id_token": self.token()}
        return {}

    def token(self) -> str:
        now = int(time.time())
        right = {"iss": self.issuer, "sub": "s", "aud": "sarhad", "iat": now, "exp": now + 60}
        claims = json.dumps(right | self.claims).encode()
        return jws.serialize_compact({"alg": "ES256", "kid": "one"}, claims, self.key)


@contextmanager
def liar() -> Iterator[Liar]:
    """One that is running."""
    lying = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

        def _answer(self, form: str) -> None:
            asked = urlsplit(self.path)
            given = dict(parse_qsl(form or asked.query))
            lying.asked.append((asked.path, given))
            if asked.path == "/authorize":
                self.send_response(302)
                self.send_header("location", lying.leads_to(given))
                body = b""
            else:
                self.send_response(200)
                body = lying.packed(json.dumps(lying.answer(asked.path)).encode())
                for name, value in lying.headers.items():
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        lying.issuer = at = f"http://127.0.0.1:{server.server_port}"
        lying.keys = {"keys": [lying.key.as_dict(private=False)]}
        lying.metadata = {
            "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys",
        }  # fmt: skip
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield lying
        finally:
            server.shutdown()
