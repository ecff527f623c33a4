"""How the tests of this folder speak to the exchange: whole answers, and what the database then holds."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sarhad import PrivateKey
from sarhad.records import Record, issue
from sqlalchemy import create_engine, text

from service.settings import Settings
from tests.exchange import Exchange, heroin
from tests.signing.wire import Reply, send, sign

RECORD = "application/sd-jwt"
NDJSON = "application/x-ndjson"

_COUNTS = text(
    "SELECT (SELECT count(*) FROM core.report), (SELECT count(*) FROM core.report_line),"
    " (SELECT count(*) FROM core.log_pending WHERE log = 'records')"
    " + (SELECT count(*) FROM core.log_leaf WHERE log = 'records')"
)


@dataclass(frozen=True)
class Stored:
    """Rows there are: reports, their lines, and their leaves, merged or still waiting."""

    reports: int
    lines: int
    leaves: int


def stored(settings: Settings) -> Stored:
    engine = create_engine(settings.database_as())
    with engine.connect() as connection:
        counts = connection.execute(_COUNTS).one()
    engine.dispose()
    return Stored(*counts)


@dataclass(frozen=True)
class Agency:
    """One agency's hands on the exchange: what it sends is signed, what it gets is the whole answer."""

    exchange: Exchange
    name: str

    @property
    def request_key(self) -> PrivateKey:
        return self.exchange.region.profiles[self.name].load_request_key()

    @property
    def record_key(self) -> PrivateKey:
        return self.exchange.region.profiles[self.name].load_record_key()

    def report(self, **facets: Any) -> str:
        """A plausible seizure report, signed."""
        return issue(self.record_key, heroin(self.name, **facets))

    def sign(self, record: Record) -> str:
        return issue(self.record_key, record)

    def post(self, record: str | bytes, path: str = "/v1/seizures", content_type: str = RECORD) -> Reply:
        body = record.encode() if isinstance(record, str) else record
        origin = self.exchange.settings.origin
        return send(origin, sign(self.request_key, origin, "POST", path, body, content_type=content_type))

    def batch(self, lines: Iterable[str | bytes], **options: str) -> Reply:
        """The lines as they are; a record becomes one with `line`."""
        body = b"".join((entry.encode() if isinstance(entry, str) else entry) + b"\n" for entry in lines)
        return self.post(body, "/v1/batches" + (f"?{urlencode(options)}" if options else ""), NDJSON)

    def get(self, path: str, accept: str | None = None, purpose: str = "operational", **query: Any) -> Reply:
        origin = self.exchange.settings.origin
        target = path + (f"?{urlencode(query)}" if query else "")
        wire = sign(self.request_key, origin, "GET", target, purpose=purpose)
        return send(origin, wire.with_header("accept", accept) if accept else wire)

    def search(self, **query: Any) -> list[dict[str, Any]]:
        reply = self.get("/v1/seizures", **query)
        assert reply.status == 200, reply.body
        return list(reply.json()["items"])


def line(record: str) -> str:
    return json.dumps({"record": record})


def verdicts(reply: Reply) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The verdict lines of a batch, and its summary."""
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"].startswith(NDJSON)
    *lines, last = [json.loads(entry) for entry in reply.body.splitlines()]
    assert [entry["line"] for entry in lines] == list(range(1, len(lines) + 1))
    return lines, last["summary"]


def statuses(lines: Sequence[dict[str, Any]]) -> list[int]:
    return [entry["status"] for entry in lines]


def refusal(reply: Reply) -> tuple[int, str, str | None]:
    """Status, type and pointer or parameter of a refusal, which is always a whole problem document."""
    assert reply.headers["content-type"] == "application/problem+json", reply.body
    document = reply.json()
    assert document["status"] == reply.status
    assert document["title"]
    assert document["detail"]
    return reply.status, reply.problem, document.get("pointer", document.get("parameter"))
