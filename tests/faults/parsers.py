"""Every parser that reads what outsiders send, as a function of bytes. Each may raise a Problem that can be told, and
nothing else.

Parsers of files run in the sandbox, where a library's complaint becomes a refusal: of them only crashes, endless
loops and memory count.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from sarhad import PrivateKey
from sqlalchemy import column

from service.attachments.inspect import inspect
from service.identity.permission import read_purpose
from service.identity.possession import opened
from service.ogc.cql import condition
from service.paging import Cursors
from service.problems import Problem
from service.records import facets, sdjwt
from service.records.claims import read_claims
from service.signing.digests import DigestReader
from service.signing.keys import public_key
from service.signing.message import HeaderLines, RequestMessage
from service.signing.request import Presented
from service.spectra.formats import read
from service.web.json_reader import read_json
from service.web.ranges import span
from service.web.rendering import problem_response

ORIGIN = "https://exchange.example"
NOW = 1_767_225_600.0  # 2026-01-01
KEY = PrivateKey.generate()
COLUMNS = {
    name: (kind, column(name))
    for name, kind in {"owner": "text", "kg": "number", "at": "time", "geometry": "geometry"}.items()
}
CURSORS = Cursors(b"0" * 32)


def signature(data: bytes) -> None:
    """Signature-Input and Signature, separated by a line feed, of a request with a body."""
    given, _, signed = data.partition(b"\n")
    lines = [
        (b"host", b"exchange.example"),
        (b"signature-input", given),
        (b"signature", signed),
        (b"content-type", b"application/json"),
        (b"content-digest", b"sha-256=:" + b"A" * 43 + b"=:"),
    ]
    message = RequestMessage("POST", ORIGIN + "/v1/seizures", HeaderLines(lines))
    presented = Presented.read(message, NOW)
    presented.verify(KEY.public.key, KEY.public.alg)


def request(data: bytes) -> None:
    """The lines of a head: the names and values of its headers."""
    lines = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in data.split(b"\n"))]
    scope = {"method": "GET", "raw_path": b"/v1/keys", "path": "/v1/keys", "query_string": data[:64], "headers": lines}
    message = RequestMessage.of(scope, ORIGIN)
    message.check(ORIGIN)
    Presented.read(message, NOW)


def digest(data: bytes) -> None:
    reader = DigestReader(data.decode("latin-1"))
    reader.update(b"body")
    reader.check()


def record(data: bytes) -> None:
    sdjwt.parse(data).verify(KEY.public.key)


def facets_of_a_record(data: bytes) -> None:
    value = read_json(data)
    if isinstance(value, dict):
        facets.validate("seizure", value, datetime.fromtimestamp(NOW, UTC))


def key(data: bytes) -> None:
    value = read_json(data)
    if isinstance(value, dict):
        public_key(value)
        opened(KEY.public.jwk, str(value.get("proof")))


PARSERS: dict[str, Callable[[bytes], object]] = {
    "signature": signature,
    "request": request,
    "digest": digest,
    "purpose": lambda data: read_purpose(data.decode("latin-1")),
    "range": lambda data: span(data.decode("latin-1"), 1_000),
    "record": record,
    "claims": read_claims,
    "facets": facets_of_a_record,
    "json": read_json,
    "key": key,
    "filter": lambda data: condition(data.decode("utf-8", "replace"), COLUMNS),
    "cursor": lambda data: CURSORS.open(data.decode("latin-1"), ["reader"]),
    "spectrum": read,
    "upload": inspect,
}
SANDBOXED = {"spectrum", "upload"}


def feed(name: str, data: bytes) -> None:
    """Raises what no parser may raise."""
    try:
        PARSERS[name](data)
    except Problem as problem:
        problem_response(problem)
    except Exception:
        if name not in SANDBOXED:
            raise
