"""What nobody foresaw becomes a signed 500 or 503 that tells nothing, and a log line without content."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Message, Receive, Scope, Send

from service.settings import Settings
from service.signing import ServiceKeys
from service.web import logs
from service.web.edge import Edge

SECRET = "row (Ivanov, 11.840 kg) violates check"


async def answer(tmp_path: Path, error: Exception) -> tuple[int, dict[str, str], bytes]:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        unfortunate_local = SECRET
        assert unfortunate_local
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    async def settle(scope: Scope, status: int, digest: bytes) -> None:
        """No reading, nothing to log."""

    settings = Settings(state_dir=tmp_path)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/v1/x",
        "query_string": b"",
        "headers": [],
    }
    await Edge(failing, settings, ServiceKeys(settings), settle)(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [
        (ValueError(SECRET), 500, "unexpected-error"),
        (OperationalError("SELECT 1", {}, Exception(SECRET)), 503, "unavailable"),
        (ConnectionRefusedError(SECRET), 503, "unavailable"),
    ],
)
async def test_a_fault_tells_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], error: Exception, status: int, problem: str
) -> None:
    logs.configure()
    told, headers, body = await answer(tmp_path, error)
    assert (told, json.loads(body)["type"]) == (status, f"/problems/{problem}")
    assert "signature" in headers
    assert b"Ivanov" not in body
    logged = capfd.readouterr().err
    assert type(error).__name__ in logged
    assert "Ivanov" not in logged
    assert all(json.loads(line) for line in logged.splitlines())
