"""An order's events as they happen: server-sent events (WHATWG HTML §9.2), each signed by the service.

A stream is a reading that lasts. Every second it looks anew through the eyes of the key that opened it: a revoked key
ends it, and so does any change of the policies that apply, a suspension foremost; the reader then signs a new request.
The `id` of an event is sealed for this reader and order; asked with it as `after` (a signed parameter, where the
unsigned header `Last-Event-ID` would change what is asked) the stream goes on after it. It tells nothing of events in
between that the reader may not see: there is no number to miss.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson

from service.alerts import accounting, events
from service.alerts.eyes import eyes_of, order
from service.database import Database
from service.identity.caller import Caller
from service.paging import Cursors
from service.problems import Problem
from service.readings.write import AccessWriter
from service.signing import ServiceKey, ServiceKeys
from service.substances.catalogue import Catalogue
from service.substances.provisional import known_to

EVERY = 1.0  # seconds between looks: what is revoked or suspended is gone within one
KEEP_ALIVE = 15  # looks without an event, after which a comment shows that the line is alive
LONGEST = 3_600  # looks; then the reader signs anew
EVENT = "sarhad-event+jwt"
ROUTE = "/v1/subscriptions/{id}/stream"


class TooManyStreams(Problem):
    """Your country has as many open streams as one worker serves at a time."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class Streams:
    """How many streams of each country this worker serves."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[str, int] = {}

    def check(self, country: str) -> None:
        """Raises TooManyStreams."""
        if self._open.get(country, 0) >= self._most:
            raise TooManyStreams(f"close one of {self._most}", retry_after=60)

    def enter(self, country: str) -> None:
        self._open[country] = self._open.get(country, 0) + 1

    def leave(self, country: str) -> None:
        self._open[country] -= 1


@dataclass(frozen=True, slots=True)
class Stream:
    """One open stream: whose, of which order, and under which policies it was opened."""

    database: Database
    writer: AccessWriter
    cursors: Cursors
    keys: ServiceKeys
    key: ServiceKey
    catalogue: Catalogue
    streams: Streams
    caller: Caller
    order: UUID
    policy: str

    def bound(self) -> list[str]:
        return ["events", self.caller.country, self.caller.agency, str(self.order)]

    def opened(self, last: str | None) -> tuple[datetime, UUID]:
        """The place after which it begins: that of the last event received, or now. Raises InvalidCursor."""
        if last is None:
            return datetime.now(UTC), UUID(int=0)
        at, id_ = self.cursors.open(last, self.bound())
        return at or datetime.now(UTC), id_

    async def run(self, place: tuple[datetime, UUID]) -> AsyncIterator[bytes]:
        """The bytes of the stream, until it ends."""
        self.streams.enter(self.caller.country)
        try:
            yield b"retry: 2000\n: open\n\n"
            quiet = 0
            for _ in range(LONGEST):
                looked = await self._look(place) if self.keys.current().kid == self.key.kid else None
                if looked is None:
                    yield b"event: end\ndata: sign a new request\n\n"
                    return
                sent, place = looked
                if sent:
                    yield sent
                quiet = 0 if sent else quiet + 1
                if quiet >= KEEP_ALIVE:
                    quiet = 0
                    yield b": here\n\n"
                await asyncio.sleep(EVERY)
        finally:
            self.streams.leave(self.caller.country)

    async def _look(self, place: tuple[datetime, UUID]) -> tuple[bytes, tuple[datetime, UUID]] | None:
        """What is new, and from where to go on; None where the stream is over."""
        eyes = await eyes_of(self.database, self.caller.key_id, self.caller.purpose or "")
        if eyes is None or eyes.caller.roles != self.caller.roles:
            return None
        async with eyes.reading(self.database) as (session, policy):
            ordered = await order(session, self.order)
            if ordered is None or policy != self.policy:
                return None
            catalogue = await known_to(session, self.catalogue)
            found, after = await events.told(session, ordered, catalogue, after=place)
            by_owner = await accounting.owners(session, found)
        place = after or place
        if not found:
            return b"", place
        sent = b"".join(self._event(event) for event in found)
        await accounting.settle(self.writer, self.caller, policy, ROUTE, by_owner=by_owner, sent=sent)
        return sent, place

    def _event(self, event: dict[str, Any]) -> bytes:
        place = datetime.fromisoformat(event["at"]), UUID(event["id"])
        id_ = self.cursors.seal(place, self.bound())
        signed = self.key.sign_jws({"subscription": str(self.order), **event}, EVENT)
        return b"".join(
            (b"id: ", id_.encode(), b"\nevent: ", event["kind"].encode(), b"\ndata: ", signed.encode(), b"\n\n")
        )


def digest(ordered: dict[str, Any], day: str, found: list[dict[str, Any]]) -> bytes:
    """The file of one day: what the order has to tell of it, as its reader may see it at this moment."""
    document = {"digest": "sarhad-digest/1", "subscription": str(ordered["id"]), "day": day, "events": found}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
