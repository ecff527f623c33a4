"""An exchange that may reach receivers on the loopback, and listeners: an open stream, a webhook's receiver."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from socket import SHUT_RDWR
from typing import Any, Self, cast
from urllib.parse import urlencode

import httpx
import pytest
from sarhad.keys import b64url_decode

from service.settings import Settings
from tests.awaiting import eventually
from tests.exchange import Exchange, Region
from tests.policies.worlds import Worlds, begin, drop
from tests.seizures.wiring import Agency
from tests.signing.wire import Reply, send, sign

PERMIT = {
    "id": "green-to-kg",
    "effect": "permit",
    "audience": {"countries": ["KG"]},
    "purposes": ["operational"],
    "handling_up_to": "TLP:GREEN",
    "time": "day",
    "place": "country",
    "facets": ["items", "marks", "purity"],
}


@pytest.fixture(scope="session")
def warning(settings: Settings, region: Region) -> Iterator[Exchange]:
    """It does its jobs, and reaches receivers on the loopback."""
    running = Exchange.start(settings, region, workers=1, SARHAD_WEBHOOK_NETWORKS='["127.0.0.0/8"]', SARHAD_JOBS="true")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def warned(warning: Exchange) -> Exchange:
    """Kazakhstan gives Kyrgyzstan the day, the country and what was found of what is marked green."""
    warning.adopt("KZ", PERMIT)
    return warning


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """Two worlds of this folder alone: orders, candidates and alerts stay, and say when."""
    directory = tmp_path_factory.mktemp("worlds")
    made, databases = begin(directory, SARHAD_WEBHOOK_NETWORKS='["127.0.0.0/8"]')
    yield made
    made.end()
    drop(databases)


@pytest.fixture(scope="module")
def second(warned: Exchange) -> str:
    """Another key of the Kyrgyz customs, to be revoked."""
    return warned.add_holder("KG-CUS/second", "analyst")


Call = Callable[..., Reply]


@pytest.fixture(scope="module")
def call(warned: Exchange) -> Call:
    """POST, GET or DELETE as someone, for the purpose operational."""
    return calling(warned)


def calling(exchange: Exchange) -> Call:
    def asking(name: str, method: str, path: str, document: object = None, **query: str) -> Reply:
        key, origin = exchange.region.profiles[name].load_request_key(), exchange.settings.origin
        target = path + (f"?{urlencode(query)}" if query else "")
        body = None if document is None else json.dumps(document).encode()
        return send(origin, sign(key, origin, method, target, body, purpose="operational"))

    return asking


class Listener:
    """An open stream, read in a thread of its own: events by kind, as they come."""

    def __init__(self, exchange: Exchange, name: str, subscription: str, **query: str) -> None:
        key, origin = exchange.region.profiles[name].load_request_key(), exchange.settings.origin
        target = f"/v1/subscriptions/{subscription}/stream" + (f"?{urlencode(query)}" if query else "")
        wire = sign(key, origin, "GET", target, purpose="operational")
        self.events: Queue[tuple[str, str, Any] | None] = Queue()
        self._opened = threading.Event()
        self._client = httpx.Client(timeout=httpx.Timeout(120.0))
        self.headers: dict[str, str] = {}
        self._thread = threading.Thread(target=self._read, args=(origin + target, dict(wire.headers)), daemon=True)
        self._thread.start()
        assert self._opened.wait(120)

    def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                self._socket = response.extensions["network_stream"].get_extra_info("socket")
                self.status, self.headers = response.status_code, dict(response.headers)
                event: dict[str, str] = {}
                for line in response.iter_lines():
                    self._opened.set()
                    name, _, value = line.partition(": ")
                    if line:
                        event[name] = value
                    elif "data" in event:
                        self.events.put((event["event"], event.get("id", ""), _payload(event["data"])))
                        event = {}
        except httpx.HTTPError:
            pass
        finally:
            self._opened.set()
            self.events.put(None)

    def next(self, seconds: float = 120) -> tuple[str, str, Any] | None:
        """(kind, id, event); None where the line broke."""
        return self.events.get(timeout=seconds)

    def until(self, wanted: Callable[[str, Any], bool]) -> tuple[str, str, Any]:
        while (found := self.next()) is not None:
            if wanted(found[0], found[2]):
                return found
        raise AssertionError("the stream ended")

    def close(self) -> None:
        with suppress(OSError):  # the service may have closed it before
            self._socket.shutdown(SHUT_RDWR)
        self._thread.join()
        self._client.close()

    @classmethod
    def when_free(cls, exchange: Exchange, name: str, subscription: str, **query: str) -> Self:
        """Opened once the service has noticed that others were closed: a country has a ration of streams."""

        def opened() -> Self | None:
            listener = cls(exchange, name, subscription, **query)
            if listener.status == HTTPStatus.OK:
                return listener
            assert listener.status == HTTPStatus.TOO_MANY_REQUESTS
            listener.close()
            return None

        return cast(Self, eventually(opened))


def _payload(data: str) -> Any:
    parts = data.split(".")
    return json.loads(b64url_decode(parts[1])) if len(parts) == 3 else data


class Receiver:
    """A webhook's receiver on the loopback: keeps what it gets, answers with the status that it is told when it may."""

    def __init__(self) -> None:
        self.requests: Queue[tuple[str, dict[str, str], bytes]] = Queue()
        self.status = 204
        self.answers = threading.Event()
        self.answers.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.put((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                receiver.answers.wait()
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def customs(warned: Exchange) -> Agency:
    return Agency(warned, "KZ-CUS")
