"""Signed requests of one reader, and whole answers to compare."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from sarhad.keys import PublicKey
from sarhad.signing import SignedRequests

from service.signing import ServiceKey
from tests.exchange import Exchange

# bound to the nonce and time of each request, and to the connection that happened to carry it
BOUND = {"date", "signature", "signature-input", "connection"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def of(self, record: str) -> "Answer":
        """The answer with the record's id made one that all share."""
        mark = str(uuid.UUID(int=0))
        headers = tuple((k, v.replace(record, mark)) for k, v in self.headers if k != "content-digest")
        return Answer(self.status, headers, self.body.replace(record.encode(), mark.encode()))


class Asker:
    """Signed requests of one reader, and whole answers."""

    def __init__(self, exchange: Exchange, name: str, purpose: str | None = "operational") -> None:
        key = PublicKey.from_jwk(dict(ServiceKey.load_or_create(exchange.settings.state_dir).jwk))
        self.http = httpx.Client(
            base_url=exchange.settings.origin,
            auth=SignedRequests(exchange.region.profiles[name].load_request_key(), lambda: key),
            headers={"sarhad-purpose": purpose} if purpose else {},
        )

    def __call__(self, path: str, method: str = "GET", **given: Any) -> Answer:
        response = self.http.request(method, path, **given)
        return Answer(
            response.status_code,
            tuple((k, v) for k, v in response.headers.multi_items() if k not in BOUND),
            response.content,
        )
