"""Requests signed by hand and sent byte by byte, so that each part can be wrong on purpose."""

import datetime
import json
import re
import secrets
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from http_message_signatures import ContentDigest, HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519
from sarhad import PrivateKey

BODILESS = ("@method", "@authority", "@target-uri")
WITH_BODY = (*BODILESS, "content-type", "content-digest")


@dataclass(frozen=True)
class Wire:
    """A request as it goes onto the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    url: str = ""

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name)

    def with_header(self, name: str, value: str | Callable[[str], str]) -> "Wire":
        """The header changed, or added when there is none."""
        new = value(self.header(name)) if callable(value) else value
        kept = tuple((key, old) for key, old in self.headers if key.lower() != name)
        return replace(self, headers=(*kept, (name, new)))

    def and_header(self, name: str, value: str) -> "Wire":
        """One more line of this header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def without(self, *names: str) -> "Wire":
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in names))


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    lines: list[tuple[str, str]] = field(default_factory=list)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        return str(self.json()["type"]).removeprefix("/problems/")


class _Message:
    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers


def sign(
    key: PrivateKey,
    origin: str,
    method: str,
    target: str,
    body: bytes | None = None,
    *,
    content_type: str = "application/json",
    purpose: str | None = None,
    components: Sequence[str] | None = None,
    age: float = 0,
    lifetime: float = 120,
    keyid: str | None = None,
    nonce: str | None = None,
    tag: str | None = "sarhad-1",
    label: str = "sig",
    extra: dict[str, str] | None = None,
) -> Wire:
    """A request signed under the profile, unless told otherwise. `age` and `lifetime` are in seconds."""
    headers = {"Host": urlsplit(origin).netloc} | (extra or {})
    covered = list(components if components is not None else BODILESS if body is None else WITH_BODY)
    if body is not None:
        headers["Content-Type"] = content_type
        headers["Content-Digest"] = ContentDigest.create(body)
    if purpose is not None:
        headers["sarhad-purpose"] = purpose
        covered += ["sarhad-purpose"] if components is None else []
    created = datetime.datetime.fromtimestamp(time.time() - age, datetime.UTC)
    name = keyid or key.public.kid
    HTTPMessageSigner(
        signature_algorithm=ED25519 if key.public.alg == "EdDSA" else ECDSA_P256_SHA256,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={name: key.key}),
    ).sign(
        message := _Message(method, origin + target, headers),
        key_id=name,
        created=created,
        expires=created + datetime.timedelta(seconds=lifetime),
        nonce=nonce or secrets.token_urlsafe(24),
        tag=tag,
        label=label,
        covered_component_ids=covered,
        use_existing_digest="Content-Digest" in headers,
    )
    return Wire(method, target, tuple(message.headers.items()), body or b"", origin + target)


def sign_again(wire: Wire, signer: Callable[[bytes], bytes]) -> Wire:
    """The request signed over its Signature-Input and headers as they now stand, whatever they say: by hand, as RFC
    9421 §2.5 has it, so that the signature is right and all that is wrong is what they say.
    """
    given = wire.header("signature-input").removeprefix("sig=")
    derived = {"@method": wire.method, "@authority": wire.header("host"), "@target-uri": wire.url}
    covered = re.findall(r'"([^"]+)"', given.partition(")")[0])
    lines = [f'"{name}": {derived[name] if name in derived else wire.header(name)}' for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {given}']).encode("latin-1")
    return wire.with_header("signature", f"sig=:{b64encode(signer(base)).decode()}:")


def send(address: str, wire: Wire, timeout: float = 20) -> Reply:
    """Send to the origin `address`, whatever Host the request names. Nothing may take longer than `timeout` seconds."""
    lines = [f"{wire.method} {wire.target} HTTP/1.1", *(f"{name}: {value}" for name, value in wire.headers)]
    names = {name.lower() for name, _ in wire.headers}
    if (wire.body or wire.method == "POST") and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"content-length: {len(wire.body)}")
    head = "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
    return send_bytes(address, head + wire.body, timeout)


def send_bytes(address: str, request: bytes, timeout: float = 20) -> Reply:
    """Send raw bytes and read one answer until the connection ends."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            head, found, body = received.partition(b"\r\n\r\n")
            length = _length(head)
            if found and length is not None and len(body) >= length:
                break
    return whole(received)


def whole(received: bytes) -> Reply:
    """An answer as it came off the wire."""
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Reply(int(status_line.split()[1]), dict(pairs), body, pairs)


def received_for(address: str, request: bytes) -> bytes:
    """All that comes for these bytes until the service ends the connection."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=20) as connection:
        connection.sendall(request)
        received = b""
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    return received


def _length(head: bytes) -> int | None:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return None
