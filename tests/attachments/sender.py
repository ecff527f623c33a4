"""An agency that sends files, request by request."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tests.seizures.wiring import Agency
from tests.signing.wire import BODILESS, Reply, send, sign

OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Sender(Agency):
    def call(self, method: str, target: str, body: bytes | None = None, content_type: str = OCTETS) -> Reply:
        origin = self.exchange.settings.origin
        return send(origin, sign(self.request_key, origin, method, target, body, content_type=content_type))

    def begin(self, data: bytes, **other: Any) -> Reply:
        document = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **other}
        return self.call("POST", "/v1/uploads", json.dumps(document).encode(), "application/json")

    def piece(self, upload: str, offset: int, data: bytes) -> Reply:
        return self.call("PATCH", f"/v1/uploads/{upload}?offset={offset}", data)

    def send(self, data: bytes) -> Reply:
        """The whole file in one piece: the answer to it."""
        begun = self.begin(data)
        assert begun.status == 201, begun.body
        return self.piece(begun.json()["id"], 0, data)

    def kept(self, data: bytes) -> dict[str, Any]:
        reply = self.send(data)
        assert reply.status == 200, reply.body
        document: dict[str, Any] = reply.json()
        assert document["state"] == "kept"
        return dict(document["attachment"])

    def attachments(self, record: str, **asked: Any) -> list[dict[str, Any]]:
        reply = self.get(f"/v1/records/{record}/attachments", **asked)
        assert reply.status == 200, reply.body
        return list(reply.json()["items"])

    def part(self, path: str, range_: str, *, covered: bool = True, purpose: str = "operational") -> Reply:
        origin = self.exchange.settings.origin
        components = [*BODILESS, "sarhad-purpose", *(["range"] if covered else [])]
        extra = {"range": range_}
        return send(
            origin,
            sign(self.request_key, origin, "GET", path, purpose=purpose, components=components, extra=extra),
        )
