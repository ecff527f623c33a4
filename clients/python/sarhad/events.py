"""Listen to a stream of events: server-sent events, each verified with the service's pinned key."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from sarhad._calls import read_problem
from sarhad._session import unreachable
from sarhad.errors import UnverifiedResponse
from sarhad.keys import PublicKey, b64url_decode
from sarhad.profile import Profile
from sarhad.signing import purpose_field, sign_request
from sarhad.succession import HEADER, succeeded

EVENT = "sarhad-event+jwt"
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)  # the service says every quarter of a minute that it is there


@dataclass(frozen=True)
class Event:
    """`place` is what a later stream goes on after; `document` what was signed."""

    place: str
    kind: str
    document: Mapping[str, Any]


def listen(profile: Profile, subscription: str, purpose: str, after: str | None = None) -> Iterator[Event]:
    """Events until the stream ends: then sign a new one, with the last `place`.

    Raises ProblemError, ServiceUnreachable, UnverifiedResponse.
    """
    key = profile.service_key
    if key is None:
        raise UnverifiedResponse("The key of the service is not known yet: make another call first.")
    url = f"{profile.service.rstrip('/')}/v1/subscriptions/{subscription}/stream"
    headers = {"sarhad-purpose": purpose_field(purpose, None), "accept": "text/event-stream"}
    try:
        with httpx.Client(timeout=_TIMEOUT) as client:
            request = client.build_request("GET", url, params={"after": after} if after else None, headers=headers)
            sign_request(request, profile.load_request_key())
            response = client.send(request, stream=True)
            with closing(response):
                if response.status_code >= 400:
                    response.read()
                    read_problem(response)
                if HEADER in response.headers:
                    key = succeeded(key, response.headers[HEADER].split(","))
                yield from _events(response.iter_lines(), key)
    except httpx.TransportError as fault:
        raise unreachable(profile.service, fault) from None


def _events(lines: Iterator[str], key: PublicKey) -> Iterator[Event]:
    event: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
            continue
        if event.get("event") == "end":
            return
        if "data" in event:
            yield Event(event.get("id", ""), event["event"], verified(event["data"], key))
        event = {}


def verified(data: str, key: PublicKey) -> dict[str, Any]:
    """The event of a compact JWS by the service. Raises UnverifiedResponse."""
    parts = data.split(".")
    if len(parts) != 3:
        raise UnverifiedResponse("An event is not signed.")
    header = orjson.loads(b64url_decode(parts[0]))
    signer = key.speaking(header.get("kid"), time.time())
    if header.get("typ") != EVENT or signer is None:
        raise UnverifiedResponse("An event is signed with another key than the service's.")
    signer.verify(b64url_decode(parts[2]), f"{parts[0]}.{parts[1]}".encode())
    return dict(orjson.loads(b64url_decode(parts[1])))
